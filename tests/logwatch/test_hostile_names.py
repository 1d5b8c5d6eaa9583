"""Names of files are made by others: no patient, no control character and nothing that is no text gets out of them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec
import pytest

from domain.redact import has_patient
from domain.wire import decode_batch, encode_heartbeat
from logwatch.status import encode, running
from pharmapulse.logs import mask_records
from tests.logwatch.watching import Site, call, calls

PATIENT = "50010199928"
ODD = f"calls-{PATIENT}\n2026 ERROR forged \x1b[2J\udcff.log"


def stored(directory: Path) -> bytes:
    """Every byte of the outbox and the spool."""
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file() and "logs" not in path.parts)


def test_a_name_with_a_patient_or_of_no_encoding_is_told_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mask_records()
    with Site(tmp_path) as site, caplog.at_level(logging.INFO):
        file = site.append(ODD, calls(0, 5))
        site.append(f"{ODD}.damaged.gz", b"\x1f\x8b\x08garbage that is none")
        site.settle()
        # Emptied before all of it was read: what is told of it tells its name, too.
        file.write_bytes(b"")
        site.settle()
        site.append(ODD, call(7))
        os.truncate(file, 0)
        for _ in range(3):
            site.tick(61)
        beat = site.heartbeat()
        status = encode(running("agent", site.agent.stats, site.clock.now()))
        positions = list(site.outbox.positions())
        sent = [decode_batch(arrival.payload).positions for arrival in site.receiver.arrivals()]
    assert {one.kind for one in beat.sources[0].troubles} >= {"unreadable"}
    told = [encode_heartbeat(beat), status, msgspec.json.encode((positions, sent)), caplog.text.encode()]
    for data in told:
        assert b"calls-" in data
        text = data.decode()
        assert not has_patient(text)
        assert "\\u001b" not in text and "\x1b" not in text and "forged" in text
        assert "\n2026 ERROR" not in text and "\\n2026" not in text
    assert PATIENT.encode() not in stored(tmp_path)
