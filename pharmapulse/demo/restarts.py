"""The demo's restarts: a hub that is really stopped and started, by the timetable that its logs go by, too."""

from __future__ import annotations

import logging
import threading
from contextlib import closing

from alerts.restarting import Restarting
from alerts.restarts import next_planned, under_way
from domain.clock import Clock, Waker
from domain.errors import PharmapulseError
from domain.ports import RestartStore
from pharmapulse.config import Config
from pharmapulse.wiring import state
from pharmapulse.wiring.calls import restarting
from simulator.faults import Fault
from simulator.hub import Hub
from store.restarts import SqlRestarts

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
# A restart is announced so long ahead; the first one at the start of the demo.
ANNOUNCED_SECONDS = 1_800.0
_REASON = "planned work (simulated)"
_BY = "demo"


class Restarts:
    """Stops `hub`, whose calls wait at `target`, while the timetable's restart lasts, and starts it afterwards."""

    def __init__(self, config: Config, fault: Fault, target: str, hub: Hub, clock: Clock, waker: Waker) -> None:
        """`fault` is a restart of the timetable."""
        self._config, self._fault, self._target, self._hub = config, fault, target, hub
        self._clock, self._waker = clock, waker
        self._key = dict(fault.where)["hub"]
        self._up = False

    def run(self, stop: threading.Event) -> None:
        """Follow the timetable until `stop` is set; the hub is stopped then."""
        trouble = ""
        with closing(state(self._config)) as kept, restarting(self._config) as service:
            restarts = SqlRestarts(kept.engine)
            while not stop.is_set():
                try:
                    self.step(restarts, service)
                    trouble = ""
                except (PharmapulseError, OSError) as error:
                    if str(error) != trouble:  # told once, and tried again: a disk may be full for a while
                        trouble = str(error)
                        log.warning("the restart of %s: %s", self._key, trouble)
                self._waker.wait(_LOOK_SECONDS)
        self._hub.stop()

    def step(self, restarts: RestartStore, service: Restarting) -> None:
        """Do what is due now. Raises StoreError, OSError."""
        now = self._clock.now()
        begin, end = next(self._fault.active(now, now + ANNOUNCED_SECONDS), (float("inf"), float("inf")))
        away, unfinished = begin <= now, restarts.unfinished()
        going, planned = under_way(unfinished, self._key), next_planned(unfinished, self._key)
        if away and going is None:
            service.start(self._key, self._target, _REASON, _BY, end - begin)
            log.info("%s restarts; its calls wait", self._key)
        elif planned is not None and planned.until < now:
            service.cancel(self._key)  # the demo was stopped meanwhile
        elif going is None and planned is None and begin < float("inf"):
            service.plan(self._key, self._target, _REASON, _BY, begin, end - begin)
        if away == self._up:
            (self._hub.stop if away else self._hub.start)()
            self._up = not away
        if not away and going is not None and going.state == "holding":
            service.end(self._key)
            log.info("%s is back, and takes the calls that waited", self._key)
