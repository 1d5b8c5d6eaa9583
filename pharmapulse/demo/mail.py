"""The demo's mailbox: an SMTP server on this machine that keeps each mail as a file."""

from __future__ import annotations

import logging
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.errors import UsageError
from store.files import write_durably

log = logging.getLogger(__name__)


class _Keeper:
    """Writes what arrives into a directory: `0001.eml` and so on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._aside = directory / "unfinished"
        self._aside.mkdir(parents=True, exist_ok=True)
        numbers = [int(file.stem) for file in directory.glob("*.eml") if file.stem.isdigit()]
        self._last = max(numbers, default=0)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep one mail."""
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        self._last += 1
        path = self._directory / f"{self._last:04d}.eml"
        try:
            write_durably(path, data, self._aside)
        except OSError as error:
            log.warning("%s: a mail cannot be kept (%s)", path, error.strerror or error)
            return "452 no room for this mail; try again"
        log.info("a mail arrived: %s", path)
        return "250 kept"


class Mailbox:
    """The server, from `start` to `stop`, on 127.0.0.1."""

    def __init__(self, directory: Path, port: int) -> None:
        """Make the directory. Raises OSError."""
        self._port = port
        self._controller = Controller(_Keeper(directory), hostname="127.0.0.1", port=port)

    def start(self) -> None:
        """Listen. Raises UsageError where the port cannot be had."""
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # the server's own, which tells of each line it hears
        try:
            self._controller.start()
        except OSError as error:
            raise UsageError(f"port {self._port}, for the demo's mails: {error.strerror or error}") from error

    def stop(self) -> None:
        """Listen no more."""
        self._controller.stop()
