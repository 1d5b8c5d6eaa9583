"""Where the reading of a source begins: `start` of `[[sources]]`."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from domain.batch import Accounting
from domain.errors import ConfigError
from logwatch.events import EventBlock
from logwatch.reading import Reading
from logwatch.times import US


def start_us(start: str, path: str = "start") -> int | None:
    """The moment before which no call is counted, in µs UTC; None where files are begun at an end of theirs.

    Raises ConfigError for what is none of the choices.
    """
    if start in ("beginning", "end"):
        return None
    try:
        moment = datetime.fromisoformat(start)
    except ValueError as error:
        raise _wrong(start, path) from error
    if moment.tzinfo is None:
        raise _wrong(start, path)
    return round(moment.timestamp() * US)


def _wrong(start: str, path: str) -> ConfigError:
    return ConfigError(
        f'"{start}" is no place to begin',
        path=path,
        mend='Write "beginning", "end", or a time with its offset such as "2026-11-22T00:00:00+01:00"',
    )


def since(reading: Reading, begin_us: int) -> Reading:
    """A reading without the calls before a moment: their lines are ignored."""
    events = reading.events
    keep = np.flatnonzero(events.time_us >= begin_us)
    early = len(events) - len(keep)
    if not early:
        return reading
    reading.accounting += Accounting(events=-early, ignored=early)
    reading.places = keep if reading.places is None else reading.places[keep]
    reading.events = EventBlock(
        events.time_us[keep],
        events.duration_us[keep],
        {key: column[keep] for key, column in events.ids.items()},
        None if events.patients is None else events.patients[keep],
        {name: column[keep] for name, column in events.values.items()},
    )
    return reading
