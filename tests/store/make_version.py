"""Makes what a release leaves in its data directory: `python -m tests.store.make_version LOGS DATA`.

Called once for each release, in a checkout of it, with its own code; what comes of it is kept in
`tests/store/version-…` and never made again. LOGS is an empty directory for the log, DATA what is kept.

Three parts of a log are counted: the first is in the ledger's hour files, the second among its arrived batches, the
third in a batch that waits in the outbox because the receiver was away.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from domain.batch import BatchName, Heartbeat
from domain.clock import ManualClock
from domain.codes import SHIPPED
from domain.errors import TransportError
from domain.series import SeriesKey
from domain.settings import AgentSettings, Source
from logwatch.agent import Agent
from logwatch.catalog import shipped
from store.ledger import open_ledger
from store.outbox import open_outbox
from store.state import open_state
from transport.spool import SpoolReceiver, SpoolSender

NOW = 1_763_370_000.0  # 2025-11-17T10:00:00+01:00
PARTS = (40, 30, 20)
FLOORS = {SeriesKey("hub", ("dpp",)): 1_763_164_800, SeriesKey("endpoint", ("dpp", "tip.registerData")): 1_763_337_600}
PROGRESS = {"history": (120, 400)}
_LINE = "ts=%.3f op=%s client=softa apb=00000196 code=%s dt=%d\n"


def lines(part: int, count: int) -> str:
    """The lines of a part: ten minutes for each, all of them calls."""
    return "".join(
        _LINE
        % (
            NOW - 3_600 + part * 600 + i * 10,
            "tip.updateData" if i % 3 else "tip.registerData",
            "TIP_999" if i % 10 == 9 else "TIP_200",
            50 + i,
        )
        for i in range(count)
    )


class Away:
    """A receiver that nobody reaches."""

    def send(self, name: BatchName, payload: bytes) -> None:
        """Refuse."""
        raise TransportError(f"{name}: nobody answers")

    def beat(self, heartbeat: Heartbeat) -> None:
        """Refuse."""
        raise TransportError("nobody answers")


def make(logs: Path, data: Path) -> None:
    """Make it."""
    outbox = open_outbox(data / "agent" / "outbox.db", "agent")
    ledger = open_ledger(data / "ledger")
    spool = data / "spool"
    receiver = SpoolReceiver(spool)
    log = logs / "calls.log"
    source = Source(name="calls", paths=(f"{logs}/calls.log*",), format="hub-calls", hub="dpp")
    for part, count in enumerate(PARTS):
        with log.open("a") as file:
            file.write(lines(part, count))
        away = part == len(PARTS) - 1
        sender = Away() if away else SpoolSender(spool)
        agent = Agent([source], shipped(), SHIPPED, AgentSettings(), outbox, sender, ManualClock(NOW))
        try:
            agent.drain()
        except TransportError:
            assert away
        agent.close()
        for arrival in receiver.arrivals():
            assert ledger.book(arrival)
            receiver.done(arrival.name)
        if part == 0:
            ledger.compact()
    ledger.cover(int(NOW) - 7_200, int(NOW) - 1_800)
    told = {
        "incarnation": outbox.incarnation,
        "sequence": outbox.sequence,
        "waiting": [str(name) for name, _ in outbox.waiting()],
        "offsets": [position.offset for position in outbox.positions()],
        "totals": {name: total.events for name, total in outbox.totals().items()},
        "registry": {field: list(values) for field, values in outbox.registry().items()},
        "calls": int(ledger.cells(0, 2**40)["calls"].sum()),
        "coverage": ledger.coverage(),
    }
    outbox.close()
    ledger.close()
    state = open_state(f"sqlite:///{data / 'state.db'}")
    state.set_floors(FLOORS)
    for name, (done, total) in PROGRESS.items():
        state.set_progress(name, done, total)
    state.close()
    with closing(sqlite3.connect(data / "state.db")) as database:
        (data / "state.sql").write_text("\n".join(database.iterdump()) + "\n")
    for database_file in (data / "agent" / "outbox.db", data / "ledger" / "manifest.sqlite"):
        with closing(sqlite3.connect(database_file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for left in ("state.db", "state.db-wal", "state.db-shm"):
        (data / left).unlink(missing_ok=True)
    shutil.copy(log, data / "calls.log")
    (data / "told.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
