"""Progress on a terminal, and silence where nobody looks."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from tqdm import tqdm


class Progress:
    """A bar on standard error while something long is done; nothing when that is no terminal."""

    def __init__(self, what: str, unit: str, total: int | None = None) -> None:
        self._bar: tqdm[NoReturn] | None = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(desc=what, unit=unit, total=total, unit_scale=True, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, amount: int) -> None:
        """So much more is done."""
        if self._bar is not None:
            self._bar.update(amount)

    def reach(self, done: int, total: int) -> None:
        """So much of so much is done."""
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
