"""What every long-running process of ours does alike: logs, signals, and not outliving its supervisor."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

# The read end of a pipe that the supervisor never writes to: its end tells that the supervisor is gone.
PARENT_VARIABLE = "PHARMAPULSE_PARENT_FD"


def set_up_logs(name: str) -> None:
    """Our own log on standard error: time, process, level, message. Never a line of a watched file."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s {name} %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )  # fmt: skip
    # Migrations tell every plug-in they load; what they change is told by the store.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def allow_many_files() -> None:
    """Let this process hold as many files open as it may: 1,024, the usual beginning, is a few sources' logs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def stop_event() -> threading.Event:
    """An event that SIGTERM, SIGINT or the supervisor's end sets."""
    stop = threading.Event()

    def told(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    watch_parent()
    return stop


def watch_parent() -> None:
    """Send this process SIGTERM once the one that started it is gone: the supervisor, or the parent it works for."""
    number = os.environ.pop(PARENT_VARIABLE, "")
    parent = multiprocessing.parent_process()
    if number:
        _watch(lambda: os.read(int(number), 1))
    elif parent is not None:
        _watch(parent.join)


def _watch(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
