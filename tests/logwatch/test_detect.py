"""Finding a log's format out: most events win; few are enough only where most of the log makes sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from logwatch.catalog import shipped
from logwatch.detect import detect, understood
from tests.logwatch.some import NOW, bounded
from tests.logwatch.test_golden import GOLDEN

EVENT = "[2026-11-22 10:36:12,123] [ERROR] [main] [state.change.logger] - failed\n"
_STEPS = "".join(f"    at kafka.controller.Machine.step(Machine.scala:{n})\n" for n in range(30))
TRACE = f"kafka.common.Failed: no leader\n{_STEPS}"
PROSE = "".join(f"Of what came to pass on that day {n} nothing more is known to us.\n" for n in range(31))


def found(text: str) -> str:
    """The format that a text is found to be of."""
    return detect("x.log", text.encode(), shipped(), NOW)


def test_a_log_of_few_long_events_is_found_out() -> None:
    assert found((EVENT + TRACE) * 2) == "kafka-brackets"
    printed = (
        '{\n "time": "2026-11-22T09:36:12Z",\n "type": "response",\n "request": {\n  "operation": "read",\n'
        '  "path": "a"\n }\n}\n'
    )
    asked = printed.replace("response", "request")
    assert found((asked + printed) * 3 + asked * 40) == "vault-audit"


def test_prose_behind_an_event_or_two_is_no_log() -> None:
    for event in (EVENT, "2026-11-22 10:36:12.123 [main] ERROR be.example.Router - no answer\n"):
        with pytest.raises(InputError, match="no known format reads a tenth") as error:
            found(event + PROSE)
        assert error.value.args[0].count(" lines)") == 3


def test_continuations_without_an_event_are_nothing() -> None:
    with pytest.raises(InputError):
        found(TRACE * 3)
    assert understood(TRACE.encode(), shipped()["kafka-brackets"], "kafka-brackets", NOW) == 0


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60), min_size=1, max_size=40))
@bounded(25)
def test_garbage_is_of_no_format(lines: list[str]) -> None:
    if any(line.strip() for line in lines):
        with pytest.raises(InputError):
            found("\n".join(lines))


_OWN = ["access", "hub-tip", "traefik", "java-logback", "vault-audit", "hub-calls", "syslog-rfc3164"]


@pytest.mark.parametrize("name", _OWN)
def test_a_formats_own_log_is_found_to_be_of_it(name: str) -> None:
    for log in sorted((GOLDEN / name).glob("*.log")):
        assert found(log.read_text()) == name
