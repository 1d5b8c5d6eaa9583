"""The request at hand: who makes it, and the site as they see it."""

from __future__ import annotations

from typing import cast

from flask import current_app, g

from dashboard.site import Shared, Site
from domain.access import Who


def shared() -> Shared:
    """What all requests share."""
    return cast("Shared", current_app.extensions["pharmapulse"])


def site() -> Site:
    """The site in the view of whoever asks. `dashboard.access.gate` sets it before any page is made."""
    return cast("Site", g.site)


def who() -> Who | None:
    """Whoever asks; None for somebody unknown, who sees only what is open to all."""
    return cast("Who | None", g.get("who"))
