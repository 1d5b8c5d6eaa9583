"""What every long-running process of ours does alike: logs, signals, and not outliving its supervisor."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from types import FrameType

from pharmapulse import logs

# The read end of a pipe that the supervisor never writes to: its end tells that the supervisor is gone.
PARENT_VARIABLE = "PHARMAPULSE_PARENT_FD"
# What others may not do, and the group may not write.
_OTHERS = 0o027


def set_up_logs(name: str) -> None:
    """Our own log on standard error, without patients and never a line of a watched file; see `logs`."""
    logs.set_up(name)


def begin(name: str) -> None:
    """Set the logs up, and let files that this process makes be read by its user and group alone."""
    set_up_logs(name)
    os.umask(os.umask(_OTHERS) | _OTHERS)


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
