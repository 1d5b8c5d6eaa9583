"""Restarts carried out: the hold of the hub's deferred calls, and the restart that everything else goes by.

The hold is opened before the restart is noted as begun, and ended before it is noted as over: whoever is killed
between the two finds the call refused or the queue held, and says the same again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from alerts import restarts as life
from alerts.restarts import Change
from domain.clock import Clock
from domain.errors import StoreError, UsageError
from domain.ports import DeferredStore, RestartStore
from domain.restart import Restart

_log = logging.getLogger(__name__)


class Restarting:
    """What may be done with restarts. All raise UsageError where it makes no sense, and StoreError."""

    def __init__(self, restarts: RestartStore, queues: DeferredStore, clock: Clock) -> None:
        self._restarts, self._queues, self._clock = restarts, queues, clock

    def plan(self, hub: str, target: str, reason: str, by: str, at: float, seconds: float) -> Restart:
        """Plan a restart of `hub`; its calls are deferred at `target`, "" where they are not."""
        return self._restarts.add(life.plan(hub, target, reason, by, at, at + seconds))

    def start(self, hub: str, target: str, reason: str, by: str, seconds: float) -> Restart:
        """Begin the restart of `hub` that is planned next, or one that nobody planned."""
        unfinished, now = self._restarts.unfinished(), self._clock.now()
        going = life.under_way(unfinished, hub)
        if going is not None:
            raise UsageError(f"the restart {going.id} of {hub} is {going.state} already: end it first")
        planned = life.next_planned(unfinished, hub)
        if planned is None:
            planned = self.plan(hub, target, reason, by, now, seconds)
        begun = life.start(planned, now)
        if begun.target:
            self._queues.hold(begun.target, f"restart {begun.id} of {hub}: {begun.reason}".strip(": "), by, now)
        if not self._restarts.change(begun, planned):
            # From two places at once: theirs is under way. Ours, where nobody had planned it, is of no use.
            if planned not in unfinished:
                self._restarts.change(life.cancel(planned, now), planned)
            raise StoreError(f"somebody else began a restart of {hub} at the same moment: look again")
        return begun

    def end(self, hub: str) -> Restart:
        """The hub is back: let its calls go. Over at once where nothing waits."""
        going = life.under_way(self._restarts.unfinished(), hub)
        if going is None:
            raise UsageError(f"no restart of {hub} is under way")
        ended = life.end(going, self._clock.now())
        if ended.target:
            self._queues.resume(ended.target)
        self._keep(ended, going)
        self.advance()
        return self._restarts.restart(ended.id) or ended

    def cancel(self, hub: str) -> Restart:
        """The restart of `hub` that is planned next will not be."""
        planned = life.next_planned(self._restarts.unfinished(), hub)
        if planned is None:
            raise UsageError(f"no restart of {hub} is planned")
        return self._keep(life.cancel(planned, self._clock.now()), planned)

    def advance(self) -> Sequence[Change]:
        """End the restarts whose backlog is empty; those that went on. For the alerts' loop, at each round."""
        draining = [restart for restart in self._restarts.unfinished() if restart.state == "draining"]
        if not draining:
            return []
        now = self._clock.now()
        statuses = self._queues.status([restart.target for restart in draining if restart.target], now)
        changes = [
            change
            for change in life.advance(draining, statuses, now)
            if self._restarts.change(change.after, change.before)
        ]
        for change in changes:
            _log.info("the restart %d of %s is over: %s", change.after.id, change.after.hub, change.reason)
        return changes

    def listed(self, since: float, limit: int) -> Sequence[Restart]:
        """Restarts planned, begun or ended since, newest first, as they stand now."""
        self.advance()
        return self._restarts.restarts(since, limit)

    def _keep(self, after: Restart, before: Restart) -> Restart:
        if not self._restarts.change(after, before):
            raise StoreError(f"somebody else changed the restart {before.id} of {before.hub} meanwhile: look again")
        return after
