"""The processes of one machine: started together, started again when one dies, stopped together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from pharmapulse.process import PARENT_VARIABLE
from pharmapulse.wiring import ORIGIN_VARIABLE

log = logging.getLogger(__name__)

# Whoever stops us waits for it. A process that is in the midst of long work, as the collector of a first start, is
# cut short after so long: nothing is lost or doubled by that, at any moment.
STOP_SECONDS = 4.0
LOOK_SECONDS = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# A process that ran so long had started well: the next pause is the first again.
WELL_SECONDS = 60.0


class Child:
    """One process: its arguments, and when it may be started again."""

    def __init__(self, name: str, arguments: Sequence[str]) -> None:
        self.name, self.arguments = name, arguments
        self.process: subprocess.Popen[bytes] | None = None
        self.started, self.starts = 0.0, 0
        self.pause = FIRST_PAUSE
        self.start_after = 0.0


class Supervisor:
    """Keeps children running. `start` may be called while others run already."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        # Children hold the read end; when this process goes, however it goes, they see the end of it.
        self._read_end, self._write_end = os.pipe()
        os.set_inheritable(self._read_end, True)
        self._environment: Mapping[str, str] = {
            **os.environ,
            PARENT_VARIABLE: str(self._read_end),
            ORIGIN_VARIABLE: os.environ.get(ORIGIN_VARIABLE, repr(time.time())),
        }

    def start(self, name: str, *arguments: str) -> None:
        """Start `pharmapulse NAME ARGUMENTS` and keep it running."""
        child = Child(name, [sys.executable, "-m", "pharmapulse", name, *arguments])
        self._children.append(child)
        self._spawn(child)

    def run(self, stop: threading.Event) -> int:
        """Watch the children until `stop` is set; 2 when one refuses its configuration at its first start, else 0."""
        while not stop.wait(LOOK_SECONDS):
            code = self.look()
            if code is not None:
                return code
        return 0

    def look(self) -> int | None:
        """Start again what has died; an exit code when going on makes no sense."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.start_after:
                    self._spawn(child)
                continue
            code = child.process.poll()
            if code is None:
                continue
            child.process = None
            if code == 2 and child.starts == 1:
                return 2  # it has said what is wrong with the configuration; starting again cannot mend that
            child.pause = FIRST_PAUSE if now - child.started > WELL_SECONDS else min(child.pause * 2, LONGEST_PAUSE)
            child.start_after = now + child.pause
            log.warning("%s ended with %s and starts again in %.0f s", child.name, code, child.pause)
        return None

    def stop(self) -> None:
        """Stop the children, the last started first, and wait for them."""
        running = [(child.name, child.process) for child in reversed(self._children) if child.process is not None]
        for _, process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for name, process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.info("%s is in the midst of its work and is cut short; the next start goes on from there", name)
                process.kill()
                process.wait()
        os.close(self._write_end)
        os.close(self._read_end)

    def _spawn(self, child: Child) -> None:
        child.started = time.monotonic()
        child.starts += 1
        # A session of its own: Ctrl-C on the terminal reaches the supervisor, which stops the rest in order.
        child.process = subprocess.Popen(  # noqa: S603 (our own command)
            child.arguments, env=self._environment, pass_fds=(self._read_end,), start_new_session=True
        )
