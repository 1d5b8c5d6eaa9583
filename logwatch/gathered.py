"""What was read and is not kept yet: events, and the files that they stand in."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.batch import Accounting, Position
from logwatch.events import EventBlock
from logwatch.follow import FollowedFile
from logwatch.recent import Recent

# A batch is committed when it holds so many events, so that memory does not grow with what there is to read.
MOST_EVENTS = 200_000


class Gathered:
    """Filled by the watches of one agent, emptied by its commits.

    `recent` takes some of the lines for people to look at, where they are wanted.
    """

    def __init__(self, recent: Recent | None = None) -> None:
        self.recent = recent
        self.events: list[EventBlock] = []
        # Those of them that hold technical figures, each with its source's name.
        self.figures: list[tuple[str, EventBlock]] = []
        self._count = 0
        self._touched: dict[tuple[str, str], FollowedFile] = {}
        self._amended: dict[tuple[str, str], Position] = {}

    def add(self, source: str, events: EventBlock) -> None:
        """Events of a block of lines of a source."""
        self.events.append(events)
        if events.values:
            self.figures.append((source, events))
        self._count += len(events)

    def touch(self, file: FollowedFile) -> None:
        """The file's position is to be kept with the events."""
        self._touched[file.source, file.identity] = file

    def amend(self, position: Position, accounting: Accounting) -> None:
        """What became of lines of a file that is not open: `position` is the one last kept."""
        key = position.source, position.identity
        position = self._amended.get(key, position)
        self._amended[key] = msgspec.structs.replace(position, accounting=position.accounting + accounting)

    @property
    def is_full(self) -> bool:
        """Whether it is as much as one batch should hold."""
        return self._count >= MOST_EVENTS

    @property
    def is_empty(self) -> bool:
        """Whether no file was read any further, and no call came out without that."""
        return not self._touched and not self._amended and not self.events

    def positions(self) -> Sequence[Position]:
        """How far the files are counted."""
        amended = [position for key, position in self._amended.items() if key not in self._touched]
        return [*amended, *(file.position() for file in self._touched.values())]

    def clear(self) -> None:
        """It is kept, or is read again."""
        self.events, self.figures, self._count, self._touched, self._amended = [], [], 0, {}, {}
