"""What a kind of log is asked for: the fields of one line, or of a block of lines at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from domain.codes import Judgement
from domain.settings import Fields, Format

if TYPE_CHECKING:
    # It takes long to be imported: only where it is used.
    import polars as pl

Mask = npt.NDArray[np.bool_]

# How a field's tokens are read from CSV text by every kind: one row a line whatever the line holds.
CSV: dict[str, Any] = {
    "has_header": False,
    "quote_char": None,
    "truncate_ragged_lines": True,
    "ignore_errors": True,
    "encoding": "utf8-lossy",
    "missing_columns": "insert",
    "extra_columns": "ignore",
    "glob": False,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of every line of a block: the frame's column, and what stands before the value in each token.

    A token that does not begin with `prefix`, that is missing, or in which `banned` stands makes its line one
    for the small path.
    """

    name: str
    prefix: str = ""
    banned: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """The fields of a block, one row a line.

    `columns` says where in `frame` each wanted field is; `guards` are categorical columns of fields nobody wants
    whose tokens must still be as their Column says. Lines where that is not so, or where one of the `checks`
    (boolean expressions over the frame) or `sound` is not True, are read one by one instead. Every other line
    begins with `beginning`.
    """

    frame: pl.DataFrame
    columns: Mapping[str, Column]
    guards: Sequence[Column] = ()
    checks: Sequence[pl.Expr] = ()
    sound: Mask | None = None
    beginning: str = ""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How fields stand one behind the other, parted by single blanks, from the beginning of each line on.

    Of each place what a token there begins with, and the field whose value follows, "" where nobody wants it. Where
    `open`, the last place's value may be in double quotes, with blanks in it and a backslash before what is meant as
    it stands; no other value holds quotes. A line of another arrangement, or in which one of the `absent` stands, is
    read by itself. `tabs` says that a tab is a blank.
    """

    places: Sequence[tuple[bytes, str]]
    open: bool = False
    absent: Sequence[bytes] = ()
    tabs: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What the reader wants from a kind: the fields, and of which dtype; columns of `texts`, as the time's, stay text.

    `odd` says whether the block may hold control characters other than line ends.
    """

    wanted: Sequence[str]
    time: str
    categorical: pl.Categorical
    odd: bool = True
    texts: Collection[str] = ()


class Kind(Protocol):
    """A way of writing lines. It knows nothing of what the fields mean."""

    @classmethod
    def of(cls, form: Format, path: str) -> Self:
        """The kind as a format declares it. Raises ConfigError with the place below `path`."""
        ...

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The fields of one line; None when its structure cannot be read."""
        ...

    @staticmethod
    def block_bytes() -> int:
        """How large the blocks are best that are read at once."""
        return 8 << 20

    @staticmethod
    def small_bytes() -> int:
        """Blocks below this size are cheaper read line by line: about 1,500 lines."""
        return 300_000

    def split(self, _block: bytes, _request: Request) -> Split | None:
        """The wanted fields of whole lines, the same ones as `fields` gives; None to have them read one by one."""
        return None

    def arranged(
        self, _block: bytes, _wanted: Sequence[str], _time: str, _texts: Collection[str]
    ) -> Arrangement | None:
        """How the wanted fields stand in most lines of a block; None where `split` must find them.

        `_time` is the time's field; those of `_texts` may be quoted in the last place.
        """
        return None

    @staticmethod
    def defaults() -> Fields:
        """The keys that lines of this kind hold by their nature, where a format names no field for them."""
        ...

    @staticmethod
    def time_field() -> str:
        """The field that holds the time where a format names none."""
        ...

    @staticmethod
    def codes() -> Mapping[str, Judgement]:
        """The codes that this way of writing brings along, in capitals; a site's own table comes before them."""
        return {}
