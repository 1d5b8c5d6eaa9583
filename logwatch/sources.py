"""The files of one source: found by its globs, followed through renames, let go when they are gone."""

from __future__ import annotations

import glob
import logging
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from domain.batch import Accounting, Position
from domain.errors import InputError
from domain.settings import Source
from logwatch.follow import FollowedFile, Seen, seen

log = logging.getLogger(__name__)

# A file that was renamed or deleted is held open so long after it last grew: its writer may not have let go.
LINGER_SECONDS = 60.0
# A file that is gone is remembered so long, so that a compressed copy of it is not read from its start.
REMEMBER_SECONDS = 7 * 86_400.0
# An agent that is started often begins to wait anew each time. So beyond so many of a source, those that grew longest
# ago are remembered only so long; not shorter, for a whole disk may be away for a while.
MOST_REMEMBERED = 20_000
REMEMBER_ANY_SECONDS = 3_600.0
# A file whose opening failed for a reason that is not its own (too many open files, a disk's error) is tried again.
RETRY_SECONDS = 60.0
# So many files of a source are held open, those last written to. The others sleep: closed, until they are seen to
# change. One that is open loses nothing when it is moved out of sight right after its last line.
MOST_OPEN = 128
# Files that wait to be opened hold the watermark back, unless they are so much older than the newest.
_OLD_NS = 600 * 10**9
_PACKED = (".gz", ".zst")

Inode = tuple[int, int]


class SourceFiles:
    """Follows the files of a source. `known` are the positions of the last checkpoint, the last that grew last.

    `skip` is how many lines all files begin with alike.
    """

    def __init__(self, source: Source, known: Iterable[Position], skip: int = 0) -> None:
        self.source, self._skip = source, skip
        self._positions: dict[str, Position] = {position.identity: position for position in known}
        self._gone: dict[str, float] = {}
        self.files: dict[Inode, FollowedFile] = {}
        # Files that are read and closed: as which they were seen, and their identity.
        self._asleep: dict[Inode, tuple[Seen, str]] = {}
        self._present: Mapping[Inode, Path] = {}
        self._failed: dict[str, tuple[Seen, float]] = {}
        # Copies that wait: as which they were seen, beside which files.
        self._waiting: dict[str, tuple[Seen, frozenset[Inode]]] = {}
        self._told: set[str] = set()
        # Whether files wait for others to be read before they are opened, and whether some of those may be live.
        self.crowded = self.crowded_by_live = False
        self._later: list[tuple[Path, Seen]] = []

    @property
    def ever_found(self) -> bool:
        """Whether the source ever had a file."""
        return bool(self.files or self._asleep or self._positions)

    def look(self, now: float) -> None:
        """Find new files, and let go of those that are gone and read to their end."""
        present: dict[Inode, Path] = {}
        fresh: list[tuple[Path, Seen]] = []
        newest = 0
        names = {name for pattern in self.source.paths for name in glob.glob(pattern, recursive=True)}  # noqa: PTH207 (Path.glob takes no absolute pattern)
        for name in sorted(names):
            try:
                status = os.stat(name)  # noqa: PTH116 (a tick looks at thousands)
            except OSError:
                continue  # renamed or deleted since the glob: found again under its new name, or gone
            if not stat.S_ISREG(status.st_mode):
                continue
            inode = (status.st_dev, status.st_ino)
            if inode in present:
                continue
            present[inode] = path = Path(name)
            newest = max(newest, status.st_mtime_ns)
            if inode in self.files and not self.files[inode].fingerprint and self.files[inode].turned_out_compressed:
                self.files.pop(inode).close()
            if inode in self.files:
                self.files[inode].moved_to(path)
            elif self._is_news(inode, name, seen(status), now):
                fresh.append((path, seen(status)))
        self._present = present
        self._let_go(present, now)
        self._open_all(fresh, newest, now)
        self._remember(present, names, now)

    def _is_news(self, inode: Inode, name: str, as_seen: Seen, now: float) -> bool:
        """Whether a file that is not open is to be opened: not one that sleeps, or failed, as it is."""
        if inode in self._asleep and self._asleep[inode][0] == as_seen:
            return False
        failed, again = self._failed.get(name, (None, 0.0))
        return failed != as_seen or now >= again

    def _open_all(self, fresh: list[tuple[Path, Seen]], newest: int, now: float) -> None:
        """Open new files as far as there is room, making some: the newest first, they may be live."""
        fresh.sort(key=lambda found: found[1].modified_ns, reverse=True)
        room = MOST_OPEN - len(self.files)
        if len(fresh) > room:
            # Not all of them: the newest may be live, quiet as they are.
            for file in self.oldest_first()[: min(len(fresh) - room, MOST_OPEN // 2)]:
                self._let_sleep(file)
            room = MOST_OPEN - len(self.files)
        self._later = later = fresh[max(0, room) :]
        self.crowded = bool(later)
        self.crowded_by_live = any(newest - as_seen.modified_ns < _OLD_NS for _, as_seen in later)
        # Originals before what they were compressed to, which is compared with them.
        for path, as_seen in sorted(fresh[: max(0, room)], key=lambda found: (found[0].suffix in _PACKED, found[0])):
            self._open(path, as_seen, now)

    def _remember(self, present: Mapping[Inode, Path], names: Collection[str], now: float) -> None:
        """Since when files are gone; and nothing more of names that are."""
        for inode in self._asleep.keys() - present.keys():
            del self._asleep[inode]
        for told in (self._failed, self._waiting):
            for name in [name for name in told if name not in names]:
                del told[name]
        self._told &= set(names)
        followed = self._followed()
        gone = [identity for identity in self._positions if identity not in followed]
        self._gone = {identity: self._gone.get(identity, now) for identity in gone}

    def _followed(self) -> set[str]:
        """The identities of files that are there and are not copies that wait."""
        return {*(file.identity for file in self.files.values()), *(identity for _, identity in self._asleep.values())}

    def _let_sleep(self, file: FollowedFile) -> None:
        """Close a file if it is read to its end; what was read of it is committed by now."""
        as_seen = file.seen()
        if file.is_read and not file.tail.size and (not file.fingerprint or file.identity in self._positions):
            self._asleep[file.inode] = as_seen, file.identity
            file.close()
            del self.files[file.inode]

    def _open(self, path: Path, as_seen: Seen, now: float) -> None:
        beside = frozenset((*self.files, *self._asleep))
        if self._waiting.get(str(path)) == (as_seen, beside):
            return
        self._waiting.pop(str(path), None)
        file = None
        try:
            file = FollowedFile(self.source.name, path, now, self._skip)
            follow = file.inode not in self.files and not self._waits(file)
            if follow:
                self._resume(file)
            else:
                self._waiting[str(path)] = as_seen, beside
        except (OSError, InputError) as error:
            if file is not None:
                file.close()
            self._has_failed(path, as_seen, error, now)
            told = error if isinstance(error, InputError) else f"{path} cannot be read: {error.strerror or error}"
            self._tell(str(path), f"source {self.source.name}: {told}")
            return
        self._failed.pop(str(path), None)
        self._told.discard(str(path))
        self._asleep.pop(file.inode, None)
        if follow:
            self.files[file.inode] = file
        else:
            file.close()

    def _has_failed(self, path: Path, as_seen: Seen, error: Exception, now: float) -> None:
        """Content that is damaged is so until it changes; what the machine refuses may go by itself."""
        self._failed[str(path)] = as_seen, float("inf") if isinstance(error, InputError) else now + RETRY_SECONDS

    def _waits(self, file: FollowedFile) -> bool:
        """Whether this is a compressed copy of a file that is still there: what it holds is read there."""
        if file.identity in self._positions or not file.compressed:
            return False
        if any(file.is_copy_of(other) for other in self.files.values()):
            return True
        alike = [inode for inode, (_, identity) in self._asleep.items() if identity.endswith(f"-{file.fingerprint}")]
        for inode in alike:
            other = FollowedFile(self.source.name, self._present[inode], file.last_grown, self._skip)
            try:
                if file.is_copy_of(other):
                    return True
            finally:
                other.close()
        return False

    def _resume(self, file: FollowedFile) -> None:
        """Go on where this file was left, or where the file was left that this is a compressed copy of."""
        if not file.fingerprint and file.size() > 0:
            self._know_finished(file)
        position = self._positions.get(file.identity)
        if position is None and file.fingerprint and (left := self._left_as_another(file)):
            position = msgspec.structs.replace(left, path=str(file.path), identity=file.identity)
        if position is not None:
            file.resume(position.offset, position.accounting, position.doubled)
            if file.identity not in self._positions:
                # A place of its own in the checkpoint: the original's will be forgotten.
                self._positions[file.identity] = position
                file.adopted = True

    def _know_finished(self, file: FollowedFile) -> None:
        """Recognise a file whose only line has no end and was counted all the same, after it was moved away."""
        finished = file.fingerprint_if_finished()
        position = self._positions.get(file.identity_with(finished))
        if position is not None and position.offset > 0:
            file.fingerprint = finished

    def _left_as_another(self, file: FollowedFile) -> Position | None:
        """Where a file was left that is not there any more and had this one's content.

        A compressed file is a copy of it; a plain one the file itself, whose file system got another device
        number when it was mounted anew.
        """
        followed = self._followed()
        inode = f"{file.inode[1]:x}"
        for identity, position in self._positions.items():
            _, at, content = identity.split("-")
            if content != file.fingerprint or identity in followed:
                continue
            if file.compressed or (at == inode and position.offset <= file.size()):
                return position
        return None

    def _let_go(self, present: Mapping[Inode, Path], now: float) -> None:
        for inode, file in list(self.files.items()):
            if inode not in present and self.is_over(file, now) and not file.has_unfinished:
                file.close()
                del self.files[inode]

    def is_over(self, file: FollowedFile, now: float) -> bool:
        """Whether a file that was moved away or deleted, and read to its end, has been quiet long enough."""
        return file.is_read and file.moved and now - file.last_grown >= LINGER_SECONDS

    def set_aside(self, file: FollowedFile, error: Exception, now: float) -> None:
        """Let go of a file that could not be read, until it changes or the machine may give it again."""
        self._has_failed(file.path, file.seen(), error, now)
        self.files.pop(file.inode, None)
        file.close()

    def kept(self, positions: Iterable[Position]) -> None:
        """These positions were committed."""
        for position in positions:
            self._positions.pop(position.identity, None)  # the last one that grew stands last
            self._positions[position.identity] = position

    def rewind(self, now: float) -> None:
        """Nothing was committed: read again from the last checkpoint, also what was set aside since."""
        self._failed.clear()
        for file in list(self.files.values()):
            position = self._positions.get(file.identity)
            try:
                if position is None:
                    file.resume(0, Accounting())
                else:
                    file.resume(position.offset, position.accounting, position.doubled)
            except (InputError, OSError) as error:
                self._tell(str(file.path), f"source {self.source.name}: {error}; read again when it changes")
                self.set_aside(file, error, now)

    def forgettable(self, now: float) -> list[str]:
        """Identities of files that are gone for so long that nothing of them can come again."""
        too_many = max(0, len(self._gone) - MOST_REMEMBERED)
        old = [
            identity
            for place, (identity, since) in enumerate(self._gone.items())
            if now - since > (REMEMBER_ANY_SECONDS if place < too_many else REMEMBER_SECONDS)
        ]
        for identity in old:
            del self._gone[identity]
            self._positions.pop(identity, None)
        return old

    def oldest_first(self) -> list[FollowedFile]:
        """The open files, the one written to longest ago first."""
        return sorted(self.files.values(), key=lambda file: (file.modified(), str(file.path)))

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._present)

    def not_opened(self) -> Iterable[tuple[Path, int]]:
        """Files that wait to be opened, with their sizes, the newest first."""
        return ((path, as_seen.size) for path, as_seen in self._later)

    def closed(self) -> Iterator[tuple[Position, bool]]:
        """Files that are known and not open, the last that grew first, and whether they are there."""
        opened = {file.identity for file in self.files.values()}
        asleep = {identity for _, identity in self._asleep.values()}
        for identity, position in reversed(self._positions.items()):
            if identity not in opened:
                yield position, identity in asleep

    def close(self) -> None:
        """Let all files go."""
        for file in self.files.values():
            file.close()

    def _tell(self, about: str, message: str) -> None:
        """Say a thing once, not every second."""
        if about not in self._told:
            self._told.add(about)
            log.warning("%s", message)
