"""What was not read of a file that was emptied, or went before it was opened: lost, unless a copy holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from logwatch.fingerprint import Seen
from logwatch.follow import FollowedFile
from logwatch.looking import PACKED, Inode, Look
from logwatch.troubles import Troubles

# A copy is looked for so long.
COPY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Loss:
    path: str
    inode: Inode
    since: float
    bytes: int
    what: str
    emptied: FollowedFile | None = None


class Losses:
    """The losses of one source's files that are feared."""

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._feared: list[_Loss] = []

    def emptied(self, file: FollowedFile, now: float) -> None:
        """A file was emptied, and is closed; what of it was not counted may be in a copy."""
        if lost := file.uncounted():
            what = "was emptied before it was read"
            self._feared.append(_Loss(str(file.path), file.inode, now, lost, what, file))

    def unopened(self, inode: Inode, path: Path, as_seen: Seen, now: float) -> None:
        """A file that waited to be opened is not there any more."""
        if as_seen.size and path.suffix not in PACKED:
            what = "was deleted before it was read"
            self._feared.append(_Loss(str(path), inode, now, as_seen.size, what))

    def opened(self, file: FollowedFile) -> None:
        """A file is read now: what it holds is not lost."""
        self._feared = [loss for loss in self._feared if not _is_in(loss, file)]

    def tell(self, look: Look, now: float) -> None:
        """Those of which no copy came are troubles."""
        feared = []
        for loss in self._feared:
            if 0 <= now - loss.since < COPY_SECONDS:
                feared.append(loss)
            elif loss.emptied is not None or not any(loss.path + suffix in look.names for suffix in PACKED):
                detail = f"{loss.what}: {loss.bytes:,} bytes are lost"
                self._troubles.has("lost", loss.path, now, detail, loss.bytes)
        self._feared = feared


def _is_in(loss: _Loss, file: FollowedFile) -> bool:
    """Whether a file that is opened is a copy of what was feared lost, or is what was not opened before."""
    if loss.emptied is None:
        return loss.inode == file.inode and not file.compressed and file.size() >= loss.bytes
    return loss.inode != file.inode and file.is_copy_of_emptied(loss.emptied)
