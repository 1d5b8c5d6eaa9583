"""What stands in one field of the lines of a log, and what may be known of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from domain.formats import FieldSpec

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LOOK_AT = 500


@dataclass(frozen=True)
class Column:
    """One field: its name, how a format names it, and its values in the lines that have it, in their order.

    `lines` is how many lines there are.
    """

    name: str
    spec: FieldSpec
    values: Sequence[str]
    lines: int

    @cached_property
    def _all(self) -> list[str]:
        return [value for value in self.values if value not in ("", "-", "null", "None")]

    @cached_property
    def there(self) -> list[str]:
        """The first values that are none of the ways of saying that there is none."""
        return self._all[:_LOOK_AT]

    @cached_property
    def distinct(self) -> int:
        """How many values there are."""
        return len(set(self.there))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the name in small letters, and the name's last part as one word: `responseTimeMs`."""
        last = self.name.rsplit(".", 1)[-1]
        parts = re.split(r"[^a-z0-9]+", _CAMEL.sub("_", last).lower())
        return frozenset([*filter(None, parts), re.sub(r"[^a-z0-9]", "", last.lower())])

    @property
    def coverage(self) -> float:
        """The share of the lines that have a value here."""
        return min(len(self._all) / max(self.lines, 1), 1.0)

    def share(self, test: Callable[[str], object]) -> float:
        """The share of the values that a test finds true."""
        return sum(1 for value in self.there if test(value)) / len(self.there) if self.there else 0.0

    def named(self, words: frozenset[str]) -> bool:
        """Whether the name holds one of some words."""
        return bool(self.words & words)
