"""The drain's threads: what waits is dropped at the end, and a thread that hangs keeps nobody from ending."""

from __future__ import annotations

import subprocess
import sys
import threading

from deferred.workers import Workers

HANGS = """
import threading
from deferred.workers import Workers
begun, never = threading.Event(), threading.Event()
workers = Workers(2, "to-hub")
workers.submit(lambda: (begun.set(), never.wait()))
begun.wait()
workers.close()
"""


def test_a_thread_that_hangs_does_not_keep_the_process_alive() -> None:
    subprocess.run([sys.executable, "-c", HANGS], check=True, timeout=60)


def test_what_waits_is_dropped_at_the_end() -> None:
    done: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def hang() -> None:
        done.append(1)
        begun.set()
        go.wait(30)

    workers = Workers(1, "to-hub")
    workers.submit(hang)
    workers.submit(lambda: done.append(2))
    assert begun.wait(30)
    workers.close()
    go.set()
    for thread in workers._threads:
        thread.join(30)
    assert done == [1]
