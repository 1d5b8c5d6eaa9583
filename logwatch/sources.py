"""The files of one source: found by its globs, followed through renames, let go when they are gone."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from domain.batch import Position
from domain.errors import InputError
from domain.redact import fit_name
from domain.settings import Source
from logwatch.beginning import Beginning
from logwatch.fingerprint import Seen
from logwatch.follow import FollowedFile
from logwatch.known import Known
from logwatch.looking import Inode, Look, is_put_by, look, root_of
from logwatch.losses import Losses
from logwatch.opening import MOST_OPEN, Choice, choose, in_order
from logwatch.troubles import Troubles

log = logging.getLogger(__name__)

# A file that was renamed or deleted is held open so long after it last grew: its writer may not have let go.
LINGER_SECONDS = 60.0
# A file of any name that was quiet for so long has got its last line, with or without an end.
QUIET_SECONDS = 86_400.0
# A file whose opening failed for a reason that is not its own (too many open files, a disk's error) is tried again.
RETRY_SECONDS = 60.0
_CHANGED = Seen(-1, 0, 0)


class SourceFiles:
    """Follows the files of a source. `known` are the positions of the last checkpoint, the last that grew last.

    `emptied` is called with a file that was emptied, before it is closed. `skip` is how many lines all files begin with
    alike. With `at_end`, of the files that the first look finds only what comes after is read. With
    `in_order`, the oldest is opened first, whatever is live: what begins in one file may end in the next.
    """

    def __init__(
        self,
        source: Source,
        known: Iterable[Position],
        troubles: Troubles,
        emptied: Callable[[FollowedFile, float], None],
        skip: int = 0,
        *,
        at_end: bool = False,
        in_order: bool = False,
    ) -> None:
        self._emptied, self._in_order = emptied, in_order
        self.source, self._skip, self._troubles, self._at_end = source, skip, troubles, at_end
        self.known = Known(known)
        self.files: dict[Inode, FollowedFile] = {}
        # Files that are read and closed: as which they were seen, and their identity.
        self._asleep: dict[Inode, tuple[Seen, str]] = {}
        self._found, self._choice = Look(), Choice()
        self._named: Collection[str] = ()
        self._directories: set[str] = set()
        self._failed: dict[str, tuple[Seen, float]] = {}
        self._losses = Losses(troubles)
        self.begin = Beginning(source.name, skip, self.known, self.files, self._asleep)

    @property
    def ever_found(self) -> bool:
        """Whether the source ever had a file."""
        return bool(self.files or self._asleep or self.known)

    @property
    def crowded(self) -> bool:
        """Whether files wait for others to be read before they are opened."""
        return bool(self._choice.later)

    @property
    def holds_back(self) -> bool:
        """Whether calls may be in files that are not open: nobody knows up to when all are read."""
        return self._choice.crowded_by_live or bool(self._found.closed) or not self.ever_found

    def directories(self) -> Collection[str]:
        """Where files grow and new ones come, links followed."""
        if self._found.names != self._named:
            self._named = self._found.names
            names = (os.path.realpath(name) for name in self._named)
            self._directories = {root_of(pattern) for pattern in self.source.paths}
            self._directories |= {os.path.dirname(name) for name in (*names, *self._named)}  # noqa: PTH120 (thousands)
        return self._directories

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._found.found)

    # -- looking ----------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Find new files, and let go of those that are gone and read to their end."""
        before, waited = self._found, {path for path, _ in self._choice.later}
        self._found = look(self.source.paths)
        for inode, (path, as_seen) in before.found.items() if waited else ():
            # Its inode may be another file's by now.
            found = self._found.found.get(inode)
            if path in waited and (found is None or (found[0] != path and found[1].size < as_seen.size)):
                self._losses.unopened(inode, path, as_seen, now)
        if self._at_end:
            self._at_end = False
            self._pass_over(now)
        # Before others are opened: of a sleeper that went, one of them may be a copy.
        for inode in self._asleep.keys() - self._found.found.keys():
            del self._asleep[inode]
        self._look_at_open(now)
        fresh = []
        for inode, (path, as_seen) in self._found.found.items():
            if inode in self.files:
                self.files[inode].moved_to(path, now)
            elif self._is_news(inode, str(path), as_seen, now):
                fresh.append((path, as_seen))
        self._let_go(now)
        self._open_all(fresh, now)
        self._remember(now)
        self._tell(now)

    def _look_at_open(self, now: float) -> None:
        """Close what became another content, or got a fingerprint: it is met as a new file."""
        for inode, file in list(self.files.items()):
            if inode not in self._found.found:
                file.moved_to(None, now)
            if not file.fingerprint:
                is_there = inode in self._found.found
                if is_there and file.size() > 0 and (file.turned_out_compressed or file.learn_fingerprint()):
                    self.files.pop(inode).close()
                elif not is_there and file.size() > 0 and not file.turned_out_compressed:
                    # Filled and moved out of sight since the last look; a copy of it may be what is there now.
                    file.learn_fingerprint()
            elif not file.is_same():
                log.warning(
                    "source %s: %s was emptied and is read from its start", self.source.name, fit_name(file.path)
                )
                self._emptied(file, now)
                self._losses.emptied(file, now)
                self.begin.waiting.look_again()
                self.files.pop(inode).close()

    def _is_news(self, inode: Inode, name: str, as_seen: Seen, now: float) -> bool:
        """Whether a file that is not open is to be opened: not one that sleeps, waits or failed, as it is."""
        if inode in self._asleep:
            if self._asleep[inode][0] == as_seen:
                return False
            del self._asleep[inode]
        if self.begin.waiting.holds(name, as_seen, now):
            return False
        failed, again = self._failed.get(name, (None, 0.0))
        return failed != as_seen or now >= again

    def _let_go(self, now: float) -> None:
        for inode, file in list(self.files.items()):
            if inode not in self._found.found and self.is_over(file, now) and not file.has_unfinished:
                self.files.pop(inode).close()

    def is_over(self, file: FollowedFile, now: float) -> bool:
        """Whether a file that was moved away or deleted, and read to its end, has been quiet long enough."""
        quiet = now - max(file.last_grown, file.moved_at)
        if quiet < LINGER_SECONDS or not file.is_read:
            return False
        return quiet >= QUIET_SECONDS or file.is_put_by or file.moved or is_put_by(file.path, self._found.names)

    def _remember(self, now: float) -> None:
        """Since when files are gone; and nothing more of names that are."""
        for name in [name for name in self._failed if name not in self._found.names]:
            del self._failed[name]
        self.begin.waiting.keep_only(self._found.names)
        self.known.remember(self.begin.followed(), now)

    def _tell(self, now: float) -> None:
        """What is amiss with what was found."""
        self._losses.tell(self._found, now)
        for directory, reason in self._found.closed.items():
            self._troubles.has("unreadable", directory, now, f"this directory cannot be looked into: {reason}")
        self._troubles.keep_only("unreadable", {*self._failed, *self._found.closed})

    # -- opening ----------------------------------------------------------------------------------------------------

    def _open_all(self, fresh: list[tuple[Path, Seen]], now: float) -> None:
        """Open new files as far as there is room, making some."""
        wanted = len(fresh) - (MOST_OPEN - len(self.files))
        if wanted > 0:
            for file in self.oldest_first()[: min(wanted, MOST_OPEN // 2)]:
                self._let_sleep(file)
        catching_up = sum(not file.reached_end for file in self.files.values())
        room = MOST_OPEN - len(self.files)
        if self._in_order:
            self._choice = in_order(fresh, room)
        else:
            self._choice = choose(fresh, self._found.newest, room, MOST_OPEN // 2 - catching_up)
        for path, as_seen in self._choice.now:
            self._open(path, as_seen, now)

    def _let_sleep(self, file: FollowedFile) -> None:
        """Close a file if it was read to its end; what was read of it is committed by now."""
        if file.reached_end and not file.held.size and (not file.fingerprint or file.identity in self.known):
            self._asleep[file.inode] = file.seen() if file.is_read else _CHANGED, file.identity
            self.files.pop(file.inode).close()

    def _open(self, path: Path, as_seen: Seen, now: float) -> None:
        file = None
        try:
            file = FollowedFile(self.source.name, path, now, self._skip)
            follow = file.inode not in self.files and self.begin.at_its_place(file, as_seen, self._found, now)
        except (OSError, InputError) as error:
            if file is not None:
                file.close()
            self._has_failed(path, as_seen, error, now)
            return
        self._failed.pop(str(path), None)
        if not follow:
            file.close()
            return
        self._losses.opened(file)
        self.files[file.inode] = file

    def _has_failed(self, path: Path, as_seen: Seen, error: Exception, now: float) -> None:
        """Content that is damaged is so until it changes; what the machine refuses may go by itself."""
        damaged = isinstance(error, InputError)
        self._failed[str(path)] = as_seen, float("inf") if damaged else now + RETRY_SECONDS
        told = error.problem if isinstance(error, InputError) else f"cannot be read: {error}"
        self._troubles.has("unreadable", str(path), now, told)

    def _pass_over(self, now: float) -> None:
        """Begin behind what is there: it was there before anybody asked for it."""
        for path, as_seen in self._found.found.values():
            try:
                self.begin.at_the_end(path, as_seen, now)
            except (OSError, InputError) as error:
                self._has_failed(path, as_seen, error, now)

    def set_aside(self, file: FollowedFile, error: Exception, now: float) -> None:
        """Let go of a file that could not be read, until it changes or the machine may give it again."""
        self._has_failed(file.path, file.seen(), error, now)
        self.files.pop(file.inode, None)
        file.close()

    # -- keeping ----------------------------------------------------------------------------------------------------

    def kept(self, positions: Iterable[Position]) -> None:
        """These positions were committed."""
        for position in positions:
            self.known.keep(position)
            self.begin.placed.pop(position.identity, None)

    def rewind(self, now: float) -> None:
        """Nothing was committed: read again from the last checkpoint, also what was set aside since."""
        self._failed.clear()
        for file in list(self.files.values()):
            position = self.known.get(file.identity)
            try:
                if position is None:
                    file.begin_again()
                elif not file.resume(position):  # emptied meanwhile
                    self.files.pop(file.inode).close()
            except (InputError, OSError) as error:
                self.set_aside(file, error, now)

    def set_back(self, now: float) -> None:
        """The clock was set back: nothing was later than now, and nothing is put off for longer than it was to be."""
        self._failed = {name: (as_seen, min(again, now + RETRY_SECONDS) if again < float("inf") else again)
                        for name, (as_seen, again) in self._failed.items()}  # fmt: skip
        for file in self.files.values():
            file.last_grown, file.moved_at = min(file.last_grown, now), min(file.moved_at, now)
            file.read_at = min(file.read_at, now)
            file.held_since = None if file.held_since is None else min(file.held_since, now)

    # -- what there is ----------------------------------------------------------------------------------------------

    def oldest_first(self) -> list[FollowedFile]:
        """The open files, the one written to longest ago first."""
        return sorted(self.files.values(), key=lambda file: (file.modified(), str(file.path)))

    def not_opened(self) -> Iterable[tuple[Path, int]]:
        """Files that wait to be opened, with their sizes, the newest first."""
        return ((path, as_seen.size) for path, as_seen in self._choice.later)

    def closed(self) -> Iterator[tuple[Position, bool]]:
        """Files that are known and not open, the last that grew first, and whether they are there."""
        opened = {file.identity for file in self.files.values()}
        asleep = {identity for _, identity in self._asleep.values()}
        for position in self.known:
            if position.identity not in opened:
                yield position, position.identity in asleep

    def close(self) -> None:
        """Let all files go."""
        for file in self.files.values():
            file.close()
