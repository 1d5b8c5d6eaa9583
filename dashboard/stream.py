"""Server-sent events: one watcher asks the collector, any number of open pages hear that newer is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec

from domain.clock import EventWaker, Waker
from domain.errors import LiveUnavailableError
from domain.ports import LiveBuckets

ASK_SECONDS = 2.0
COMMENT_SECONDS = 15.0
_COMMENTS = 20  # after five quiet minutes a stream ends and the page opens a new one: no thread is held for ever
_GRID = 10


class Watch:
    """Asks for the watermark while somebody listens; tells when it passed another ten seconds.

    At most `limit` streams are open at once. `waker` paces the asking.
    """

    def __init__(self, live: LiveBuckets, limit: int, waker: Waker | None = None) -> None:
        self._live, self.limit = live, limit
        self.waker = EventWaker() if waker is None else waker
        self._changed = threading.Condition()
        self._open, self._asking = 0, False
        self._told: tuple[int, float | None] = (0, None)

    def open(self) -> Stream | None:
        """A stream of events, or None when too many are open."""
        with self._changed:
            if self._open >= self.limit:
                return None
            self._open += 1
            first, self._asking = not self._asking, True
            told = self._told
        if first:
            # Looked at before the stream begins: what moves from here on is told.
            seen = self._look()
            threading.Thread(target=self._ask, args=(seen,), name="watermark", daemon=True).start()
        return Stream(self, told)

    def close(self) -> None:
        """One stream ended."""
        with self._changed:
            self._open -= 1
        self.waker.wake()

    def newer(self, than: int) -> tuple[int, float | None] | None:
        """What was told after `than`, waiting for it; None when nothing came in COMMENT_SECONDS."""
        with self._changed:
            self._changed.wait_for(lambda: self._told[0] > than, COMMENT_SECONDS)
            return self._told if self._told[0] > than else None

    def _look(self) -> tuple[bool, float | None]:
        """Whether the collector answers, and its watermark."""
        try:
            return True, self._live.complete_up_to()
        except LiveUnavailableError:
            return False, None

    def _ask(self, last: tuple[bool, float | None]) -> None:
        while True:
            self.waker.wait(ASK_SECONDS)
            with self._changed:
                if self._open == 0:
                    self._asking = False
                    return
            seen = self._look()
            if _tens(seen) != _tens(last):
                last = seen
                with self._changed:
                    self._told = (self._told[0] + 1, seen[1])
                    self._changed.notify_all()


def _tens(seen: tuple[bool, float | None]) -> tuple[bool, int | None]:
    """What a page shows of it: to ten seconds."""
    return seen[0], None if seen[1] is None else int(seen[1] // _GRID)


class Stream:
    """The events of one open page. `close` (the server calls it) gives the place free, started or not."""

    def __init__(self, watch: Watch, told: tuple[int, float | None]) -> None:
        self._watch, self._last = watch, told[0]
        self._first, self._comments, self._closed = True, 0, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next piece of the stream: an event, or a comment that shows that the other end still listens."""
        if self._first:
            self._first = False
            return "retry: 5000\n\n"
        if self._comments >= _COMMENTS:
            raise StopIteration
        told = self._watch.newer(self._last)
        if told is None:
            self._comments += 1
            return ": nothing new\n\n"
        self._last = told[0]
        data = msgspec.json.encode({"complete_up_to": told[1]}).decode()
        return f"event: complete\ndata: {data}\n\n"

    def close(self) -> None:
        """Give the place free, once."""
        if not self._closed:
            self._closed = True
            self._watch.close()
