"""The floors of series, asked once each: a round of writing may want thousands, many times over."""

from __future__ import annotations

from domain.ports import StateStore
from domain.series import SeriesKey


class Floors:
    """The floors as they are now, or were when first asked for: made anew for each round."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._known: dict[SeriesKey, int] = {}

    def of(self, series: SeriesKey) -> int:
        """See StateStore.floor. Raises StoreError."""
        floor = self._known.get(series)
        if floor is None:
            floor = self._known[series] = self._state.floor(series)
        return floor
