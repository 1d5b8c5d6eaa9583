"""What stands around the demo's product: a mailbox, a hub that restarts, and pharmacies that call it."""

from __future__ import annotations

import secrets
import threading
from contextlib import closing

from domain.access import Scope
from domain.clock import Clock, EventWaker
from pharmapulse.config import Config
from pharmapulse.demo.calls import Callers
from pharmapulse.demo.mail import Mailbox
from pharmapulse.demo.restarts import Restarts
from pharmapulse.demo.site import CALLS_RATE, HUB_PORT, MAIL_PORT, TARGET, TARGET_HUB, Demo
from pharmapulse.places import OFFSETS
from pharmapulse.wiring import clock, state
from simulator.hub import Hub
from simulator.patients import pool
from store.access import SqlAccess

_TOKEN = "demo's connectors"  # noqa: S105 (a token's name)


class Surroundings:
    """All of it, from `start` to `stop`."""

    def __init__(self, demo: Demo) -> None:
        config = demo.config
        self._stop = threading.Event()
        port = config.settings.web.port
        self._mailbox = Mailbox(config.data / "mail", port + MAIL_PORT)
        self._hub = Hub(port + HUB_PORT, config.data / "hub" / "journal.jsonl")
        run = secrets.token_hex(4)
        site_clock = clock(config)[0]
        self._callers = Callers(
            f"http://127.0.0.1:{port + OFFSETS['deferred']}", TARGET, _token(config, site_clock),
            demo.world.pharmacies, pool(demo.mark.seed), CALLS_RATE, run, EventWaker(),
        )  # fmt: skip
        planned = [fault for fault in demo.scenario.faults if fault.kind == "hub-restart"]
        self._restarts = [Restarts(config, fault, TARGET, self._hub, site_clock, EventWaker()) for fault in planned]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin. Raises UsageError where a port cannot be had."""
        self._mailbox.start()
        for name, work in [("calls", self._callers.run), *(("restarts", one.run) for one in self._restarts)]:
            thread = threading.Thread(target=work, args=(self._stop,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End, and wait for it."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._mailbox.stop()


def _token(config: Config, site_clock: Clock) -> str:
    """A token for the callers; those of earlier starts are void."""
    secret, now, scope = secrets.token_urlsafe(32), site_clock.now(), Scope(hubs=frozenset({TARGET_HUB}))
    with closing(state(config)) as kept:
        access = SqlAccess(kept.engine)
        for token in access.tokens():
            if token.name == _TOKEN and token.revoked is None:
                access.revoke_token(token.id, now)
        access.add_token(_TOKEN, secret, "partner", scope, frozenset({"defer"}), now, None)
    return secret
