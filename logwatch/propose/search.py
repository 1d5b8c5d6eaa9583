"""The fields of a log while it is found out what they hold: each is taken for one thing only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from domain.formats import FieldSpec, Picked
from logwatch.propose.columns import Column


class Search:
    """The columns that are not taken yet, and what was decided."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.left = [column for column in columns if column.there]
        self.notes: dict[str, str] = {}
        self.specs: dict[str, FieldSpec] = {}
        # From the start to the end of each call in µs, where the lines name both.
        self.spans_us: list[float] = []

    def take(self, role: str, column: Column, note: str, spec: FieldSpec | None = None) -> None:
        """Decide that a column holds a role, and why; `spec` where not all of it does."""
        self.left = [other for other in self.left if other is not column]
        self.specs[role], self.notes[role] = spec or column.spec, note

    def best(self, rank: Callable[[Column], float]) -> tuple[Column | None, list[Column]]:
        """The column of the highest rank above 0, and the others above 0."""
        ranked = sorted(
            ((rank(column), -place, column) for place, column in enumerate(self.left)),
            key=lambda item: item[:2], reverse=True,
        )  # fmt: skip
        good = [column for value, _, column in ranked if value > 0]
        return (good[0], good[1:]) if good else (None, [])


def or_others(others: Iterable[Column]) -> str:
    """What else it may be, for a note."""
    names = [column.name for column in others][:3]
    return f"; or {', '.join(names)}" if names else ""


def picked(column: Column, pattern: str) -> FieldSpec:
    """What a pattern finds in a column."""
    return Picked(field=column.spec, match=pattern) if isinstance(column.spec, str) else column.spec
