"""A process that lets every library's logger tell of a patient, and ends by an error that nobody caught.

Called as `python -m tests.health.speaking text|json`.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings

from gunicorn.config import Config

from pharmapulse import logs
from pharmapulse.gunicorn_log import GunicornLog
from pharmapulse.process import set_up_logs

LOGGERS = (
    "alembic.runtime.migration", "alerts.service", "apprise", "asyncio", "collector.service", "dashboard", "deferred",
    "flask.app", "gunicorn.error", "logwatch.agent", "mail.log", "pika.adapters", "sqlalchemy.engine", "store.ledger",
    "transport.spool", "urllib3.connectionpool", "waitress", "waitress.queue", "werkzeug",
)  # fmt: skip
# As numbers stand in lines: bare, glued to a word, with separators, in an address, born from 2000, BIS.
PATIENTS = ("50010199928", "PatientId50010199928Type", "50.01.01-999.28", "/subject/64022999971/", "00010199974",
            "50210199971")  # fmt: skip


class Patient:
    """Something that tells a patient's number when it is told."""

    def __str__(self) -> str:
        return "patient 75123199921"


def fail(number: str) -> None:
    """Fail with a number in the error and in the error behind it."""
    try:
        int(f"x{number}")
    except ValueError as error:
        raise KeyError(f"no such patient: {number}") from error


def main() -> None:
    """Speak."""
    set_up_logs("speaking")
    logs.tell_uncaught()
    logs.write_as("json" if sys.argv[1] == "json" else "text")
    GunicornLog(Config())
    for name in LOGGERS:
        log = logging.getLogger(name)
        for number in PATIENTS:
            log.warning(f"said {number}")
            log.warning("argument %s of %d", number, 50010199928)
            log.warning("named %(who)s", {"who": number})
            log.warning("extra", extra={"patient": number, "number": 50010199928, "line": 7})
        log.error("object %s %r", Patient(), [50010199928])
        log.warning("wrong arguments %d", "50010199928")
        try:
            fail("50010199928")
        except KeyError:
            log.exception("exception")
        log.warning("stack", stack_info=True)
    warnings.warn("warned of 50010199928", stacklevel=1)
    thread = threading.Thread(target=fail, args=("64022999971",))
    thread.start()
    thread.join()
    fail("50.01.01-999.28")


if __name__ == "__main__":
    main()
