from __future__ import annotations

import pytest

from domain.codes import CONTINUITY_CODES, SHIPPED, judge


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("TIP_200", None, ("ok", "", True)),
        ("tip_assuralia_message_sent", None, ("ok", "", True)),
        ("PCDH_EHEALTH_CONNECTION_ERROR", 200, ("technical", "ehealth", True)),
        ("SOA-02001", None, ("technical", "ehealth", True)),
        ("SOA-01002", None, ("functional", "pharmacy", True)),
        ("ERR4000081", 500, ("technical", "hub", False)),
        ("ERR4000081", 400, ("functional", "pharmacy", False)),
        ("ERR4000081", 200, ("ok", "", False)),
        ("ERR4000081", None, ("functional", "", False)),
        ("503", 503, ("technical", "hub", True)),
        ("404", 404, ("functional", "pharmacy", True)),
        ("", 200, ("ok", "", True)),
        ("", 502, ("technical", "hub", True)),
        ("", None, ("ok", "", True)),
    ],
)
def test_a_code_is_judged(code: str, status: int | None, expected: tuple[str, str, bool]) -> None:
    judged = judge(code, status)
    assert (judged.klass, judged.side, judged.known) == expected


def test_the_codes_of_the_continuity_plan_are_known() -> None:
    assert set(SHIPPED) >= CONTINUITY_CODES
