"""The site key: what patients' numbers are hashed under, one key a day, destroyed after seven days.

A file holds one day and the secret of that day. The next day's secret follows from it (HMAC-SHA256) and never the
other way round, so agents that begin with copies of one file agree on every later day without asking each other.
What a day's numbers are hashed under is derived from its secret likewise. With each new day the file moves forward:
it is written anew seven days behind today, and the old one is overwritten. What it knew of earlier days nobody can
derive any more; lines of those days are counted without their patients.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from domain.clock import Clock
from domain.errors import ConfigError, StoreError
from domain.patients import KEY_BYTES
from store.files import sync_directory, wipe_file

KEPT_DAYS = 7
SECRET_BYTES = 32
# A clock that is wrong, or a line that is, must not make it derive for ever. Lines of tomorrow are not counted at all.
MOST_AHEAD = 366
DAY = 86_400
RETRY_SECONDS = 60.0
_LINE = re.compile(r"pharmapulse-site-key-1 (\d{4}-\d{2}-\d{2}) ([A-Za-z0-9+/=]{44})\n")
_EPOCH = date(1970, 1, 1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A day (since 1970, UTC) and its secret."""

    day: int
    secret: bytes

    def forward(self, day: int) -> SiteKey:
        """The secret of a day that is not before this one."""
        secret = self.secret
        for _ in range(day - self.day):
            secret = hmac.digest(secret, b"next", hashlib.sha256)
        return SiteKey(day, secret)

    def key(self) -> bytes:
        """What the day's patients are hashed under; the secret does not follow from it."""
        return hmac.digest(self.secret, b"patients", hashlib.sha256)[:KEY_BYTES]

    def encode(self) -> bytes:
        """The content of a file."""
        day = _EPOCH + timedelta(days=self.day)
        return f"pharmapulse-site-key-1 {day} {base64.b64encode(self.secret).decode()}\n".encode()


def open_site_keys(path: Path, clock: Clock, *, make: bool) -> SiteKeys:
    """The keys in the file `path`; with `make` one is made where there is none. Raises ConfigError, StoreError."""
    try:
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            read_site_key(path)  # which says what to do
        with _alone(path):
            _wipe_left(path)  # of a process that was killed
            if make and not path.exists():
                _put(path, SiteKey(int(clock.now() // DAY) - KEPT_DAYS, secrets.token_bytes(SECRET_BYTES)))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
    keys = SiteKeys(path, clock)
    keys.move()
    return keys


def read_site_key(path: Path) -> SiteKey:
    """The day and secret that a file holds. Raises ConfigError naming the mend; nothing is changed."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no site key", file=str(path),
            mend="Copy the one of another agent (agent/site.key in its site.data), readable for this user alone",
        ) from error  # fmt: skip
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the site key cannot be read ({error})", file=str(path),
            mend="Give it to the user that runs pharmapulse, or copy that of another agent",
        ) from error  # fmt: skip
    if mode & 0o077:
        raise ConfigError(
            "others on this machine may read the site key", file=str(path), mend=f"Take that away: chmod 600 {path}"
        )
    match = _LINE.fullmatch(text)
    try:
        day = (date.fromisoformat(match[1]) - _EPOCH).days if match else 0
        secret = base64.b64decode(match[2], validate=True) if match else b""
    except (ValueError, binascii.Error):
        secret = b""
    if len(secret) != SECRET_BYTES:
        # What stands there may be a secret, also where it is damaged: it is not told.
        raise ConfigError(
            "holds no site key of a version that is read here", file=str(path),
            mend="Copy that of another agent; if all have lost it, remove it, and patients count from now on",
        )  # fmt: skip
    return SiteKey(day, secret)


class SiteKeys:
    """PatientKeys in a file. Threads and processes may share it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Raises ConfigError."""
        self._path, self._clock = path, clock
        self._lock = threading.Lock()
        self._first = read_site_key(path)
        self._known: dict[int, bytes] = {}
        self._failed: float | None = None

    def key_of(self, day: int) -> bytes | None:
        """The key of a day since 1970 (UTC); None once it is destroyed, and for one more than a year ahead."""
        oldest = self.move()
        if not oldest <= day <= oldest + KEPT_DAYS + MOST_AHEAD:
            return None
        with self._lock:
            if day < self._first.day:
                return None
            key = self._known.get(day)
            if key is None:
                key = self._known[day] = self._first.forward(day).key()
            return key

    def move(self) -> int:
        """Destroy what is older than seven days; the oldest day that may still be known.

        What fails is told, and tried again a minute later. Counting does not wait for it: what should be destroyed is
        not used any more, destroyed or not.
        """
        now = self._clock.now()
        oldest = int(now // DAY) - KEPT_DAYS
        with self._lock:
            if self._first.day < oldest and not (self._failed is not None and 0 <= now - self._failed < RETRY_SECONDS):
                try:
                    self._first, self._known, self._failed = self._moved(oldest), {}, None
                except (OSError, ConfigError) as error:
                    self._failed = now
                    _log.error("%s: patients' keys of past days are not destroyed yet: %s", self._path, error)
        return oldest

    def _moved(self, day: int) -> SiteKey:
        with _alone(self._path):
            there = read_site_key(self._path)
            if there.day >= day:
                return there  # another process that shares the file was here first
            moved = there.forward(day)
            _put(self._path, moved)
            return moved


def _put(path: Path, key: SiteKey) -> None:
    """Put a key into its file; what an older file there held is overwritten. Raises OSError; by one at a time."""
    _wipe_left(path)
    old, new = _beside(path)
    if path.exists():
        old.hardlink_to(path)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.encode())
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_directory(path.parent)
    _wipe_left(path)


def _wipe_left(path: Path) -> None:
    """Overwrite what is beside a key's file, also what a process left there that was killed. Raises OSError."""
    for left in _beside(path):
        if not left.exists():
            continue
        if path.exists() and left.samefile(path):
            left.unlink()  # it was to become the old one, and was not replaced
        else:
            wipe_file(left)


def _beside(path: Path) -> tuple[Path, Path]:
    """Where the old file is until it is overwritten, and the new one until it is whole."""
    return path.with_name(f"{path.name}.old"), path.with_name(f"{path.name}.new")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time, of those that share the file. Raises OSError."""
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
