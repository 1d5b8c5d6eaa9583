"""The one tree of errors. Each says whether trying again can help (`retry`)."""

from __future__ import annotations


class PharmapulseError(Exception):
    """Root of every error this product raises on purpose.

    `retry` is True where the same action may succeed later without anybody's help
    (a full disk, a peer that is down) and False where somebody must mend something first.
    """

    retry = False


class UsageError(PharmapulseError):
    """A command was called wrongly: a wrong name, an unreadable or empty file. Exit code 2."""


class ConfigError(PharmapulseError):
    """A configuration file is wrong. Exit code 2.

    `file` is the file's path, `path` the place in it (`sources[0].format`), `mend` what to write instead.
    """

    def __init__(self, problem: str, *, file: str = "", path: str = "", mend: str = "") -> None:
        self.problem, self.file, self.path, self.mend = problem, file, path, mend
        place = ": ".join(part for part in (file, path) if part)
        text = f"{place}: {problem}" if place else problem
        super().__init__(f"{text}. {mend}" if mend else text)


class InputError(UsageError):
    """An input file cannot be used. Carries the file's path and what to do about it."""

    def __init__(self, file: str, problem: str, mend: str = "") -> None:
        self.file, self.problem, self.mend = file, problem, mend
        super().__init__(f"{file}: {problem}. {mend}" if mend else f"{file}: {problem}")


class WireError(PharmapulseError):
    """Bytes that should be a batch or a heartbeat are not, or are of a version we do not read."""


class TransportError(PharmapulseError):
    """A batch could not be handed over. The sender keeps it and tries again."""

    retry = True


class StoreError(PharmapulseError):
    """The ledger, the outbox or the state could not be read or written."""

    retry = True


class SeriesError(PharmapulseError):
    """A series file could not be read or written."""

    retry = True


class LiveUnavailableError(PharmapulseError):
    """The collector does not answer for its live buckets. Pages go on with what is written."""

    retry = True


class NotifyError(PharmapulseError):
    """Somebody could not be told. `retry` is False where the channel itself is wrong."""

    def __init__(self, problem: str, *, retry: bool = True) -> None:
        self.retry = retry
        super().__init__(problem)


class AccessError(PharmapulseError):
    """Somebody asked for what is not theirs to see or do."""
