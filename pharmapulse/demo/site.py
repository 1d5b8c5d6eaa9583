"""The demo: simulated hubs with thirteen months behind them, watched by the whole stack.

What lies more than two days back is written straight into series; the last two days go as cells through the
ledger; from the start on, lines are written and watched like any hub's.
"""

from __future__ import annotations

import logging
import multiprocessing
import shutil
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec

from domain.batch import Batch, BatchName
from domain.clock import EventWaker, SystemClock
from domain.errors import UsageError
from domain.wire import MOST_CELLS, encode_batch
from pharmapulse import wiring
from pharmapulse.config import Config, load
from pharmapulse.process import begin, stop_event
from simulator.cells import recent
from simulator.faults import Scenario, load_scenario, shipped
from simulator.history import PROGRESS, fill
from simulator.lines import file_name
from simulator.live import LiveWriter
from simulator.world import World, build_world
from store.files import Claim

log = logging.getLogger(__name__)

DEMO_VERSION = 1
LEDGER_SECONDS = 48 * 3_600
_FLOOR_STEP = 21_600
# A demo that stood still for longer is begun anew: writing the lines of all that time would take too long.
STALE_SECONDS = 86_400.0
RECENT = "recent"
_MARK, _LOCK = "demo.json", "demo.lock"
# Ports of what stands around the product, after the product's own.
MAIL_PORT, HUB_PORT = 6, 7
PORTS = 8
# Calls of one operation are deferred, as connectors do with those that register something: so many a second on
# average, and after a restart so many.
TARGET, TARGET_HUB, CALLS_RATE, DRAIN_RATE = "assurpharma", "assurpharma", 4.0, 20.0
_LOOK_SECONDS = 0.2

_FROM, _TO = "pharmapulse@example.org", "ops@example.org"
_HUBS = {
    "recipe": ("Recip-e", "prescriptions"),
    "dpp": ("DPP", "shared file"),
    "assurpharma": ("AssurPharma", "insurance"),
    "raotd": ("RaOTD", "archiving"),
    "mycarenet": ("MyCareNet", "insurability"),
    "ehealth": ("eHealth", "base services"),
}


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo's directory was made of. `started` and `floor` are epoch seconds."""

    version: int
    seed: int
    load: float
    pharmacies: int
    started: float
    floor: int
    seen: float


class Demo:
    """One demo in one directory, begun or taken up again."""

    def __init__(self, data: Path, seed: int, load_factor: float, pharmacies: int, port: int) -> None:
        self._data = data
        # Held until this process ends: two demos would write their lines into the same files.
        self._claim: Claim | None = None
        self.world = build_world(seed, load_factor, pharmacies)  # first: an impossible one leaves no directory behind
        self.mark = self._take_up(seed, load_factor, pharmacies)
        file = data / "pharmapulse.toml"
        file.write_text(_configuration(self.world, port), encoding="utf-8")
        self.config: Config = load(file)

    def _take_up(self, seed: int, load_factor: float, pharmacies: int) -> Mark:
        """The mark of the demo in the directory; a new one where there is none, or one that is long over."""
        now = SystemClock().now()
        file = self._data / _MARK
        if self._data.exists() and not self._data.is_dir():
            raise UsageError(f"{self._data}: is a file, not a directory. Choose another --data")
        if file.exists():
            try:
                mark = msgspec.json.decode(file.read_bytes(), type=Mark)
            except msgspec.MsgspecError as error:
                raise UsageError(f"{file}: is not a demo's mark: {error}. Choose another --data") from error
            if (mark.version, mark.seed, mark.load, mark.pharmacies) != (DEMO_VERSION, seed, load_factor, pharmacies):
                raise UsageError(
                    f"{self._data}: holds a demo of seed {mark.seed}, load {mark.load:g} and {mark.pharmacies} "
                    "pharmacies. Ask for the same, remove the directory, or choose another --data"
                )
            self._claim = Claim(self._data / _LOCK, "demo")
            if now - mark.seen < STALE_SECONDS:
                return mark
            log.warning("%s: the last demo ended long ago; a new one begins", self._data)
            for part in ("agent", "spool", "ledger", "series", "logs", "deferred", "published", "hub", "mail"):
                shutil.rmtree(self._data / part, ignore_errors=True)
            for database in self._data.glob("state.db*"):
                database.unlink()
        elif self._data.exists() and any(self._data.iterdir()):
            raise UsageError(f"{self._data}: is not empty and holds no demo. Choose another --data")
        self._data.mkdir(parents=True, exist_ok=True)
        self._claim = self._claim or Claim(self._data / _LOCK, "demo")
        floor = int(now - LEDGER_SECONDS) // _FLOOR_STEP * _FLOOR_STEP
        mark = Mark(
            version=DEMO_VERSION, seed=seed, load=load_factor, pharmacies=pharmacies, started=round(now, 3),
            floor=floor, seen=now,
        )  # fmt: skip
        self._keep(mark)
        return mark

    def _keep(self, mark: Mark) -> None:
        fresh = self._data / f"{_MARK}.new"
        fresh.write_bytes(msgspec.json.encode(mark))
        fresh.replace(self._data / _MARK)

    def seen(self) -> None:
        """Note that the demo still runs."""
        self._keep(msgspec.structs.replace(self.mark, seen=SystemClock().now()))

    @property
    def scenario(self) -> Scenario:
        """The demo's timetable, counted from its first start."""
        return load_scenario(shipped()["demo"], self.world, self.mark.started)

    def fill_history(self) -> BaseProcess:
        """Fill the series below the floor, in a process of its own that ends with this one."""
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_fill, args=(str(self.config.file), self.mark), name="history", daemon=True)
        process.start()
        return process

    def wait_for_floors(self, stop: threading.Event, history: BaseProcess) -> None:
        """Wait until the history has set the floors of its series. Raises UsageError when it ended before that."""
        kept = wiring.state(self.config)
        try:
            while kept.progress(PROGRESS) is None and not stop.wait(_LOOK_SECONDS):
                if not history.is_alive():
                    raise UsageError(f"{self._data}: the history could not be begun; what it said stands above")
        finally:
            kept.close()

    def send_recent(self, stop: Callable[[], bool], progress: Callable[[int, int], None]) -> None:
        """Send the cells from the floor to the first start, and wait until the collector has them all."""
        kept = wiring.state(self.config)
        total = int(self.mark.started - self.mark.floor) // 3_600 + 1
        try:
            if kept.progress(RECENT) == (total, total):
                return
            out = wiring.sender(self.config)
            incarnation = f"{int(self.mark.started * 1_000):016x}"
            sent = 0
            for hour, whole in enumerate(recent(self.world, self.mark.floor, self.mark.started, self.scenario), 1):
                # A world that was made larger has more calls an hour than one batch may.
                for cells in whole.iter_slices(MOST_CELLS) if len(whole) else (whole,):
                    if stop():
                        return
                    sent += 1
                    name = BatchName("history", incarnation, sent)
                    out.send(name, encode_batch(Batch(name, cells)))
                progress(hour, total)
            pause = EventWaker()
            receiver = wiring.receiver(self.config)
            while not stop() and any(arrival.name.agent == "history" for arrival in receiver.arrivals()):
                pause.wait(_LOOK_SECONDS)
            kept.set_progress(RECENT, total, total)
        finally:
            kept.close()

    def write_live(self, stop: threading.Event) -> threading.Thread:
        """Write the hubs' lines from the first start on, in a thread, until `stop`."""
        writer = LiveWriter(
            self._data / "logs", self.world, self.scenario, SystemClock(), EventWaker(), start=self.mark.started
        )
        writer.step()  # the files are there before anybody looks for them
        thread = threading.Thread(target=writer.run, args=(stop,), name="hubs", daemon=True)
        thread.start()
        return thread


def _fill(config_file: str, mark: Mark) -> None:
    """The history's process."""
    begin("history")
    config = load(Path(config_file))
    stop = stop_event()
    kept = wiring.state(config)
    try:
        world = build_world(mark.seed, mark.load, mark.pharmacies)
        fill(wiring.series(config), kept, world, mark.floor, stop=stop.is_set)
    finally:
        kept.close()


def _configuration(world: World, port: int) -> str:
    """The demo's pharmapulse.toml: what one would write for hubs of one's own."""
    lines = ["# Written by `pharmapulse demo`: simulated hubs.", "[site]", 'name = "FarmaFlux (simulated)"']
    lines += ['data = "."', "", "[web]", f"port = {port}", 'guests = "local"', "", "[agent]", 'name = "demo"']
    lines += [
        "", "[[people]]", 'name = "ops"',
        f'urls = ["mailto://127.0.0.1:{port + MAIL_PORT}?from={_FROM}&to={_TO}&mode=insecure"]',
        "", "[[routes]]", 'to = ["ops"]', "", "[status]", 'title = "FarmaFlux"',
        "", "[[deferred.targets]]", f'name = "{TARGET}"', f'url = "http://127.0.0.1:{port + HUB_PORT}/services"',
        f'hub = "{TARGET_HUB}"', f"rate = {DRAIN_RATE}",
    ]  # fmt: skip
    for number, hub in enumerate(world.hubs):
        lines += [
            "", "[[sources]]", f'name = "{hub}"', f'paths = ["logs/{file_name(world, number)}*"]',
            f'format = "{"hub-access" if world.is_access(number) else "hub-calls"}"', f'hub = "{hub}"',
        ]  # fmt: skip
    for key, (name, does) in _HUBS.items():
        lines += ["", "[[hubs]]", f'key = "{key}"', f'name = "{name}"', f'does = "{does}"']
    return "\n".join(lines) + "\n"
