"""The site's clock, its stores, and the client of the collector's open buckets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from domain.clock import Clock, Waker, parse_clock
from pharmapulse.config import Config
from pharmapulse.places import Places

if TYPE_CHECKING:
    from domain.ports import LiveBuckets
    from rrd.store import RrdSeriesStore
    from store.state import SqlState

# The supervisor fixes when a replayed clock begins and hands it down, so that its processes agree on the time.
ORIGIN_VARIABLE = "PHARMAPULSE_CLOCK_ORIGIN"


def clock(config: Config) -> tuple[Clock, Waker]:
    """The site's clock and a waker that goes by it."""
    origin = os.environ.get(ORIGIN_VARIABLE)
    site = config.settings.site
    return parse_clock(site.clock, site.zone, float(origin) if origin else None)


def state(config: Config) -> SqlState:
    """The database of state."""
    from store.state import open_state

    config.data.mkdir(parents=True, exist_ok=True)
    return open_state(config.settings.state.url or f"sqlite:///{Places(config.data).state}")


def series(config: Config) -> RrdSeriesStore:
    """The series on disk."""
    from rrd.store import RrdSeriesStore

    return RrdSeriesStore(Places(config.data).series)


def live(config: Config) -> LiveBuckets:
    """The client of the collector's open buckets."""
    from transport.live import LiveClient

    return LiveClient(Places(config.data).socket)
