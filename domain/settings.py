"""The settings every package is built from: the shape of `pharmapulse.toml`, frozen, with its defaults.

Reading the file and saying what is wrong with it is the work of `pharmapulse.config`.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who and where this is. `data` is the directory that holds everything stored."""

    name: str
    data: str
    zone: str = "Europe/Brussels"
    clock: str = "wall"


class TransportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is where batches go: `spool:DIR`; "" is the spool in `site.data`."""

    url: str = ""


class StateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is a database of state: `sqlite:///FILE`; "" is the one in `site.data`."""

    url: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of log: where its files are (globs; plain, .gz or .zst), how to read them, whose they are."""

    name: str
    paths: tuple[str, ...]
    format: str
    hub: str = ""
    server: str = ""
    disorder: float = 2.0


class TimeField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a line's time stands, the zone of times that name none, and which end of the call it marks."""

    field: str
    zone: str = "Europe/Brussels"
    marks: Literal["start", "end"] = "end"


class Picked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key taken out of a field by a pattern: its first group, or all it matches."""

    field: str
    match: str


FieldSpec = str | Picked


class Fields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which field of the line holds which key. "" or a missing name: the key is not in these lines."""

    hub: FieldSpec = ""
    endpoint: FieldSpec = ""
    vendor: FieldSpec = ""
    version: FieldSpec = ""
    pharmacy: FieldSpec = ""
    server: FieldSpec = ""
    code: FieldSpec = ""
    status: FieldSpec = ""
    duration_us: FieldSpec = ""
    duration_ms: FieldSpec = ""
    duration_s: FieldSpec = ""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an endpoint is made general: each pattern's matches are replaced, in order."""

    pattern: str
    by: str = "{}"


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines that do not match `starts` continue the event before them."""

    starts: str


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line and what it gives; `check` runs it. `gives` holds keys, `duration_ms`, `time` (RFC 3339)."""

    line: str
    gives: dict[str, str | int | float]


class Format(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How lines are read, declared rather than coded."""

    kind: str
    time: TimeField | None = None
    fields: Fields = Fields()
    template: tuple[Template, ...] | None = None
    join: Join | None = None
    ignore: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


class CodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result code of one's own: its class and side."""

    code: str
    klass: Literal["ok", "functional", "technical"] = msgspec.field(name="class")
    side: Literal["ehealth", "hub", "vendor", "pharmacy", "network", ""] = ""


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a hub is called on the pages, and what it does in a word."""

    key: str
    name: str
    does: str = ""


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log watcher: its name, how often it looks, how many values of a field it keeps apart."""

    name: str = "agent"
    tick_seconds: float = 1.0
    field_cap: int = 300


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The collector: how long buckets stay open after the watermark, and how long cells are kept."""

    grace_seconds: int = 120
    retention_days: int = 425
    compact_seconds: float = 60.0


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the dashboard listens. Until accounts exist it listens on this machine only."""

    port: int = 8080
    workers: int = 1
    threads: int = 64


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration."""

    site: Site
    sources: tuple[Source, ...] = ()
    transport: TransportSettings = TransportSettings()
    state: StateSettings = StateSettings()
    agent: AgentSettings = AgentSettings()
    collector: CollectorSettings = CollectorSettings()
    web: WebSettings = WebSettings()
    formats: dict[str, Format] = {}
    hubs: tuple[HubSettings, ...] = ()
    codes: tuple[CodeSettings, ...] = ()
