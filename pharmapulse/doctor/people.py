"""The people: whether somebody is told of every hub's incidents, by channels that can be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerts.notify import channel_of, urls_of
from domain.errors import NotifyError
from domain.settings import Settings
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, warn

NAME = "people"


def check(house: House) -> Iterable[Finding]:
    """Routes and channels."""
    settings = house.config.settings
    gaps = list(untold(settings))
    yield from gaps
    wrong = 0
    used = {name for route in settings.routes for name in route.to}
    for place, person in enumerate(settings.people):
        try:
            urls = urls_of(person, house.config.file.parent)
        except NotifyError as error:
            wrong += 1
            yield fail(NAME, str(error), f"people[{place}].urls = […]")
            continue
        bad = unusable(urls)
        if bad:
            wrong += 1
            yield fail(NAME, f"{person.name}: {several(len(bad), 'URL')} that Apprise cannot use ({', '.join(bad)})",
                       f"pharmapulse notify test --config {house.file} --person {person.name}")  # fmt: skip
        elif person.name not in used and settings.routes:
            yield warn(NAME, f"{person.name} is in no route, and is told of nothing", "Add the name to a route's to")
    if not gaps and not wrong:
        yield ok(NAME, f"{several(len(used), 'person', 'people')} told, by channels that Apprise knows; "
                 f"try them: pharmapulse notify test --config {house.file}")  # fmt: skip


def unusable(urls: Sequence[str]) -> list[str]:
    """The schemes of those URLs that are no channel: never more of them, for they hold secrets."""
    return [f"{url.partition(':')[0][:20]}://…" for url in urls if channel_of(url) is None]


def untold(settings: Settings) -> Iterable[Finding]:
    """Incidents that nobody is told of."""
    if settings.alerts.shadow:
        yield warn(NAME, "alerts.shadow is set: all is judged, and nobody told", "alerts.shadow = false")
    if not settings.routes:
        yield warn(NAME, "no route: incidents are recorded, and nobody told", "Add [[people]] and [[routes]]")
        return
    if all(route.hubs for route in settings.routes):
        told = {hub for route in settings.routes for hub in route.hubs}
        left = sorted({hub.key for hub in settings.hubs} - told)
        named = f" ({', '.join(left)})" if left else ""
        yield warn(NAME, f"of hubs that no route names{named} nobody is told",
                   "Add a route without hubs, for all that is left")  # fmt: skip
