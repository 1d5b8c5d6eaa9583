"""Files that hold what another holds: compressed or plain copies, and where reading goes on in them.

While the original is there, a copy waits: what it holds is read there. Once the original is gone, or was emptied,
the copy is read from where the original was left. That it is one is told by how both begin, and by the last bytes
that were counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from domain.batch import Position
from logwatch.fingerprint import Identity
from logwatch.follow import FollowedFile
from logwatch.known import Known

_COPY_BYTES = 65_536


def is_copy(file: FollowedFile, other: FollowedFile) -> bool:
    """Whether a file that is not read yet holds the same as a plain one that is, as far as both go."""
    if other.compressed or not file.fingerprint or other.fingerprint != file.fingerprint:
        return False
    mine, theirs = file.head(_COPY_BYTES), other.head(_COPY_BYTES)
    common = min(len(mine), len(theirs))
    if mine[:common] != theirs[:common]:
        return False
    if file.compressed:
        return True
    size = min(file.size(), other.size())
    return other.stands_at(file.before(size), max(0, size - len(file.before(size))))


@dataclass(frozen=True, slots=True)
class Original:
    """A file that is still there and of which another is a copy, as far as both go.

    `is_shorter`: it is counted to its end, and the other goes on where it ends. `has_all`: it is counted beyond all
    that the other holds.
    """

    identity: str
    inode: tuple[int, int]
    is_shorter: bool = False
    has_all: bool = False


def original(file: FollowedFile, other: FollowedFile, counted: int) -> Original | None:
    """What `other`, of which `counted` bytes are counted, is to a file that is not read yet; None for nothing."""
    if is_copy(file, other):
        is_read = 0 < other.last_line_end() <= counted
        if file.compressed:
            return Original(other.identity, other.inode, has_all=is_read)
        size = file.size()
        return Original(other.identity, other.inode, is_read and size > other.size(), file.last_line_end() <= counted)
    if other.fingerprint == file.fingerprint and not other.is_same():
        # Emptied just now: whether it was one the next look tells, which finds it so.
        return Original(other.identity, other.inode)
    return None


def resume_known(file: FollowedFile, known: Known) -> Position | None:
    """Go on where this very file was left; the position that fits, None for a content that was never read.

    Under its name there may be several: those of what it held before it was emptied, and filled again.
    """
    here = Identity.parse(file.identity)
    own = [
        (identity, position)
        for position in known.alike(file.fingerprint)
        if (identity := Identity.parse(position.identity))[:2] == here[:2]
    ]
    for identity, position in own:
        file.is_done = position.whole > 0 and position.whole == file.size()
        if file.is_done or file.resume(position):
            file.generation = identity.generation
            return position
    if own:
        file.generation = max(identity.generation for identity, _ in own) + 1
    return None


def resume_gone(file: FollowedFile, known: Known, followed: Collection[str]) -> Position | None:
    """Go on where a file was left that is not there any more and had this one's content; the place as this file's own.

    A checkpoint of an older version says nothing of the last bytes: there, a compressed file is a copy when it begins
    alike, and a plain one only the file itself, whose file system got another device number when it was mounted anew.
    """
    return _resume_one(file, (left for left in known.alike(file.fingerprint) if left.identity not in followed))


def resume_shorter(file: FollowedFile, other: str, known: Known) -> Position | None:
    """Go on where another file was left that holds the beginning of this one; the place as this file's own."""
    return _resume_one(file, (left for left in known.alike(file.fingerprint) if left.identity == other))


def _resume_one(file: FollowedFile, lefts: Iterable[Position]) -> Position | None:
    here = Identity.parse(file.identity)
    candidates = [left for left in lefts if left.offset]
    # Where many begin alike, one going through a compressed file tells which of them it is.
    tails = file.tails_at(left.offset for left in candidates) if len(candidates) > 1 else None
    for left in candidates:
        is_itself = Identity.parse(left.identity).inode == here.inode
        if not (left.tail or file.compressed or is_itself):
            continue
        if tails is not None and left.tail and tails.get(left.offset) != left.tail:
            continue
        if file.resume(left):
            file.is_put_by = not file.compressed and not is_itself
            return msgspec.structs.replace(left, path=file.position().path, identity=file.identity, whole=0)
    return None
