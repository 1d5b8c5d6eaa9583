"""Hubs that log a steady stream of calls; an endpoint may die in them, and a hub fall silent, whenever a test likes."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np

from domain.calendar import BRUSSELS
from domain.clock import EventWaker, SystemClock
from domain.series import DAY, FAMILIES, Rows, SeriesKey
from pharmapulse import wiring
from pharmapulse.config import Config
from simulator.patients import pool

VENDORS = ("vendormill", "vendorquay")
PHARMACIES = ("00000196", "00004255", "00012371", "00123427")
OK, DEAD = "TIP_200", "TIP_999"
EVERY_SECONDS = 0.5
_HISTORY_SECONDS = 3 * 3_600


class SteadyHubs:
    """Writes a call of each endpoint of each hub every half second into `HUB-calls.log`, in a thread.

    `failing` are (hub, endpoint) whose calls fail, `silent` are hubs without calls; both may be changed at any time.
    `calls` are all calls written, by hub and endpoint. `failed_at` is when the first that failed was written.
    """

    def __init__(self, folder: Path, endpoints: Mapping[str, Sequence[str]], seed: int = 1) -> None:
        self.failing = set[tuple[str, str]]()
        self.silent = set[str]()
        self.calls = Counter[tuple[str, str]]()
        self.failed_at: float | None = None
        self._folder, self._endpoints, self._chance = folder, endpoints, random.Random(seed)
        self._clock, self._stop = SystemClock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="hubs")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Write no more; `calls` is final."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        pause = EventWaker()
        with ExitStack() as files:
            logs = {
                hub: files.enter_context((self._folder / f"{hub}-calls.log").open("ab", buffering=0))
                for hub in self._endpoints
            }
            while not self._stop.is_set():
                for hub in [hub for hub in logs if hub not in self.silent]:
                    logs[hub].write(b"".join(self._line(hub, endpoint) for endpoint in self._endpoints[hub]))
                pause.wait(EVERY_SECONDS)

    def _line(self, hub: str, endpoint: str) -> bytes:
        now, chance = self._clock.now(), self._chance
        fails = (hub, endpoint) in self.failing
        if fails and self.failed_at is None:
            self.failed_at = now
        self.calls[hub, endpoint] += 1
        patient = chance.choice(pool(1)[:50])
        return (
            f"ts={datetime.fromtimestamp(now, BRUSSELS).isoformat(timespec='milliseconds')} "
            f"level={'ERROR' if fails else 'INFO'} server={hub}-1 op={endpoint} client={chance.choice(VENDORS)} "
            f"version=1.{chance.randrange(3)} apb={chance.choice(PHARMACIES)} code={DEAD if fails else OK} "
            f'dt={chance.randrange(40, 120)} sguid={chance.getrandbits(64):016x} msg="PatientId : {patient}PatientId"\n'
        ).encode()


def write_history(config: Config, endpoints: Mapping[str, Sequence[str]]) -> None:
    """Last week's and last month's rows around this time of day: as many calls as `SteadyHubs` write, all well."""
    store, now = wiring.series(config), SystemClock().now()
    minute = 60 / EVERY_SECONDS
    rates = {SeriesKey("hub", (hub,)): minute * len(names) for hub, names in endpoints.items()}
    rates |= {SeriesKey("endpoint", (hub, name)): minute for hub, names in endpoints.items() for name in names}
    for days in (28, 7):
        begin = int(now - days * DAY - _HISTORY_SECONDS) // 60 * 60
        for series, calls in rates.items():
            sources = FAMILIES[series.family].sources
            values = np.full((2 * _HISTORY_SECONDS // 60, len(sources)), np.nan)
            values[:, sources.index("calls")] = calls
            values[:, sources.index("functional")] = values[:, sources.index("technical")] = 0
            store.write(series, Rows(begin, 60, sources, values))
    # What is older than a series' floor is in its files only: the collector does not make it anew.
    with closing(wiring.state(config)) as state:
        state.set_floors(dict.fromkeys(rates, int(now - 2 * DAY) // 21_600 * 21_600))
