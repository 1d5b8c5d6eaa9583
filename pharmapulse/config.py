"""Reading `pharmapulse.toml`: every error names the file, the path in it and the mend."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from domain.clock import parse_clock
from domain.codes import SHIPPED, Judgement
from domain.errors import ConfigError
from domain.settings import Format, Settings
from logwatch.catalog import formats, named
from logwatch.registry import Registry
from logwatch.start import start_us
from pharmapulse.examine_alerts import examine as examine_alerts
from pharmapulse.examine_deferred import examine as examine_deferred
from pharmapulse.examine_status import examine as examine_status
from pharmapulse.examine_web import examine as examine_web
from pharmapulse.places import HIGHEST_PORT
from transport.addresses import examine as examine_transport

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_CHOICE = re.compile(r"Invalid enum value '([^']*)'")
_AT = re.compile(r" - at `\$\.?([^`]*)`")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Config:
    """Settings with the file they were read from."""

    file: Path
    settings: Settings

    @property
    def data(self) -> Path:
        """The directory of everything stored; a relative one is meant from the file's own directory."""
        return (self.file.parent / self.settings.site.data).resolve()

    def absolute(self, pattern: str) -> str:
        """A path pattern of the configuration; a relative one is meant from the file's own directory."""
        return str(self.file.parent / pattern)

    @property
    def formats(self) -> dict[str, Format]:
        """Shipped formats and the file's own."""
        return formats(self.settings.formats)

    @property
    def codes(self) -> Mapping[str, Judgement]:
        """Shipped codes and the file's own."""
        own = {code.code.upper(): Judgement(code.klass, code.side, True) for code in self.settings.codes}
        return {**SHIPPED, **own}


def load(file: Path) -> Config:
    """The configuration in a file. Raises ConfigError."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", file=str(file), mend="Check the name given to --config") from error
    except IsADirectoryError as error:
        raise ConfigError("is a directory", file=str(file), mend="Name the file in it") from error
    except UnicodeDecodeError as error:
        raise ConfigError("is no text in UTF-8", file=str(file), mend="Save it as UTF-8, as TOML must be") from error
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}", file=str(file), mend="Give this user the right to read it"
        ) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}", file=str(file)) from error
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise _explained(str(error), file, raw) from error
    config = Config(file.resolve(), settings)
    try:
        _examine(config)
    except ConfigError as error:
        raise ConfigError(error.problem, file=str(file), path=error.path, mend=error.mend) from error
    return config


def _explained(text: str, file: Path, raw: Mapping[str, Any]) -> ConfigError:
    """A validation error in our words: where it is, and what to write instead."""
    at = match[1] if (match := _AT.search(text)) else ""
    if at.startswith("formats[...]"):
        at = at.replace("[...]", f".{_wrong_format(raw['formats'])}", 1)
    problem = _AT.sub("", text)
    mend = ""
    if unknown := _UNKNOWN.search(problem):
        name = unknown[1]
        near = difflib.get_close_matches(name, _names(Settings), n=1)
        problem, at = f'there is no setting "{name}"', f"{at}.{name}".strip(".")
        mend = f'Did you mean "{near[0]}"?' if near else "Take it out; docs/configuration.md lists the settings"
    elif wrong := _CHOICE.search(problem):
        choices = _choices(at)
        problem = f'"{wrong[1]}" is none of the choices'
        mend = f"Write {', '.join(choices[:-1])} or {choices[-1]}" if choices else ""
    elif missing := _MISSING.search(problem):
        problem, at = f'the setting "{missing[1]}" is missing', at or "the file"
        mend = f"Add {missing[1]} = …"
    return ConfigError(problem, file=str(file), path=at, mend=mend)


def _wrong_format(raw: Mapping[str, Any]) -> str:
    """The name of the first format that is not as it should be: the validation does not tell it."""
    for name, form in raw.items():
        try:
            msgspec.convert(form, Format)
        except msgspec.ValidationError:
            return name
    return "*"


def _choices(at: str) -> list[str]:
    """What may be written at a place such as `codes[0].class`, where that is one of a few words."""
    kind: Any = Settings
    for name in re.findall(r"[a-z_]+", at):
        # The settings of a table stand in its own type or in what it is a list, a dictionary or an option of.
        for part in (kind, *get_args(kind)):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                kind = {field.encode_name: field.type for field in msgspec.structs.fields(part)}.get(name, kind)
                break
    return [f'"{word}"' for word in get_args(kind)] if get_origin(kind) is Literal else []


def _names(root: type) -> list[str]:
    """Every setting's name, for guesses at a misspelt one."""
    found: list[str] = []
    waiting: list[object] = [root]
    seen: set[object] = set()
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            fields = msgspec.structs.fields(kind)
            found += [field.encode_name for field in fields]
            waiting += [field.type for field in fields]
        else:
            waiting += [part for part in getattr(kind, "__args__", ()) if part is not Ellipsis]
    return found


def _examine(config: Config) -> None:
    """What the types cannot say. Raises ConfigError with the place."""
    settings = config.settings
    if not settings.site.data:
        # The file's own directory would be meant: everything stored would lie among what is there.
        raise ConfigError("names no directory", path="site.data", mend='Write one such as "/var/lib/pharmapulse"')
    try:
        ZoneInfo(settings.site.zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f'"{settings.site.zone}" is not a time zone', path="site.zone", mend='Write one such as "Europe/Brussels"'
        ) from error
    parse_clock(settings.site.clock, settings.site.zone)
    if not _NAME.fullmatch(settings.agent.name):
        raise ConfigError(
            f'"{settings.agent.name}" is not an agent\'s name', path="agent.name",
            mend="Write small letters, digits and dashes",
        )  # fmt: skip
    for path, value, least in (
        ("agent.tick_seconds", settings.agent.tick_seconds, 0.05),
        ("agent.wake_seconds", settings.agent.wake_seconds, 0),
        ("agent.outbox_bytes", settings.agent.outbox_bytes, 1_048_576),
        ("agent.field_cap", settings.agent.field_cap, 1),
        ("collector.grace_seconds", settings.collector.grace_seconds, 0),
        ("collector.retention_days", settings.collector.retention_days, 1),
        ("collector.compact_seconds", settings.collector.compact_seconds, 1),
        ("web.port", settings.web.port, 1),
        ("web.workers", settings.web.workers, 1),
        ("web.threads", settings.web.threads, 1),
    ):
        _at_least(least, value, path)
    if settings.web.port > HIGHEST_PORT:
        raise ConfigError(
            f"{settings.web.port} leaves no room for the ports after it",
            path="web.port",
            mend=f"Write at most {HIGHEST_PORT}",
        )
    _examine_urls(settings)
    examine_web(settings.web)
    examine_status(settings.status)
    examine_deferred(settings.deferred)
    examine_alerts(settings)
    known = config.formats
    names: set[str] = set()
    for place, source in enumerate(settings.sources):
        at = f"sources[{place}]"
        if not _NAME.fullmatch(source.name):
            raise ConfigError(
                f'"{source.name}" is not a source\'s name',
                path=f"{at}.name",
                mend="Write small letters, digits and dashes",
            )
        if source.name in names:
            raise ConfigError(
                f'two sources are called "{source.name}"', path=f"{at}.name", mend="Give each its own name"
            )
        names.add(source.name)
        if not source.paths:
            raise ConfigError("no paths", path=f"{at}.paths", mend='Write a list such as ["/var/log/hub/*.log*"]')
        named(source.format, known, f"{at}.format")
        _at_least(0, source.disorder, f"{at}.disorder")
        start_us(source.start, f"{at}.start")
    hubs: set[str] = set()
    for place, hub in enumerate(settings.hubs):
        if hub.key in hubs:
            raise ConfigError(f'two hubs have the key "{hub.key}"', path=f"hubs[{place}].key", mend="Take one out")
        hubs.add(hub.key)
    _examine_formats(settings, known)


def _at_least(least: float, value: float, path: str) -> None:
    if not value >= least or value == math.inf:  # TOML knows nan and inf, and nothing is less than nan
        problem = "is too little" if value < least else "is no such number"
        raise ConfigError(f"{value} {problem}", path=path, mend=f"Write {least} or more")


def _examine_urls(settings: Settings) -> None:
    examine_transport(settings.transport)
    url = settings.state.url
    if url and urlsplit(url).scheme != "sqlite":
        raise ConfigError(
            f'"{url}" is not a place this version knows', path="state.url", mend="Write one that begins with sqlite:"
        )


def _examine_formats(settings: Settings, known: Mapping[str, Format]) -> None:
    # A reader is built from each format: its patterns, its kind and its zone are looked at as when it is used.
    from logwatch.reader import Reader

    for name in settings.formats:
        Reader(known[name], Registry(1), path=f"formats.{name}")
