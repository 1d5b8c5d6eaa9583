"""Many threads, one commit: what they bring while a commit is under way goes together into the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
MOST_AT_ONCE = 500


class GroupCommit(Generic[T, R]):
    """One thread that commits what others bring. `commit` gives one result for each item, or raises for them all."""

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[R]], name: str, most: int = MOST_AT_ONCE) -> None:
        self._commit, self._most = commit, most
        self._queue: SimpleQueue[tuple[T, Future[R]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, item: T) -> R:
        """Commit an item with those of others; its result, once it is durable. Raises what `commit` raises."""
        done: Future[R] = Future()
        self._queue.put((item, done))
        return done.result()

    def close(self) -> None:
        """Commit what was brought, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            first = self._queue.get()
            more = first is not None
            waiting = [] if first is None else [first]
            while more and len(waiting) < self._most and not self._queue.empty():
                entry = self._queue.get()
                more = entry is not None
                if entry is not None:
                    waiting.append(entry)
            if waiting:
                self._together(waiting)

    def _together(self, waiting: Sequence[tuple[T, Future[R]]]) -> None:
        try:
            results = self._commit([item for item, _ in waiting])
        except BaseException as error:  # noqa: BLE001 (handed to those who wait, each of whom raises it)
            for _, done in waiting:
                done.set_exception(error)
            return
        for (_, done), result in zip(waiting, results, strict=True):
            done.set_result(result)
