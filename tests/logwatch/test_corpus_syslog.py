"""Real syslog gives what its origins say: Telegraf's frames and datagrams, Filebeat's files."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain.settings import Format, TimeField
from logwatch.catalog import shipped
from logwatch.kinds.haproxy import Haproxy
from logwatch.kinds.syslog import Syslog
from logwatch.moments import Moments
from logwatch.rows import EVENT
from logwatch.sorting import Sorter
from tests.logwatch.corpus import CORPUS, lines_of, pytestmark_corpus
from tests.logwatch.some import NOW, read_blocks

pytestmark = pytestmark_corpus

TELEGRAF = sorted(CORPUS.glob("syslog/telegraf/*/input.txt"))
FILEBEAT = sorted(CORPUS.glob("syslog/filebeat/system/*/*.log"))
UTC = Moments(TimeField(field="timestamp", zone="UTC"), ZoneInfo("UTC"), "time")
# What Telegraf gives where a line of a file cannot: see docs/corpus.md.
OTHERWISE = {
    "octet_counting_best_effort_tcp_1st_min_ok_2nd_min_ok", "octet_counting_strict_tcp_1st_min_ok_2nd_min_ok",
    "octet_counting_best_effort_tcp_1st_underflow_malfunction", "octet_counting_best_effort_tcp_1st_underflow_nok",
    "rfc5424_best_effort_udp_min_incomplete",
}  # fmt: skip
_TAG = re.compile(r",([a-z_]+)=((?:\\.|[^,\\ ])*)")
_FIELD = re.compile(r'([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([0-9]+)[iu]|(true))(?:,| |$)', re.DOTALL)


def told(text: str) -> list[dict[str, str]]:
    """The events of Telegraf's line protocol, their values as text."""
    events = []
    for line in re.split(r"\n(?=syslog,)", text.strip()):
        head, _, rest = line.partition(" ")
        event = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _TAG.findall(head) if name != "source"}
        for name, quoted, number, true in _FIELD.findall(rest):
            event[name] = re.sub(r"\\(.)", r"\1", quoted.replace("\\n", "\n")) or number or true
        events.append(event)
    return events


def ours(line: str, expected: dict[str, str]) -> dict[str, str] | None:
    """What the kind gives under Telegraf's names."""
    fields = Syslog().fields(line)
    if fields is None:
        return None
    found = {name: fields.get(name, "") for name in ("appname", "facility", "hostname", "severity", "message")}
    found |= {name: fields.get(name, "") for name in ("msgid", "procid", "version")}
    facility, severity = divmod(int(fields["priority"]), 8)
    found |= {"facility_code": str(facility), "severity_code": str(severity)}
    moment = UTC.read(fields["timestamp"], NOW)
    found["timestamp"] = "" if moment is None else str(moment[0] * 1_000)
    if fields["timestamp"].startswith("Dec") and moment is not None:
        # No year is written; they took the year of their test's day, which is a month ahead of ours.
        their = datetime.fromtimestamp(int(expected["timestamp"]) / 1e9, ZoneInfo("UTC"))
        assert datetime.fromtimestamp(moment[0] / 1e6, ZoneInfo("UTC")).replace(year=their.year) == their
        found["timestamp"] = expected["timestamp"]
    for name, value in fields.items():
        parts = name.split(".")
        if parts[0] == "sd" and (len(parts) == 3 or not any(other.startswith(f"{name}.") for other in fields)):
            found["_".join(parts[1:])] = value
    return {name: value for name, value in found.items() if value}


def test_there_is_something_to_compare() -> None:
    assert len(TELEGRAF) == 42
    assert len(FILEBEAT) == 6


def read(folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Telegraf's events of one of its logs, and ours; lines are joined as the shipped format does."""
    expected = folder / "expected.out"
    events = told(expected.read_text()) if expected.is_file() else []
    lines = lines_of(str((folder / "input.txt").relative_to(CORPUS)))
    sorted_as = Sorter(msgspec.structs.replace(shipped()["syslog-rfc5424"], ignore=()), "f").sort_all(lines)
    texts = [text for verdict, text in sorted_as if verdict == EVENT]
    found = [
        event
        for place, text in enumerate(texts)
        if (event := ours(text, (events or [{}] * 9)[place % max(len(events), 1)]))
    ]
    return events, found


def compare_telegraf(folder: Path) -> tuple[int, int]:
    """How many events Telegraf tells of a log, and how many of them are equal."""
    events, found = read(folder)
    return len(events), sum(event in found for event in events)


@pytest.mark.parametrize("file", TELEGRAF, ids=lambda file: file.parent.name)
def test_telegraf_reads_the_same(file: Path) -> None:
    events, found = read(file.parent)
    assert (found == events) == (file.parent.name not in OTHERWISE)


@pytest.mark.parametrize("file", FILEBEAT, ids=lambda file: file.name)
def test_filebeat_reads_the_same(file: Path) -> None:
    content = file.read_bytes()
    events = json.loads(Path(f"{file}-expected.json").read_bytes())
    assert events
    for event in events:
        line = content[event["log.offset"] :].split(b"\n", 1)[0].decode()
        fields = Syslog().fields(line)
        assert fields is not None
        same = {"host.hostname": "hostname", "process.name": "appname", "process.pid": "procid"}
        for their, our in same.items():
            # Filebeat takes a service and its part, `launchd[1] (quicklook[2])`, for one name.
            if their in event and "[" not in str(event[their]):
                assert fields[our] == str(event[their]), (their, line)
        if "message" in event:
            # What continues is counted, and not kept.
            assert fields["message"].rstrip() == event["message"].split("\n")[0].rstrip()
        if "@timestamp" in event:
            zone = Moments(TimeField(field="timestamp"), ZoneInfo("Etc/GMT+2"), "time")
            moment = zone.read(fields["timestamp"], NOW)
            assert moment is not None
            assert moment[0] // 1_000 == round(datetime.fromisoformat(event["@timestamp"]).timestamp() * 1_000)


@pytest.mark.parametrize("file", FILEBEAT, ids=lambda file: file.name)
def test_each_line_is_an_event_or_continues_one(file: Path) -> None:
    read = read_blocks(shipped()["syslog-rfc3164"], [file.read_bytes()], "small")
    assert read.accounting.balanced
    assert read.accounting.malformed == 0
    assert read.accounting.events >= len(json.loads(Path(f"{file}-expected.json").read_bytes()))


def test_haproxy_within_syslog() -> None:
    form = Format(
        kind="syslog", inner="haproxy-http", time=TimeField(field="time", marks="start"), fields=Haproxy.defaults()
    )
    content = (CORPUS / "access-haproxy/nagiosplugin/haproxy.log").read_bytes()
    read = read_blocks(form, [content], "small")
    assert read.events == read_blocks(shipped()["haproxy-http"], [content], "small").events
