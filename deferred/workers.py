"""Threads that hand calls over, and that a process which ends does not wait for.

Those of `concurrent.futures` are joined before a process ends: a target that takes calls and never answers would keep
the drain alive, and its lock, long after it was told to stop. What is under way then is sent again by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Workers:
    """A fixed number of threads for work that raises nothing."""

    def __init__(self, many: int, name: str) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closed = False
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(many)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], None], /) -> None:
        """Run it as soon as a thread is free."""
        self._work.put(work)

    def close(self) -> None:
        """Let each thread end after what it is at; what waits is dropped, and nothing is waited for."""
        self._closed = True
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None and not self._closed:
            work()
