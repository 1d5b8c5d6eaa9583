"""Fields found by name where a name may also be two names, or a path.

`date time` is what both hold with a blank between, as W3C logs keep the moment in two fields and JSON the method
apart from the path. `.path` is a field called `path`, where `path` alone is that of the field `request`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping


class Named(Mapping[str, str]):
    """The fields of one line, looked for when they are asked for."""

    __slots__ = ()

    @abstractmethod
    def find(self, name: str) -> str | None:
        """What the line holds under one name; None when nothing."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """The names of all that the line holds."""

    def __getitem__(self, name: str) -> str:
        found = self.find(name)
        if found is None and name.startswith("."):
            found = self.find(name[1:])
        if found is None and " " in name:
            parts = [part for one in name.split() if (part := self.get(one, "-")) not in ("", "-")]
            found = " ".join(parts) if parts else None
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return self.names()

    def __len__(self) -> int:
        return sum(1 for _ in self.names())
