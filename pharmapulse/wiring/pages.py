"""What is looked at: the dashboard and the public page."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from domain.clock import SystemClock
from pharmapulse.config import Config
from pharmapulse.places import Places
from pharmapulse.wiring.calls import queue_status
from pharmapulse.wiring.stores import clock, live, series, state

if TYPE_CHECKING:
    from flask import Flask

    from status_page.site import Site


def dashboard(config: Config) -> Flask:
    """The dashboard's application."""
    from dashboard.app import create_app
    from dashboard.site import Ports
    from store.access import SqlAccess
    from store.incidents import SqlIncidents
    from store.restarts import SqlRestarts

    kept = state(config)
    ports = Ports(
        series=series(config), live=live(config), state=kept, access=SqlAccess(kept.engine),
        incidents=SqlIncidents(kept.engine), clock=clock(config)[0], wall=SystemClock(), secret=web_secret(config),
        restarts=SqlRestarts(kept.engine), queues=queue_status(config),
    )  # fmt: skip
    return create_app(config.settings, ports)


def web_secret(config: Config) -> bytes:
    """What signs the dashboard's forms: made once, and the same for all its processes."""
    from store.files import made_once

    return made_once(Places(config.data).web_secret, lambda: secrets.token_bytes(32))


def public_site(config: Config) -> Site:
    """What the public is told, made of the published document alone."""
    from status_page.site import Site
    from status_page.source import PublishedFile

    site, status = config.settings.site, config.settings.status
    file = PublishedFile(Places(config.data).published)
    return Site(file, clock(config)[0], status.title or site.name, status.stale_seconds, site.clock == "wall")


def status_page(config: Config) -> Flask:
    """The public site's application."""
    from status_page.app import create_app

    return create_app(public_site(config))
