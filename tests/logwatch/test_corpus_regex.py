"""The formats of kind `regex` on real logs: the origins' own readings, event by event.

Each origin told its expected events in a form of its own; they are laid beside ours in the order of the lines.
What is known to differ is listed in `docs/corpus.md`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.clock import ManualClock
from domain.codes import SHIPPED
from domain.errors import ConfigError
from domain.settings import Fields, Format, TimeField
from logwatch.catalog import formats, shipped
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.scan import Scan
from tests.logwatch.some import NOW, read_blocks
from tests.logwatch.test_corpus import _CORPUS, _REFERENCE

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not _REFERENCE.is_file(), reason="no corpus: set PHARMAPULSE_CORPUS"),
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
SHARE = 0.98
# Filebeat's tests set the clock's zone two hours behind UTC; its files are told by format.
_FILEBEAT = {
    "apache-error": ["access-apache/filebeat/apache/error/*.log"],
    "nginx-error": ["access-nginx/filebeat/nginx/error/*.log"],
    "kafka": ["app-java/filebeat/kafka/log/[cs]*.log"],
    "kafka-brackets": ["app-java/filebeat/kafka/log/state-change-2.2.2.log"],
    "elastic": [
        "app-java/filebeat/elasticsearch/server/[et]*t.log", "app-java/filebeat/elasticsearch/server/*.624.log",
        "app-java/filebeat/elasticsearch/deprecation/*_deprecation.log",
        "app-java/filebeat/logstash/log/logstash-plain*.log",
    ],
    "elasticsearch-slow": [
        "app-java/filebeat/elasticsearch/slowlog/test.log",
        "app-java/filebeat/elasticsearch/slowlog/auditlog_index_indexing_slowlog.log",
    ],
    "logstash-slow": ["app-java/filebeat/logstash/slowlog/slowlog-plain.log"],
    "activemq": ["app-java/filebeat-xpack/activemq/log/*.log"],
    "zookeeper": ["app-java/filebeat-xpack/zookeeper/log/*.log"],
    "zookeeper-audit": ["app-java/filebeat-xpack/zookeeper/audit/*.log"],
    "rabbitmq": ["app-messagehub/filebeat-xpack/rabbitmq/log/*.log"],
}  # fmt: skip
_ENDPOINTS = (
    "kafka.log.class", "elasticsearch.component", "elasticsearch.slowlog.logger", "activemq.caller", "event.action",
    "log.logger", "logstash.log.module", "logstash.slowlog.module", "apache.error.module",
)  # fmt: skip


def in_zone(name: str, zone: str) -> Format:
    """A shipped format, with times that name no zone read in this one."""
    form = shipped()[name]
    assert form.time is not None
    return msgspec.structs.replace(form, time=msgspec.structs.replace(form.time, zone=zone))


def events(form: Format, content: bytes) -> list[tuple[datetime, int, str]]:
    """Of each event its moment, its duration in µs and its endpoint."""
    read = read_blocks(form, [content], "small", cap=10_000)
    assert read.accounting.balanced
    return [(EPOCH + timedelta(microseconds=e[0]), e[1], e[3]) for e in read.events]  # type: ignore[misc, arg-type]


def told_by_filebeat(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(f"{file}-expected.json").read_bytes())
    return sorted(found, key=lambda event: event["log.offset"])


def differences(file: Path, ours: list[tuple[datetime, int, str]], told: list[dict[str, Any]]) -> Iterator[str]:
    """What differs, a sentence an event. Filebeat's own tests stop at 100 events."""
    if len(told) != len(ours) and not (len(told) == 100 < len(ours)):
        yield f"{file.name}: {len(ours)} events and not {len(told)}"
    for (moment, duration, endpoint), event in zip(ours, told, strict=False):
        if datetime.fromisoformat(event["@timestamp"]) != moment - (moment - EPOCH) % MS:
            yield f"{file.name}: at {moment} and not {event['@timestamp']}"
        elif "event.duration" in event and event["event.duration"] // 1_000 != duration:
            yield f"{file.name}: {duration} us and not {event['event.duration']} ns"
        elif (name := next((n for n in _ENDPOINTS if n in event), None)) and event[name] not in (endpoint, "unknown"):
            yield f"{file.name}: endpoint {endpoint} and not {event[name]}"


@pytest.mark.parametrize("name", _FILEBEAT)
def test_filebeat_reads_the_same(name: str) -> None:
    form, count, different = in_zone(name, "Etc/GMT+2"), 0, []
    files = sorted({file for pattern in _FILEBEAT[name] for file in _CORPUS.glob(pattern)})
    assert files
    for file in files:
        if name == "kafka" and "2.2.2" in file.name:
            continue
        told = told_by_filebeat(file)
        count += len(told)
        different += list(differences(file, events(form, file.read_bytes()), told))
    assert count
    assert len(different) <= (1 - SHARE) * count, different


@pytest.mark.parametrize(
    ("name", "log", "layout"),
    [
        ("java-log4j", "Hadoop", "%Y-%m-%d %H:%M:%S,%f"), ("zookeeper", "Zookeeper", "%Y-%m-%d %H:%M:%S,%f"),
        ("apache-error", "Apache", "%a %b %d %H:%M:%S %Y"), ("openstack-api", "OpenStack", "%Y-%m-%d %H:%M:%S.%f"),
    ],
)  # fmt: skip
def test_loghub_reads_the_same(name: str, log: str, layout: str) -> None:
    folder = _CORPUS / "loghub" / log
    ours = events(in_zone(name, "UTC"), (folder / f"{log}_2k.log").read_bytes())
    with (folder / f"{log}_2k.log_structured.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if log != "OpenStack" or '" status: ' in row["Content"]]
    assert len(ours) == len(rows)
    for (moment, duration, endpoint), row in zip(ours, rows, strict=True):
        written = " ".join(row[part] for part in ("Date", "Time") if part in row)
        assert moment == datetime.strptime(written, layout).replace(tzinfo=UTC)
        if log == "Hadoop":
            assert endpoint == row["Component"]
        if log == "OpenStack":
            method, path, seconds = re.findall(r'"(\S+) (\S+) .*time: ([\d.]+)', row["Content"])[0]
            assert abs(duration - float(seconds) * 1e6) < 1
            assert endpoint.split(" ")[0] == method
            assert endpoint.count("/") == path.count("/")


def test_openstack_gives_what_the_reference_says() -> None:
    told = json.loads(_REFERENCE.read_bytes())["loghub/OpenStack (API lines)"]
    scan = Scan(formats({}), SHIPPED, ManualClock(NOW))
    result = scan.read([_CORPUS / "loghub/OpenStack/OpenStack_2k.log"], lambda _: None).result(scan.name, 0.0)
    assert (scan.name, result["events"]) == ("openstack-api", told["requests"])
    assert {row["key"]: row["calls"] for row in result["by"]["code"]} == dict(told["status"])
    rows = {row["key"]: row for row in result["by"]["endpoint"]}
    for endpoint, row in told["by_endpoint"].items():
        ours = rows[re.sub(r"\{[a-z]+\}", "{}", endpoint)]
        assert ours["calls"] == row["n"], endpoint
        assert abs(ours["p50_ms"] - row["p50"] * 1e3) <= 1
        assert abs(ours["p95_ms"] - row["p95"] * 1e3) <= 1


def test_keycloak_and_others_without_a_telling_are_read_whole() -> None:
    for pattern, name, count in (
        ("app-java/wildfly-keycloak/server.log", "java-wildfly", 486), ("app-java/spring-boot-2/*", "java-spring", 403),
        ("app-messagehub/wso2-esb/*", "wso2", 1_506), ("app-java/elastic-examples-kafka0/server.log", "kafka", 60),
    ):  # fmt: skip
        (file,) = _CORPUS.glob(pattern)
        scan = Scan(formats({}), SHIPPED, ManualClock(NOW))
        result = scan.read([file], lambda _: None).result(scan.name, 0.0)
        assert (scan.name, result["events"], result["malformed"]) == (name, count, 0)


def times_of(file: Path) -> list[datetime]:
    """The moments that an ops agent's expected output names."""
    told = re.findall(r"^    timestamp: (\S+Z)$", file.read_text(), re.MULTILINE)
    return [datetime.fromisoformat(text) for text in told]


# The patterns are the origins' own, from their config.yaml.
_OPS_AGENT = {
    "parse_regex-timestamp-format-1": r"^(?<time>\S+)\s+(?<severity>[A-Z]+)\s+(?<msg>.*)$",
    "parse_regex": r"^(?<time>[^ ]*) (?<severity>[^ ]*) (?<msg>[^ ]*) (?<msg1>(?P=msg))$",
    "parse_regex_complex": (
        r"^\<(?<pri>[0-9]{1,5})\>1 (?<time>[^ ]+) (?<host>[^ ]+) (?<ident>[^ ]+) (?<pid>[n0-9]+) (?<msgid>[^ ]+)"
        r" (?<extradata>(\[(.*?)\]|n)) (?<message>.+)$"
    ),
    "parse_regex_empty_fields": (
        r"^\<(?<pri>[0-9]{1,5})\>1 (?<time>[^ ]+) (?<host>.*) (?<ident>[^ ]+) (?<pid>[n0-9]+) (?<msgid>[^ ]+)"
        r" (?<extradata>.*) (?<message>.*)$"
    ),
}


@pytest.mark.parametrize("name", _OPS_AGENT)
def test_an_ops_agents_patterns_give_its_times(name: str) -> None:
    folder = _CORPUS / "edge-cases/ops-agent" / name
    form = Format(kind="regex", pattern=_OPS_AGENT[name], time=TimeField(field="time"), fields=Fields())
    ours = [moment for moment, _, _ in events(form, (folder / "input.log").read_bytes())]
    told = times_of(folder / "output_otel.yaml")
    assert ours == [moment - (moment - EPOCH) % timedelta(microseconds=1) for moment in told]


def test_an_ops_agents_wrong_pattern_is_told() -> None:
    pattern = r"^(?<time>[^ ]*) (?<severity>[^ ]*) (?<msg>[^ ]*) (?<msg1>\k<m]sg>)$"
    with pytest.raises(ConfigError, match="is not a pattern"):
        Reader(Format(kind="regex", pattern=pattern, time=TimeField(field="time")), Registry(1))


def test_an_ops_agent_reads_the_same_of_nginx_errors() -> None:
    folder = _CORPUS / "access-nginx/ops-agent/nginx-error"
    ours = events(in_zone("nginx-error", "America/Los_Angeles"), (folder / "input.log").read_bytes())
    assert [moment for moment, _, _ in ours] == times_of(folder / "output_otel.yaml")
    requests = re.findall(r"^      request: (\S+ \S+) HTTP", (folder / "output_otel.yaml").read_text(), re.MULTILINE)
    assert [endpoint for _, _, endpoint in ours if endpoint] == requests
