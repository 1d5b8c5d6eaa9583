"""Our own logs, on standard error: as text for people, or as JSON for machines; never with a patient's number.

Numbers are masked where a record is made, so that no handler of any library sees them: in the message, its arguments,
the text of exceptions and stacks. What a caller adds as extra fields is masked where JSON is written; text shows none.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

import msgspec

from domain.redact import mask_patients

_TEXT = "%(asctime)s {name} %(levelname)s %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%S%z"
# What every record has; whatever else it has was added by who logged it.
_ORDINARY = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"})
_log = logging.getLogger(__name__)


class OwnHandler(logging.StreamHandler[Any]):
    """Our handler on standard error, for the process `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.process = name
        self.write_as("text")

    def write_as(self, form: Literal["text", "json"]) -> None:
        """Write records in this form from now on."""
        own = _TEXT.format(name=self.process)
        self.setFormatter(JsonFormatter(self.process) if form == "json" else logging.Formatter(own, _TIME))


class JsonFormatter(logging.Formatter):
    """One object a line: `time` (RFC 3339), `level`, `process`, `logger`, `message`, `exception`, extra fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = mask_patients(self.formatException(record.exc_info))
        told = [text for text in (record.exc_text, record.stack_info) if text]
        if told:
            line["exception"] = "\n".join(told)
        for name, value in record.__dict__.items():
            if name not in _ORDINARY and name not in line:
                line[name] = _masked(value)
        return msgspec.json.encode(line, enc_hook=str).decode()


def _masked(value: object) -> object:
    """An extra field's value: numbers as they are, unless they are a patient's, all else as text."""
    if value is None or isinstance(value, bool | float):
        return value
    text = str(value)
    masked = mask_patients(text)
    return value if isinstance(value, int) and masked == text else masked


def set_up(name: str) -> None:
    """Log as the process `name`, as text until the configuration is read. Where a log is set up, it stays."""
    mask_records()
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(OwnHandler(name))
        root.setLevel(logging.INFO)
        logging.captureWarnings(True)
    # Migrations tell every plug-in they load; what they change is told by the store.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def write_as(form: Literal["text", "json"]) -> None:
    """Write our log in the form of `site.logs`; without effect where no log of ours is set up."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, OwnHandler):
            handler.write_as(form)


def say(text: str, level: int = logging.INFO) -> None:
    """Tell whoever started this a line: as it is, or as a record where machines read what we write."""
    if any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers):
        _log.log(level, "%s", text)
    else:
        sys.stderr.write(f"pharmapulse: {mask_patients(text)}\n")


def mask_records() -> None:
    """Have every record of this process masked from now on."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _Masking):
        logging.setLogRecordFactory(_Masking(made))


class _Masking:
    """A factory of log records without patients."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        record = self._make(*args, **named)
        try:
            told = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # Arguments that do not fit the message: shown side by side, as logging itself would complain of them.
            told = f"{record.msg} {record.args}"
        # Made whole here: nothing is left to be put into it later.
        record.msg, record.args = mask_patients(told), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = mask_patients("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
        if record.stack_info:
            record.stack_info = mask_patients(record.stack_info)
        return record


def tell_uncaught() -> None:
    """Have what nobody caught told by our log, from the main thread and all others."""

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        _log.critical("ends by an error that nobody expected", exc_info=(kind, error, trace))

    def of_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is None or issubclass(told.exc_type, SystemExit):
            return
        name = "" if told.thread is None else told.thread.name
        caught = (told.exc_type, told.exc_value, told.exc_traceback)
        _log.critical("the thread %s ends by an error that nobody expected", name, exc_info=caught)

    def unraisable(told: sys.UnraisableHookArgs) -> None:
        if told.exc_value is not None:
            caught = (told.exc_type, told.exc_value, told.exc_traceback)
            _log.error("%s", told.err_msg or "an error that could not be raised", exc_info=caught)

    mask_records()
    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, unraisable
