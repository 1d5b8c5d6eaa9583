"""The incidents of a stretch of time, as the view at hand may see them, and the overview that agrees with them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from dashboard.data import Snapshot
from dashboard.overview import Overview, overview
from dashboard.site import Site
from domain.incident import Incident

MOST = 500
_FRESH = 10  # that one was seen again is noted without an entry: so old may what is shown of it be, in seconds
_DAY = 86_400


def recent(site: Site, snapshot: Snapshot, since: float) -> tuple[Incident, ...]:
    """Those that last, and those that changed since; newest first. Raises StoreError."""
    key = ("incidents", int(since), site.newest_entry, int(snapshot.now // _FRESH))
    return site.models.get(key, lambda: _read(site, since))


def lasting_now(site: Site, snapshot: Snapshot) -> tuple[Incident, ...]:
    """Those of the last hours: what a state of now has to agree with."""
    return recent(site, snapshot, int(snapshot.now // _DAY - 1) * _DAY)


def turns(incidents: Iterable[Incident]) -> Hashable:
    """What tells that one of them took a turn; that it was merely seen again is none."""
    return tuple((one.id, one.state, one.changed) for one in incidents)


def overview_now(site: Site, snapshot: Snapshot) -> Overview:
    """The first page's model, kept until another minute is complete or an incident takes a turn."""
    happened = lasting_now(site, snapshot)
    key = ("overview", site.stamp(snapshot, 60), turns(happened))
    return site.models.get(key, lambda: overview(snapshot, site.names, happened))


def _read(site: Site, since: float) -> tuple[Incident, ...]:
    found = {one.id: one for one in [*site.incidents.unsettled(), *site.incidents.incidents(since, MOST)]}
    return tuple(sorted(found.values(), key=lambda one: (-one.opened, -one.id)))
