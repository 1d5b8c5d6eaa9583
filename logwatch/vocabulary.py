"""The tokens of one reader: what each means, remembered for both ways of reading."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import cached_property

import numpy as np

from logwatch.events import LINE_KEYS, NO_VALUE, Dictionary
from logwatch.meaning import Meaning
from logwatch.memo import INVALID, MISSING, MOST_TOKENS, REJECTED, Memo, TokenTable
from logwatch.plan import Plan
from logwatch.times import read_tail
from logwatch.tokens import Tokens


class Vocabulary:
    """Dictionaries and memos; thrown away and begun anew when garbage has made them too large."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.found = {key: Dictionary() for key in LINE_KEYS}
        self._seen: dict[str, dict[str, int]] = {key: {} for key in plan.keys}
        self.keys = {key: Memo(self._number(key, meaning), np.int32) for key, (_, meaning) in plan.keys.items()}
        self.duration = Memo(self._duration)
        self.status = Memo(lambda token: read_status(plan.status_text(token)), np.int32)
        self.values = {name: Memo(_value(meaning)) for name, (_, meaning) in plan.values.items()}
        self._tokens: dict[int, Tokens] = {}
        self.guards: dict[str, Memo] = {}
        self.tail = Memo(_tail)
        self.fraction = Memo(_fraction)
        self.fixed = {key: self.found[key].id_of(value) for key, value in plan.fixed.items() if value}

    @cached_property
    def table(self) -> TokenTable:
        """The tokens of all columns that hold keys."""
        return TokenTable()

    @cached_property
    def tails(self) -> TokenTable:
        """What stands behind the seconds of times."""
        return TokenTable()

    @property
    def is_full(self) -> bool:
        """Whether there are so many distinct tokens that it is time to begin anew."""
        tables: tuple[Sized, ...] = (
            *self._seen.values(), *self.keys.values(), *self.values.values(), *self.guards.values(), self.duration,
            self.tail, *self._tokens.values(),
        )  # fmt: skip
        return any(len(table) > MOST_TOKENS for table in tables)

    def tokens(self, memo: Memo) -> Tokens:
        """One of these memos for tokens that are told apart by their bytes."""
        return self._tokens.setdefault(id(memo), Tokens(memo))

    def guard(self, prefix: str) -> Memo:
        """A memo for a column nobody wants: any value will do behind the right prefix."""
        return self.guards.setdefault(prefix, Memo(lambda _: 0, np.int32))

    def _number(self, key: str, meaning: Meaning) -> Callable[[str], int]:
        """Token to number in the dictionary of its key."""
        seen, found = self._seen[key], self.found[key]

        def number(token: str) -> int:
            known = seen.get(token)
            if known is None:
                value, bad = meaning(token)
                known = seen[token] = INVALID if bad else found.id_of(value)
            return known

        return number

    def _duration(self, token: str) -> int:
        if self._plan.duration is None:
            return -1
        micros, bad = self._plan.duration[1](token)
        return INVALID if bad else micros


def _value(meaning: Callable[[str], tuple[int, bool]]) -> Callable[[str], int]:
    def number(token: str) -> int:
        value, bad = meaning(token)
        return INVALID if bad else MISSING if value == NO_VALUE else value

    return number


def read_status(token: str) -> int:
    """An HTTP status; -1 for none, INVALID for something else."""
    if token in ("", "-"):
        return -1
    return int(token) if len(token) == 3 and token.isascii() and token.isdigit() else INVALID


def _tail(text: str) -> int:
    """Fraction minus offset; INVALID marks a time without a zone, which needs its head to be placed."""
    tail = read_tail(text)
    if tail is None:
        return REJECTED
    return INVALID if tail[1] is None else tail[0] - tail[1]


def _fraction(text: str) -> int:
    tail = read_tail(text)
    return REJECTED if tail is None else tail[0]
