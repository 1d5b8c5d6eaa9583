"""Patterns of users, which may run away on a line: stopped, reported, and never a hang.

One search has PATTERN_SECONDS. All slow searches within one block of lines have BLOCK_SECONDS together, whichever
pattern's they are; after that a pattern that took PATTERN_SECONDS of them is not tried on the block's other lines, and
counts as stopped on each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import regex

from domain.errors import ConfigError

PATTERN_SECONDS = 0.2
BLOCK_SECONDS = 2.0
# A search that is quicker is not looked at: a block of lines is read in less than BLOCK_SECONDS with it.
_SLOW_SECONDS = 0.002


class Spending:
    """What the patterns spent on one block; `stopped` counts by the place of each how often it was."""

    def __init__(self, stopped: dict[str, int]) -> None:
        self.stopped = stopped
        self._seconds: dict[str, float] = {}
        self._together = 0.0

    def may_search(self, place: str) -> bool:
        """Whether a pattern is tried at all on one more line."""
        return self._together < BLOCK_SECONDS or self._seconds.get(place, 0.0) < PATTERN_SECONDS

    def spent(self, place: str, seconds: float) -> None:
        """A pattern was slow."""
        self._seconds[place] = self._seconds.get(place, 0.0) + seconds
        self._together += seconds

    def stop(self, place: str) -> None:
        """A pattern ran away, or would have."""
        self.stopped[place] = self.stopped.get(place, 0) + 1


_SPENDING: ContextVar[Spending | None] = ContextVar("spending", default=None)


@contextmanager
def spending(stopped: dict[str, int]) -> Iterator[None]:
    """All searches within belong to one block, and are counted in `stopped` where they are stopped."""
    token = _SPENDING.set(Spending(stopped))
    try:
        yield
    finally:
        _SPENDING.reset(token)


class Guarded:
    """A user's pattern. Its searches raise TimeoutError where it runs away."""

    __slots__ = ("_compiled", "place")

    def __init__(self, compiled: regex.Pattern[str], place: str) -> None:
        self._compiled, self.place = compiled, place

    @property
    def pattern(self) -> str:
        """The pattern as it was written."""
        return self._compiled.pattern

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return self._compiled.groups

    @property
    def groupindex(self) -> Mapping[str, int]:
        """Its named groups."""
        return self._compiled.groupindex

    def search(self, text: str) -> regex.Match[str] | None:
        """Where it is found first. Raises TimeoutError."""
        begun = self._begin()
        try:
            return self._compiled.search(text, timeout=PATTERN_SECONDS)
        except TimeoutError:
            self._stopped()
            raise
        finally:
            self._end(begun)

    def sub(self, by: str, text: str) -> str:
        """The text with all that it finds replaced. Raises TimeoutError."""
        begun = self._begin()
        try:
            return self._compiled.sub(by, text, timeout=PATTERN_SECONDS)
        except TimeoutError:
            self._stopped()
            raise
        finally:
            self._end(begun)

    def _begin(self) -> float:
        spent = _SPENDING.get()
        if spent is not None and not spent.may_search(self.place):
            spent.stop(self.place)
            raise TimeoutError
        return time.perf_counter()

    def _end(self, begun: float) -> None:
        took = time.perf_counter() - begun
        if took > _SLOW_SECONDS and (spent := _SPENDING.get()) is not None:
            spent.spent(self.place, took)

    def _stopped(self) -> None:
        if (spent := _SPENDING.get()) is not None:
            spent.stop(self.place)


def compile_pattern(pattern: str, path: str) -> regex.Pattern[str]:
    """A user's pattern. Raises ConfigError with the place `path` when it is none."""
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ConfigError(
            f'"{pattern}" is not a pattern: {error}', path=path, mend="Mend the regular expression"
        ) from error


def guard(pattern: str, path: str) -> Guarded:
    """A user's pattern, guarded. Raises ConfigError with the place `path` when it is none."""
    return Guarded(compile_pattern(pattern, path), path)
