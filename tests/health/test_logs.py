"""Our own logs: their two forms, and no patient in either, whoever logs."""

from __future__ import annotations

import argparse
import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from domain.redact import has_patient
from pharmapulse import logs
from pharmapulse.options import config_of
from pharmapulse.process import set_up_logs
from tests.cli.call import CONFIG
from tests.health.speaking import LOGGERS, PATIENTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["text", "json"])
def said(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The form, and all that the speaking process said."""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-m", "tests.health.speaking", request.param],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    return request.param, done.stderr


def test_no_patient_is_in_anything_that_was_said(said: tuple[str, str]) -> None:
    _, text = said
    assert not has_patient(text)
    assert not re.search(r"(5001019992|6402299997|0001019997|5021019997|7512319992)", re.sub(r"[ .\-/_]", "", text))
    # Each logger spoke, and what it said was masked rather than dropped.
    assert text.count("[patient]") > len(LOGGERS) * len(PATIENTS) * 3


def test_everything_was_said(said: tuple[str, str]) -> None:
    form, text = said
    for words in ("wrong arguments", "warned of [patient]", "Stack (most recent call last)",
                  "the thread Thread-1 (fail) ends by an error", "ends by an error that nobody expected"):  # fmt: skip
        assert words in text, words
    if form == "json":
        lines = [json.loads(line) for line in text.splitlines()]
        heard = {line["logger"] for line in lines}
        assert set(LOGGERS) <= heard
        assert "py.warnings" in heard
        last = lines[-1]
        assert (last["level"], last["process"]) == ("CRITICAL", "speaking")
        assert "KeyError: 'no such patient: [patient]'" in last["exception"]


def record(text: str, **extra: Any) -> dict[str, Any]:
    """A line of JSON as it is written."""
    stream = io.StringIO()
    handler = logs.OwnHandler("collector")
    handler.setStream(stream)
    handler.write_as("json")
    log = logging.Logger("store.ledger")
    log.addHandler(handler)
    log.warning(text, extra=extra)
    assert stream.getvalue().count("\n") == 1
    return dict(json.loads(stream.getvalue()))


def test_a_line_of_json() -> None:
    line = record("two\nlines", hub="dpp", calls=7, share=0.5, gone=None, path=Path("/x"))
    time = datetime.fromisoformat(line.pop("time"))
    assert time.tzinfo is not None
    assert line == {
        "level": "WARNING", "process": "collector", "logger": "store.ledger", "message": "two\nlines",
        "hub": "dpp", "calls": 7, "share": 0.5, "gone": None, "path": "/x",
    }  # fmt: skip


def test_an_extra_field_takes_no_place_of_ours() -> None:
    line = record("told", logger="root", time="never", level="none")
    assert (line["level"], line["message"]) == ("WARNING", "told")
    assert line["logger"] == "store.ledger"


@contextmanager
def own_root() -> Iterator[logging.Logger]:
    """The root logger without handlers, as in a process that has just begun."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_command_ends_by_is_in_the_form_of_the_log(form: str, tmp_path: Path) -> None:
    """An error that ends a command is what a reader of logs wants most."""
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG.replace("[site]", f'[site]\nlogs = "{form}"').replace('"data"', '"/proc/50010199928"'))
    call = [sys.executable, "-m", "pharmapulse", "logwatch", "--once", "--config", str(file)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert not has_patient(line)
    if form == "json":
        told = json.loads(line)
        assert (told["level"], told["process"]) == ("ERROR", "logwatch")
        assert "[patient]" in told["message"]
    else:
        assert line.startswith("pharmapulse: ")


def test_the_form_is_switched_once_the_configuration_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG.replace("[site]", '[site]\nlogs = "json"'))
    with own_root() as root:
        set_up_logs("collector")
        (handler,) = root.handlers
        assert not isinstance(handler.formatter, logs.JsonFormatter)
        config_of(argparse.Namespace(config=str(file)))
        assert isinstance(handler.formatter, logs.JsonFormatter)
        set_up_logs("collector")
        assert root.handlers == [handler]
