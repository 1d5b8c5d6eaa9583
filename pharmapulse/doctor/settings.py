"""The configuration: that it can be read was found by reading it; whether it makes sense is looked at here."""

from __future__ import annotations

from collections.abc import Iterable

from logwatch.examples import failures
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, warn

NAME = "configuration"


def check(house: House) -> Iterable[Finding]:
    """Formats give what their own examples say; something is watched, and has a hub."""
    config = house.config
    sources = config.settings.sources
    wrong = 0
    for name in dict.fromkeys([*config.settings.formats, *(source.format for source in sources)]):
        bad = failures(config.formats[name], config.codes, f"formats.{name}", house.now)
        wrong += len(bad)
        if bad:
            yield fail(NAME, f"formats.{name}: {several(len(bad), 'example')} not as it says",
                       f"pharmapulse check --config {house.file}")  # fmt: skip
    for place, source in enumerate(sources):
        if not source.hub and not config.formats[source.format].fields.hub:
            yield warn(NAME, f"sources[{place}] {source.name} names no hub, nor does its format: its calls show on no "
                       "hub's page", f'sources[{place}].hub = "…"')  # fmt: skip
    if not sources:
        yield warn(NAME, f"{house.file} watches nothing: right where log watchers run on other machines",
                   "Otherwise add a [[sources]] with name, paths and format")  # fmt: skip
    elif not wrong:
        yield ok(NAME, f"{house.file}: {several(len(sources), 'source')}, formats as their examples say")
