"""Where reading of a file begins: where it was left, where its original was left, or at its first byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from domain.batch import Position
from logwatch.copies import Original, original, resume_gone, resume_known, resume_shorter
from logwatch.fingerprint import Seen
from logwatch.follow import FollowedFile
from logwatch.known import Known
from logwatch.looking import Inode, Look
from logwatch.waiting import Waiting


class Beginning:
    """Finds the places where the files of one source are begun.

    Shared with those who follow them: `known` positions, open `files`, and those `asleep` (as which they were seen,
    and their identity). `placed` are positions to be kept though nothing was read of their files.
    """

    def __init__(
        self,
        source: str,
        skip: int,
        known: Known,
        files: dict[Inode, FollowedFile],
        asleep: dict[Inode, tuple[Seen, str]],
    ) -> None:
        self._source, self._skip, self._known, self._files, self._asleep = source, skip, known, files, asleep
        self.waiting = Waiting()
        self.placed: dict[str, Position] = {}

    def followed(self) -> set[str]:
        """The identities of files that are there and are not copies that wait."""
        return {*(file.identity for file in self._files.values()), *(identity for _, identity in self._asleep.values())}

    def at_its_place(self, file: FollowedFile, as_seen: Seen, found: Look, now: float) -> bool:
        """Go to where reading begins; False where there is nothing to read, or not yet. Raises InputError, OSError."""
        name = str(file.path)
        if not file.fingerprint and file.size() > 0:
            self._know_finished(file)
        if not file.fingerprint:
            return True
        own = resume_known(file, self._known)
        if file.is_done:
            self._asleep[file.inode] = as_seen, file.identity
            return False
        if own is not None and not own.whole:
            return True
        beside = self._original_of(file, found, now)
        left = None
        if (beside is None or beside.is_shorter) and own is None:
            left = resume_gone(file, self._known, self.followed())
        if beside is not None and beside.is_shorter:
            left = left or resume_shorter(file, beside.identity, self._known)
            self._put_aside(beside.inode)
        elif beside is not None:
            if self.waiting.wait(name, as_seen, now) and beside.has_all:
                self._settle(file, as_seen)
            return False
        self.waiting.no_more(name)
        if left is not None:
            # A place of its own in the checkpoint: the original's will be forgotten.
            self._known.keep(left)
            file.adopted = True
        return True

    def at_the_end(self, path: Path, as_seen: Seen, now: float) -> None:
        """Begin a file behind all that it holds. Raises InputError, OSError."""
        file = FollowedFile(self._source, path, now, self._skip)
        try:
            if file.fingerprint:
                file.begin_at_end()
                self._place(file.position())
                self._asleep[file.inode] = as_seen, file.identity
        finally:
            file.close()

    def _know_finished(self, file: FollowedFile) -> None:
        """Recognise a file whose only line has no end and was counted all the same, after it was moved away."""
        finished = file.fingerprint_if_finished()
        position = self._known.get(file.identity_with(finished))
        if position is not None and position.offset > 0:
            file.fingerprint = finished

    def _original_of(self, file: FollowedFile, found: Look, now: float) -> Original | None:
        """The file that is there and of which this is a copy."""
        for other in self._files.values():
            if beside := original(file, other, other.offset):
                return beside
        for inode, (_, identity) in list(self._asleep.items()):
            left = self._known.get(identity)
            # What is compressed, or a copy itself, is no original.
            if inode == file.inode or left is None or left.whole or file.fingerprint not in identity:
                continue
            other = FollowedFile(self._source, found.found[inode][0], now, self._skip)
            try:
                if other.inode == inode and (beside := original(file, other, left.offset)):
                    return replace(beside, identity=identity)
            finally:
                other.close()
        return None

    def _settle(self, file: FollowedFile, as_seen: Seen) -> None:
        """Nothing is to be read of a complete copy whose original counted all of it."""
        file.begin_at_end()
        self._place(msgspec.structs.replace(file.position(), whole=as_seen.size))
        self._asleep[file.inode] = as_seen, file.identity

    def _put_aside(self, inode: Inode) -> None:
        """A file turned out to be a copy of one that goes on: nothing more is read of it."""
        file = self._files.pop(inode, None)
        if file is not None:
            self._asleep[inode] = file.seen(), file.identity
            file.close()
        as_seen, identity = self._asleep[inode]
        if position := self._known.get(identity):
            self._place(msgspec.structs.replace(position, whole=as_seen.size))

    def _place(self, position: Position) -> None:
        self._known.keep(position)
        self.placed[position.identity] = position
