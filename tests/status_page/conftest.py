"""A public site over a document on the disk and a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from domain.clock import ManualClock
from domain.published import Published
from status_page.app import create_app
from status_page.site import Site
from status_page.source import PublishedFile
from tests.status_page.documents import MORNING, NOW, publish

STALE_SECONDS = 120.0


@dataclass
class Public:
    """The site with what it was built from."""

    path: Path
    clock: ManualClock
    site: Site
    app: Flask

    def publish(self, document: Published) -> None:
        """Put another document there."""
        publish(self.path, document)

    @property
    def client(self) -> FlaskClient:
        """Somebody who asks."""
        return self.app.test_client()

    def get(self, address: str, **headers: str) -> str:
        """The text at an address that answers 200."""
        answer = self.client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == 200, f"{address}: {answer.status} {answer.text[:300]}"
        return answer.text


def site_at(path: Path, now: float = NOW, *, wall: bool = True) -> Public:
    """A site over a path where a document may or may not be."""
    clock = ManualClock(now)
    site = Site(PublishedFile(path), clock, "FarmaFlux", STALE_SECONDS, wall)
    return Public(path, clock, site, create_app(site))


@pytest.fixture
def nothing(tmp_path: Path) -> Public:
    return site_at(tmp_path / "published" / "status.json")


@pytest.fixture
def public(nothing: Public) -> Public:
    nothing.publish(MORNING)
    return nothing
