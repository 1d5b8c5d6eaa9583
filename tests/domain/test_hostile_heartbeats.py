"""What an agent says of itself is believed within bounds: what is beyond is refused where it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.batch import Accounting, Heartbeat, RecentLine, SourceState, Trouble
from domain.errors import WireError
from domain.wire import WIRE_VERSION, decode_heartbeat, encode_heartbeat

LINE = RecentLine(at_us=1, hub="dpp", endpoint="op", code="", klass="ok", text="a", source="calls")
TROUBLE = Trouble(kind="absent", file="", since=1.0)
BEAT = Heartbeat(
    version=WIRE_VERSION, agent="agent", incarnation="a" * 16, sequence=1, at=1.0, recent=(LINE,),
    sources=(SourceState(source="calls", watermark=1.0, accounting=Accounting(), troubles=(TROUBLE,)),),
)  # fmt: skip


def put(place: str, value: object) -> bytes:
    """The heartbeat with another value at a place such as `sources.0.watermark`."""
    whole: Any = json.loads(encode_heartbeat(BEAT))
    inside = whole
    *way, last = place.split(".")
    for step in way:
        inside = inside[int(step) if step.isdigit() else step]
    inside[last] = value
    return json.dumps(whole).encode()


def test_one_within_bounds_is_read() -> None:
    assert decode_heartbeat(encode_heartbeat(BEAT)) == BEAT


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("at", 1e300),
        ("at", -1e300),
        ("sequence", 10**30),
        ("agent", "a" * 1_001),
        ("sources", [{"source": "x", "watermark": None, "accounting": {}}] * 10_001),
        ("sources.0.watermark", 1e18),
        ("sources.0.skew_seconds", 1e308),
        ("sources.0.accounting", {"events": 10**400}),
        ("sources.0.unknown_codes", {f"code{place}": 1 for place in range(501)}),
        ("sources.0.unknown_codes", {"c" * 1_001: 1}),
        ("sources.0.unknown_codes", {"c": 2**63}),
        ("sources.0.troubles.0.since", 1e300),
        ("sources.0.troubles.0.kind", "odd"),
        ("sources.0.troubles.0.detail", "d" * 10_001),
        ("sources.0.troubles", [{"kind": "absent", "file": "", "since": 1.0}] * 101),
        ("recent.0.at_us", 10**18),
        ("recent.0.at_us", -(10**18)),
        ("recent.0.klass", "odd"),
        ("recent.0.text", "t" * 1_001),
        ("recent.0.code", "c" * 1_001),
        ("recent", [json.loads(encode_heartbeat(BEAT))["recent"][0]] * 1_001),
    ],
)
def test_one_beyond_bounds_is_refused(place: str, value: object) -> None:
    with pytest.raises(WireError, match="not a heartbeat"):
        decode_heartbeat(put(place, value))
