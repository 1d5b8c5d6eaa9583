"""When nothing is judged any more, that is told: whoever waits for a message must not take silence for health.

The collector is away, an agent's watermark stands still, the disk is full: whatever it is, what counts is how long
ago the last moment lies that was judged. This is told without the state, which may be what fails; after a restart of
this process it may be told again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain import figures
from domain.errors import NotifyError
from domain.ports import Delivery, Notifier
from domain.redact import mask_patients
from domain.settings import Settings

BLIND_SECONDS = 300.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sight:
    """Whether people were told that nothing is judged. `begun` is when this process was started."""

    begun: float
    told: bool = False

    def message(self, judged_up_to: float | None, now: float, problem: str, zone: ZoneInfo) -> Delivery | None:
        """What is to be told now, None where nothing is. `problem` is what is known of the cause, "" for nothing.

        Before the first judgement only what is known to be wrong counts: a new site has nothing to judge.
        """
        since = self.begun if judged_up_to is None else judged_up_to
        # What was missed while this process did not run is caught up with first.
        blind = now - max(since, self.begun) > BLIND_SECONDS and (judged_up_to is not None or bool(problem))
        if blind == self.told:
            return None
        self.told = blind
        if not blind:
            return Delivery("pharmapulse judges again", "What went wrong meanwhile is found and told now.")
        why = problem or "the logs are not read any further, or what is read does not arrive"
        text = (
            f"Nothing was judged since {figures.moment(since, zone, now)}: {why}.\n\n"
            "Until this is mended nobody is told of anything else. Look with: pharmapulse doctor"
        )
        return Delivery("pharmapulse is blind", mask_patients(text))


def everybody(settings: Settings) -> Sequence[str]:
    """Everybody who is told of anything; nobody in shadow."""
    if settings.alerts.shadow:
        return ()
    return tuple(dict.fromkeys(person for route in settings.routes for person in route.to))


def tell_apart(notifier: Notifier, people: Sequence[str], delivery: Delivery) -> Sequence[threading.Thread]:
    """Tell all of them, each by a thread of their own that nothing waits for."""

    def tell(person: str) -> None:
        try:
            notifier.tell(person, delivery)
        except NotifyError as error:
            _log.error("%s: %s", delivery.title, error)

    threads = [threading.Thread(target=tell, args=(person,), name=f"tell {person}", daemon=True) for person in people]
    for thread in threads:
        thread.start()
    return threads
