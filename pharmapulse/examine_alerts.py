"""What the types cannot say of alerts: their bounds, people and routes; and, more thoroughly, people's channels."""

from __future__ import annotations

import math
import re
from pathlib import Path

from domain.errors import ConfigError, NotifyError
from domain.settings import AlertSettings, Person, Route, Settings

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+", re.DOTALL)


def examine(settings: Settings) -> None:
    """Raise ConfigError with the place of what is wrong, as far as the file itself tells."""
    _examine_bounds(settings.alerts)
    names: set[str] = set()
    for place, person in enumerate(settings.people):
        at = f"people[{place}]"
        _examine_person(person, at)
        if person.name in names:
            raise ConfigError(f'two people are called "{person.name}"', path=f"{at}.name", mend="Give each their own")
        names.add(person.name)
    hubs = {hub.key for hub in settings.hubs}
    for place, one in enumerate(settings.routes):
        _examine_route(one, f"routes[{place}]", names, hubs)


def _examine_bounds(alerts: AlertSettings) -> None:
    if not 0.5 <= alerts.every_seconds < math.inf:
        raise ConfigError(
            f"{alerts.every_seconds} is no such time", path="alerts.every_seconds", mend="Write 0.5 or more"
        )
    for path, share in (
        ("alerts.technical_share", alerts.technical_share), ("alerts.fewer_share", alerts.fewer_share),
    ):  # fmt: skip
        if not 0 < share <= 1:
            raise ConfigError(f"{share} is no share", path=path, mend="Write more than 0 and at most 1, such as 0.2")


def _examine_person(person: Person, at: str) -> None:
    if not person.name.strip():
        raise ConfigError("a person without a name", path=f"{at}.name", mend="Routes call people by their name")
    if not person.urls and not person.urls_file:
        raise ConfigError(
            f"{person.name} has no channel",
            path=f"{at}.urls",
            mend="Name one in urls, or those with secrets in urls_file",
        )
    for number, url in enumerate(person.urls):
        if not _SCHEME.fullmatch(url):
            # Not shown: it may hold a secret.
            raise ConfigError("this is no URL", path=f"{at}.urls[{number}]", mend='Write one such as "mailto://…"')


def _examine_route(one: Route, at: str, names: set[str], hubs: set[str]) -> None:
    if not one.to:
        raise ConfigError("a route to nobody", path=f"{at}.to", mend="Name people")
    for number, name in enumerate(one.to):
        if name not in names:
            raise ConfigError(
                f'there is nobody called "{name}"', path=f"{at}.to[{number}]",
                mend=f"Write one of {', '.join(sorted(names))}" if names else "Add them under [[people]]",
            )  # fmt: skip
    for number, hub in enumerate(one.hubs):
        if hubs and hub not in hubs:
            raise ConfigError(
                f'there is no hub "{hub}"', path=f"{at}.hubs[{number}]", mend=f"Write one of {', '.join(sorted(hubs))}"
            )


def examine_channels(settings: Settings, file: Path) -> None:
    """Raise ConfigError where somebody's channel cannot be used, or others can read its secrets.

    Looks into the files, as only the processes that tell people need to. `file` is the configuration.
    """
    try:
        _examine_channels(settings, file.parent)
    except ConfigError as error:
        raise ConfigError(error.problem, file=str(file), path=error.path, mend=error.mend) from error


def _examine_channels(settings: Settings, root: Path) -> None:
    # Loading apprise takes a second.
    from alerts.notify import channel_of, masked, urls_of

    for place, person in enumerate(settings.people):
        at = f"people[{place}].{'urls_file' if person.urls_file else 'urls'}"
        if person.urls_file:
            _examine_file(root / person.urls_file, at)
        try:
            urls = urls_of(person, root)
        except NotifyError as error:
            raise ConfigError(str(error), path=at, mend="Write one URL a line") from error
        for url in urls:
            if channel_of(url) is None:
                raise ConfigError(
                    f"{masked(url)} is no URL that apprise knows", path=at,
                    mend="See https://github.com/caronc/apprise for those it knows",
                )  # fmt: skip


def _examine_file(path: Path, at: str) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", path=at, mend="Name a file that this user may read") from error
    if mode & 0o007:
        raise ConfigError(f"{path} can be read by everybody", path=at, mend=f"Keep its secrets: chmod o= {path}")
