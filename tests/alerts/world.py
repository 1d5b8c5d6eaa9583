"""Alerts over a real collector, a real state and real channels, stepped by hand: the world of the collector's tests,
with a mail server and a web hook to be told by."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from alerts.notify import AppriseNotifier
from alerts.service import Alerts
from domain.codes import SHIPPED
from domain.ports import Notifier
from domain.published import Published, decode_published
from domain.series import DAY, FAMILIES, Rows, SeriesKey
from domain.settings import AlertSettings, HubSettings, Person, Route, Settings, Site
from rrd.present import Reader
from store.incidents import SqlIncidents
from store.restarts import SqlRestarts
from store.state import open_state
from tests.collector.world import BRUSSELS, START, Call, World

HUB, ENDPOINT, OTHER = "recipe", "executor.listOpenPrescriptions", "executor.markAsDelivered"
PNG = b"\x89PNG\r\n\x1a\n"


class Mailbox:
    """A real SMTP server on a port of its own; `refuse` makes it turn everything away."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse = False
        with socket.socket() as probe:  # aiosmtpd looks for itself at the port it was given, so 0 is none
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=pulse@example.org&to=ops@example.org"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.refuse:
            return "451 not now"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def close(self) -> None:
        self._controller.stop()


class Hook:
    """A real web hook; `status` is what it answers."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self._server.server_address[1]}/hook-secret-path"

    def pictures(self, post: int) -> list[bytes]:
        return [base64.b64decode(one["base64"]) for one in self.posts[post]["attachments"]]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Told:
    """A Notifier that only writes down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.pictures = 0

    def people(self) -> Sequence[str]:
        return ["ann"]

    def tell(self, person: str, delivery: Any) -> None:
        self.told.append((person, delivery.title, delivery.text))
        self.pictures += delivery.picture is not None and delivery.picture.startswith(PNG)


@dataclass
class Watch:
    """A hub with two endpoints, a week of history, alerts over it. `now` is a Monday morning, 10:00 local."""

    root: Path
    per_minute: float = 30.0
    people: tuple[Person, ...] = ()
    notifier: Notifier | None = None
    start: int = START + 9 * 3_600
    alerts_settings: AlertSettings = field(default_factory=AlertSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.root)
        self.clock = self.world.clock
        self.clock.advance(self.start - START)
        self.random = np.random.default_rng(self.seed)
        self.failing: Callable[[str], bool] = lambda _: False
        self.calling: Callable[[str], bool] = lambda _: True
        self.first_failure: float | None = None
        self.failures = 0
        self.settings = Settings(
            site=Site(name="Our site", data="data"),
            hubs=(HubSettings(key=HUB, name="Recip-e", does="prescriptions"),),
            people=self.people,
            routes=(Route(to=tuple(one.name for one in self.people) or ("ann",), severity="notice"),),
            alerts=self.alerts_settings,
        )
        self._history()
        self._judge = -1
        self.state = open_state(f"sqlite:///{self.root}/state.db")
        self.incidents, self.restarts = SqlIncidents(self.state.engine), SqlRestarts(self.state.engine)
        self.begin()

    def begin(self) -> None:
        """Start the alerts, as after a kill."""
        reader = Reader(self.world.series, self.world.collector, self.clock, BRUSSELS)
        notifier = AppriseNotifier(self.people, self.root) if self.notifier is None else self.notifier
        self.alerts = Alerts(
            reader, self.incidents, self.restarts, notifier, self.settings, SHIPPED, self.published_file,
            self.clock, self.clock,
        )  # fmt: skip

    @property
    def published_file(self) -> Path:
        return self.root / "published" / "status.json"

    @property
    def published(self) -> Published:
        return decode_published(self.published_file.read_bytes())

    def close(self) -> None:
        self.state.close()
        with suppress(Exception):
            self.world.die()

    def _history(self) -> None:
        """Last week's rows by the minute, as many calls as now, a few of them failed."""
        begin = self.start - 7 * DAY - 7_200
        for series, rate in (
            (SeriesKey("hub", (HUB,)), 2 * self.per_minute),
            (SeriesKey("endpoint", (HUB, ENDPOINT)), self.per_minute),
            (SeriesKey("endpoint", (HUB, OTHER)), self.per_minute),
        ):
            sources = FAMILIES[series.family].sources
            values = np.full((8 * 60, len(sources)), np.nan)
            values[:, 0], values[:, 1] = rate, 0
            values[:, 2] = rate / 300
            self.world.series.write(series, Rows(begin, 60, sources, values))

    def _calls(self, seconds: int) -> list[Call]:
        now = int(self.clock.now())
        calls: list[Call] = []
        for endpoint in (ENDPOINT, OTHER):
            count = self.random.poisson(self.per_minute * seconds / 60) if self.calling(endpoint) else 0
            bad = self.failing(endpoint)
            self.failures += count if bad else 0
            if bad and count and self.first_failure is None:
                self.first_failure = float(now)
            calls += [
                Call(now + int(self.random.integers(0, seconds)), HUB, endpoint,
                     code="SOA-02001" if bad else "TIP_200", klass="technical" if bad else "ok")
                for _ in range(count)
            ]  # fmt: skip
        return calls

    def live(self, seconds: int, tick: int = 5) -> None:
        """Time goes by: calls, the collector's and the alerts' ticks, telling."""
        for _ in range(seconds // tick):
            self.world.step(tick, self._calls(tick))
            self.alerts.tick()
            self.alerts.teller.tick()
