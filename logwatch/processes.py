"""Work done by several processes at once, each forked from this one, so that nothing is imported twice."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_NUMBER = 8
_LARGEST_READ = 1 << 20

T = TypeVar("T")
Progress = Callable[[int], object]


def all_at_once(jobs: Sequence[Callable[[Progress], T]], progress: Progress) -> list[T | None]:
    """What the jobs give, in their order: the first is done by this process, each other one by a child of its own.

    A job tells its progress in amounts. None stands for a job that failed in a child: what was amiss there is told by
    doing it again here. Nothing but the job's result comes back from a child.
    """
    # One number a job that all processes see: how far it has come.
    done = mmap.mmap(-1, _NUMBER * len(jobs))
    children = [_fork(job, done, place) for place, job in enumerate(jobs[1:], 1)]
    try:
        told = 0

        def here(amount: int) -> None:
            nonlocal told
            _add(done, 0, amount)
            total = sum(_read(done, place) for place in range(len(jobs)))
            progress(total - told)
            told = total

        found: list[T | None] = [jobs[0](here)]
        found += [_result(child) for child in children]
        progress(sum(_read(done, place) for place in range(len(jobs))) - told)
        return found
    finally:
        for pid, pipe in children:
            os.close(pipe)
            if not _ended(pid):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        done.close()


def _fork(job: Callable[[Progress], Any], done: mmap.mmap, place: int) -> tuple[int, int]:
    """A child that does a job: its number, and where its result comes from."""
    result, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, result
    status = 1
    try:
        os.close(result)
        with os.fdopen(into, "wb") as out:
            pickle.dump(job(lambda amount: _add(done, place, amount)), out, protocol=pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        # Without the parent's handlers, buffers and tests: they are its own.
        os._exit(status)


def _result(child: tuple[int, int]) -> Any:
    """What a child gives; None where it failed."""
    pieces = []
    while piece := os.read(child[1], _LARGEST_READ):
        pieces.append(piece)
    _, status = os.waitpid(child[0], 0)
    return None if status else pickle.loads(b"".join(pieces))  # noqa: S301 (our own child's, of this very program)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _read(done: mmap.mmap, place: int) -> int:
    return int.from_bytes(done[place * _NUMBER : (place + 1) * _NUMBER], "little")


def _add(done: mmap.mmap, place: int, amount: int) -> None:
    done[place * _NUMBER : (place + 1) * _NUMBER] = (_read(done, place) + amount).to_bytes(_NUMBER, "little")
