"""The codes that stand in no table, with the calls that gave them: a list somebody may turn into settings."""

from __future__ import annotations

from collections.abc import Mapping

# Codes that are made up by mistake (a text, a counter) are without end: the first so many are kept apart.
MOST_KEPT = 500
MOST_TOLD = 50


class UnknownCodes:
    """The unknown codes of one source since its agent began."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}

    def add(self, calls: Mapping[str, int]) -> None:
        """The unknown codes of some lines."""
        for code, count in calls.items():
            if code in self._calls or len(self._calls) < MOST_KEPT:
                self._calls[code] = self._calls.get(code, 0) + count

    def most(self) -> dict[str, int]:
        """Those that came most often, at most MOST_TOLD."""
        return dict(sorted(self._calls.items(), key=lambda one: (-one[1], one[0]))[:MOST_TOLD])
