"""The files of one source: found by its globs, followed through renames, let go when they are gone."""

from __future__ import annotations

import glob
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from domain.batch import Accounting, Position
from domain.errors import InputError
from domain.settings import Source
from logwatch.follow import FollowedFile

log = logging.getLogger(__name__)

# A file that was renamed or deleted is held open so long after it last grew: its writer may not have let go.
LINGER_SECONDS = 60.0
# A file that is gone is remembered so long, so that a compressed copy of it is not read from its start.
REMEMBER_SECONDS = 7 * 86_400.0
_PACKED = (".gz", ".zst")

Inode = tuple[int, int]


class SourceFiles:
    """Follows the files of a source. `known` are the positions of the last checkpoint."""

    def __init__(self, source: Source, known: Iterable[Position]) -> None:
        self.source = source
        self._positions: dict[str, Position] = {position.identity: position for position in known}
        self._gone: dict[str, float] = {}
        self.files: dict[Inode, FollowedFile] = {}
        self._failed: dict[str, tuple[int, int]] = {}
        # Copies that wait: as which they were seen, beside which open files.
        self._waiting: dict[str, tuple[tuple[int, int], frozenset[Inode]]] = {}
        self._told: set[str] = set()

    @property
    def ever_found(self) -> bool:
        """Whether the source ever had a file."""
        return bool(self.files or self._positions)

    def look(self, now: float) -> None:
        """Find new files, and let go of those that are gone and read to their end."""
        present: dict[Inode, Path] = {}
        names = {name for pattern in self.source.paths for name in glob.glob(pattern, recursive=True)}  # noqa: PTH207 (Path.glob takes no absolute pattern)
        # Originals before what they were compressed to, which is compared with them.
        for name in sorted(names, key=lambda name: (name.endswith(_PACKED), name)):
            path = Path(name)
            try:
                status = path.stat()
            except OSError:
                continue  # renamed or deleted since the glob: found again under its new name, or gone
            if not path.is_file():
                continue
            inode = (status.st_dev, status.st_ino)
            present.setdefault(inode, path)
            if inode in self.files and not self.files[inode].fingerprint and self.files[inode].turned_out_compressed:
                self.files.pop(inode).close()
            if inode in self.files:
                self.files[inode].moved_to(present[inode])
            elif self._failed.get(name) != (status.st_size, status.st_mtime_ns):
                self._open(path, (status.st_size, status.st_mtime_ns), now)
        self._let_go(present, now)
        followed = {file.identity for file in self.files.values()}
        for identity in self._positions:
            if identity in followed:
                self._gone.pop(identity, None)
            else:
                self._gone.setdefault(identity, now)
        if not self.ever_found:
            self._tell("", f"source {self.source.name}: no file matches {', '.join(self.source.paths)}")

    def _open(self, path: Path, seen: tuple[int, int], now: float) -> None:
        if self._waiting.get(str(path)) == (seen, frozenset(self.files)):
            return
        self._waiting.pop(str(path), None)
        file = None
        try:
            file = FollowedFile(self.source.name, path, now)
            follow = file.inode not in self.files and not self._waits(file)
            if follow:
                self._resume(file)
            else:
                self._waiting[str(path)] = seen, frozenset(self.files)
        except (OSError, InputError) as error:
            if file is not None:
                file.close()
            self._failed[str(path)] = seen
            told = error if isinstance(error, InputError) else f"{path} cannot be read: {error.strerror or error}"
            self._tell(str(path), f"source {self.source.name}: {told}")
            return
        self._failed.pop(str(path), None)
        self._told.discard(str(path))
        if follow:
            self.files[file.inode] = file
        else:
            file.close()

    def _waits(self, file: FollowedFile) -> bool:
        """Whether this is a compressed copy of a file that is still read: what it holds is read there."""
        if file.identity in self._positions:
            return False
        return any(file.is_copy_of(other) for other in self.files.values())

    def _resume(self, file: FollowedFile) -> None:
        """Go on where this file was left, or where the file was left that this is a compressed copy of."""
        position = self._positions.get(file.identity)
        if position is None and file.compressed and file.fingerprint:
            open_ones = {other.identity for other in self.files.values()}
            for identity, other in self._positions.items():
                if identity.endswith(f"-{file.fingerprint}") and identity not in open_ones:
                    position = msgspec.structs.replace(other, path=str(file.path), identity=file.identity)
                    break
        if position is not None:
            file.resume(position.offset, position.accounting)
            if file.identity not in self._positions:
                # A place of its own in the checkpoint: the original's will be forgotten.
                self._positions[file.identity] = position
                file.adopted = True

    def _let_go(self, present: Mapping[Inode, Path], now: float) -> None:
        for inode, file in list(self.files.items()):
            if inode not in present and self.is_over(file, now) and not file.has_unfinished:
                file.close()
                del self.files[inode]

    def is_over(self, file: FollowedFile, now: float) -> bool:
        """Whether a file that was moved away or deleted, and read to its end, has been quiet long enough."""
        return file.is_read and file.moved and now - file.last_grown >= LINGER_SECONDS

    def set_aside(self, file: FollowedFile) -> None:
        """Let go of a file that cannot be read until it changes."""
        status = file.path.stat() if file.path.exists() else None
        self._failed[str(file.path)] = (status.st_size, status.st_mtime_ns) if status else (0, 0)
        self.files.pop(file.inode, None)
        file.close()

    def kept(self, positions: Iterable[Position]) -> None:
        """These positions were committed."""
        for position in positions:
            self._positions[position.identity] = position

    def rewind(self) -> None:
        """Nothing was committed: read again from the last checkpoint, also what was set aside since."""
        self._failed.clear()
        for file in list(self.files.values()):
            position = self._positions.get(file.identity)
            try:
                if position is None:
                    file.resume(0, Accounting())
                else:
                    file.resume(position.offset, position.accounting)
            except (InputError, OSError) as error:
                self._tell(str(file.path), f"source {self.source.name}: {error}; read again when it changes")
                self.set_aside(file)

    def forgettable(self, now: float) -> list[str]:
        """Identities of files that are gone for so long that nothing of them can come again."""
        old = [identity for identity, since in self._gone.items() if now - since > REMEMBER_SECONDS]
        for identity in old:
            del self._gone[identity]
            self._positions.pop(identity, None)
        return old

    def oldest_first(self) -> list[FollowedFile]:
        """The open files, the one written to longest ago first."""
        return sorted(self.files.values(), key=lambda file: (file.modified(), str(file.path)))

    def close(self) -> None:
        """Let all files go."""
        for file in self.files.values():
            file.close()

    def _tell(self, about: str, message: str) -> None:
        """Say a thing once, not every second."""
        if about not in self._told:
            self._told.add(about)
            log.warning("%s", message)
