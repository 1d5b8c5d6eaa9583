"""Server-sent events: one watcher asks the collector and the state, any number of open pages hear what is new.

Two kinds: `complete` says that newer figures are there, `incident` what became of one. The latter carries the number
of its journal entry as the event's id, so that a page that comes back is told what it missed, and nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from dashboard.news import News
from domain.clock import EventWaker, Waker
from domain.errors import LiveUnavailableError, StoreError
from domain.ports import LiveBuckets

ASK_SECONDS = 2.0
COMMENT_SECONDS = 15.0
_COMMENTS = 20  # after five quiet minutes a stream ends and the page opens a new one: no thread is held for ever
_GRID = 10

# What a page is told that heard everything up to an entry; read as whoever opened the page may.
Tell = Callable[[int], Sequence[News]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the watcher saw: whether the collector answers, its watermark, the newest journal entry of incidents."""

    answers: bool
    complete: float | None
    entry: int

    @property
    def shown(self) -> tuple[bool, int | None]:
        """What a page shows of the collector: to ten seconds."""
        return self.answers, None if self.complete is None else int(self.complete // _GRID)


class Watch:
    """Looks while somebody listens, and wakes the streams.

    It does when the watermark passed another ten seconds, and when an incident has a new entry in its journal.
    At most `limit` streams are open at once. `newest` gives the number of the newest journal entry; `waker` paces
    the asking.
    """

    def __init__(
        self, live: LiveBuckets, limit: int, waker: Waker | None = None, newest: Callable[[], int] = lambda: 0
    ) -> None:
        self._live, self.limit, self._newest = live, limit, newest
        self.waker = EventWaker() if waker is None else waker
        self._changed = threading.Condition()
        self._open, self._asking = 0, False
        self._told: tuple[int, Seen] = (0, Seen(False, None, 0))

    def open(
        self, after: int | None = None, tell: Tell = lambda _after: (), still: Callable[[], bool] = lambda: True
    ) -> Stream | None:
        """A stream of events for a page that heard of incidents up to entry `after` (None: up to now).

        It ends where whoever opened it is `still` allowed no more. None when too many are open.
        """
        with self._changed:
            if self._open >= self.limit:
                return None
            self._open += 1
            first, self._asking = not self._asking, True
            number, seen = self._told
        if first:
            # Looked at before the stream begins: what moves from here on is told.
            seen = self._look(seen)
            with self._changed:
                self._told = (number, seen)
            threading.Thread(target=self._ask, args=(seen,), name="watermark", daemon=True).start()
        return Stream(self, number, seen, seen.entry if after is None else after, tell, still)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._open

    def close(self) -> None:
        """One stream ended."""
        with self._changed:
            self._open -= 1
        self.waker.wake()

    def newer(self, than: int) -> tuple[int, Seen] | None:
        """What was seen after `than`, waiting for it; None when nothing came in COMMENT_SECONDS."""
        with self._changed:
            self._changed.wait_for(lambda: self._told[0] > than, COMMENT_SECONDS)
            return self._told if self._told[0] > than else None

    def _look(self, before: Seen) -> Seen:
        try:
            answers, complete = True, self._live.complete_up_to()
        except LiveUnavailableError:
            answers, complete = False, None
        try:
            entry = self._newest()
        except StoreError:
            # The page itself says what is wrong with the state; here the next look may find it again.
            entry = before.entry
        return Seen(answers, complete, entry)

    def _ask(self, last: Seen) -> None:
        while True:
            self.waker.wait(ASK_SECONDS)
            with self._changed:
                if self._open == 0:
                    self._asking = False
                    return
            seen = self._look(last)
            if seen.shown != last.shown or seen.entry != last.entry:
                last = seen
                with self._changed:
                    self._told = (self._told[0] + 1, seen)
                    self._changed.notify_all()


class Stream:
    """The events of one open page. `close` (the server calls it) gives the place free, started or not."""

    def __init__(
        self, watch: Watch, number: int, seen: Seen, after: int, tell: Tell, still: Callable[[], bool]
    ) -> None:  # fmt: skip
        self._still = still
        self._watch, self._number, self._shown, self._tell = watch, number, seen.shown, tell
        self._after, self._entry = after, seen.entry
        self._first, self._comments, self._closed = True, 0, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next piece of the stream: events, or a comment that shows that the other end still listens."""
        if self._first:
            self._first = False
            return f"retry: 5000\n\n{self._incidents(self._entry)}"
        if self._comments >= _COMMENTS:
            raise StopIteration
        told = self._watch.newer(self._number)
        if not self._still():
            raise StopIteration
        if told is None:
            self._comments += 1
            return ": nothing new\n\n"
        self._number, seen = told
        events = self._incidents(seen.entry)
        if seen.shown != self._shown:
            self._shown = seen.shown
            events += f"event: complete\ndata: {_data({'complete_up_to': seen.complete})}\n\n"
        # A new entry of a hub that is not this page's business, or one nobody is told of.
        return events or ": nothing for this page\n\n"

    def _incidents(self, entry: int) -> str:
        """The events of incidents up to the newest entry; none while the state cannot be read."""
        if entry <= self._after:
            return ""
        try:
            found = self._tell(self._after)
        except StoreError:
            return ""
        self._after = max([entry, *(one.entry for one in found)])
        return "".join(f"id: {one.entry}\nevent: incident\ndata: {_data(one)}\n\n" for one in found)

    def close(self) -> None:
        """Give the place free, once."""
        if not self._closed:
            self._closed = True
            self._watch.close()


def _data(body: object) -> str:
    return msgspec.json.encode(body).decode()
