"""The settings every package is built from: the shape of `pharmapulse.toml`, frozen, with its defaults.

Reading the file and saying what is wrong with it is the work of `pharmapulse.config`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from domain.formats import Example, Fields, FieldSpec, Format, Join, Pair, Picked, Template, TimeField, Value

__all__ = [
    "AgentSettings",
    "AlertSettings",
    "CodeSettings",
    "CollectorSettings",
    "DeferredSettings",
    "Example",
    "FieldSpec",
    "Fields",
    "Format",
    "HubSettings",
    "Join",
    "Pair",
    "Person",
    "Picked",
    "Route",
    "Settings",
    "Site",
    "Source",
    "StateSettings",
    "StatusSettings",
    "Target",
    "Template",
    "TimeField",
    "TransportSettings",
    "Value",
    "WebSettings",
]


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who and where this is. `data` is the directory that holds everything stored, `logs` the form of our own logs."""

    name: str
    data: str
    zone: str = "Europe/Brussels"
    clock: str = "wall"
    logs: Literal["text", "json"] = "text"


class TransportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How batches travel. `url`: `spool:DIR`, `bundle:DIR`, `https://HOST:PORT`, `amqp(s)://USER@HOST/VHOST`.

    "" is the spool in `site.data`. With `bundle:` somebody carries what `logwatch export` writes.

    Secrets stand in files of their own: a broker's password, the token of `https`. `ca_file`, `certificate_file`
    and `key_file` are of TLS, at either end; `listen` (`ADDRESS:PORT`) and `client_ca_file` are of the collector's
    end of `https`; `queue` names the queue of `amqp`.
    """

    url: str = ""
    queue: str = "pharmapulse"
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    listen: str = ""
    client_ca_file: str = ""


class StateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is a database of state: `sqlite:///FILE`; "" is the one in `site.data`."""

    url: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of log: where its files are (globs; plain, .gz or .zst), how to read them, whose they are.

    `start` is where reading begins the first time the source is seen: the "beginning" of all files, the "end" of
    those that are there already, or a time (RFC 3339): calls before it are not counted.
    """

    name: str
    paths: tuple[str, ...]
    format: str
    hub: str = ""
    server: str = ""
    disorder: float = 2.0
    start: str = "beginning"


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
    """The log watcher: its name, how often it looks, how many values of a field it keeps apart.

    A file that changes wakes it before `tick_seconds` are over, but not sooner than `wake_seconds` after it was woken
    before; 0: it only looks. Nothing more is read while batches of `outbox_bytes` wait for the receiver.
    `recent_lines` is how many masked lines of each endpoint and code it keeps to be looked at, 0 for none.
    `site_key_file` holds the key under which patients are hashed, the same for all agents; "": one in `site.data`.
    """

    name: str = "agent"
    tick_seconds: float = 1.0
    wake_seconds: float = 0.5
    outbox_bytes: int = 2_147_483_648
    field_cap: int = 300
    recent_lines: int = 5
    site_key_file: str = ""


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The collector: how long buckets stay open after the watermark, and how long cells are kept."""

    grace_seconds: int = 120
    retention_days: int = 425
    compact_seconds: float = 60.0


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the dashboard listens, and by which names it may be called.

    Status page, deferred gateway and the other processes' health follow on the ports after `port`. `proxies`
    counts the reverse proxies in front, whose word about the caller is taken. `guests` says who may read without
    an account, always from this machine itself only: until the first account exists, ever, or never.
    """

    port: int = 8080
    listen: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    proxies: int = 0
    guests: Literal["until-accounts", "local", "none"] = "until-accounts"
    session_hours: float = 12.0
    workers: int = 1
    threads: int = 64


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is judged unexpected, and when it is told.

    Shares are of calls: `technical_share` failing technically, `fewer_share` of last week's calls. In `shadow`
    everything is judged and recorded, and nothing told.
    """

    every_seconds: float = 5.0
    technical_share: float = 0.2
    fewer_share: float = 0.5
    shadow: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to tell: Apprise URLs, such as `mailtos://…`; those with secrets stand in a file, one a line."""

    name: str
    urls: tuple[str, ...] = ()
    urls_file: str = ""


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which incidents are told to whom: of these hubs (none: of all), of this severity (or worse)."""

    to: tuple[str, ...]
    hubs: tuple[str, ...] = ()
    severity: Literal["page", "notice"] = "page"


class StatusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public page: its title, where it listens, when what it says is too old to be believed."""

    title: str = ""
    listen: str = "127.0.0.1"
    stale_seconds: float = 120.0


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hub that deferred calls go to, at most `rate` a second. `key_file` wraps its payloads' keys.

    `hub` is the key of the hub, for restarts and the public page. "" as `key_file`: one made in `site.data`.
    """

    name: str
    url: str
    hub: str = ""
    rate: float = 50.0
    timeout_seconds: float = 10.0
    ca_file: str = ""
    key_file: str = ""


class DeferredSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway: where it listens, what it takes in at most (bytes of one call, calls that wait), its targets."""

    listen: str = "127.0.0.1"
    most_bytes: int = 1_048_576
    most_waiting: int = 2_000_000
    targets: tuple[Target, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration."""

    site: Site
    sources: tuple[Source, ...] = ()
    transport: TransportSettings = TransportSettings()
    state: StateSettings = StateSettings()
    agent: AgentSettings = AgentSettings()
    collector: CollectorSettings = CollectorSettings()
    web: WebSettings = WebSettings()
    alerts: AlertSettings = AlertSettings()
    status: StatusSettings = StatusSettings()
    deferred: DeferredSettings = DeferredSettings()
    people: tuple[Person, ...] = ()
    routes: tuple[Route, ...] = ()
    formats: dict[str, Format] = {}
    hubs: tuple[HubSettings, ...] = ()
    codes: tuple[CodeSettings, ...] = ()
