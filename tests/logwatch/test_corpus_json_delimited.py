"""Real logs of others, JSON and delimited: their moments, statuses, methods, paths and durations are the origins'.

What differs is listed with its reason in docs/corpus.md, and here by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from domain.settings import Format, TimeField
from logwatch.catalog import shipped
from logwatch.detect import detect
from logwatch.examples import moment
from logwatch.meaning import path_of
from tests.logwatch.some import NOW, read_blocks
from tests.logwatch.test_corpus import _CORPUS, _REFERENCE

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not _REFERENCE.is_file(), reason="no corpus: set PHARMAPULSE_CORPUS"),
]

_IIS, _ELB = "access-iis/filebeat/iis", "access-cloud/filebeat-xpack/aws/elb"
_S3, _PROXIES = "access-cloud/filebeat-xpack/aws/s3access", "access-proxies/filebeat-xpack"
_ES, _KIBANA = "app-java/filebeat/elasticsearch", "app-json/filebeat/kibana"
Told = Mapping[str, Any]


def _headed(names: str) -> Format:
    """A format as a user declares one for IIS lines whose header a shipper took away."""
    iis = shipped()["iis"]
    return Format(kind="delimited", delimiter=" ", header=tuple(names.split()), time=iis.time, fields=iis.fields)


_EXTENDED = _headed(
    "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version"
    " cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken"
    " x-forwarded-for"
)
_KIBANA_LOG = Format(kind="json", time=TimeField(field="@timestamp"), fields=shipped()["kibana"].fields)


@dataclass(frozen=True)
class Log:
    """A log of the corpus: the format that it must be found to be ("" where one is declared), and lines that differ.

    `events` is how many lines of it are read as events; `key` says which of the origin's events these are.
    """

    path: str
    format: str
    events: int
    form: Format | None = None
    key: Callable[[Told], bool] = lambda _: True
    differing: int = 0


LOGS = (
    Log(f"{_IIS}/access/test-iis-7.2.log", "iis-default", 5),
    Log(f"{_IIS}/access/test-iis-7.5.log", "iis", 4),
    Log(f"{_IIS}/access/test-ipv6zone.log", "iis", 1),
    Log(f"{_IIS}/access/test-x-forward-for.log", "iis-default", 9),
    Log(f"{_IIS}/access/test-x-forward-for-extended.log", "", 6, _EXTENDED),
    # The last two lines have fewer columns than the `#Fields:` before them names.
    Log(f"{_IIS}/access/test.log", "iis", 3, key=lambda told: told["@timestamp"] < "2018-12"),
    Log(f"{_IIS}/error/ipv6_zone_id.log", "iis-errors", 1),
    Log(f"{_IIS}/error/test.log", "iis-errors", 4),
    Log(f"{_ELB}/application-lb-http.log", "aws-alb", 11),
    Log(f"{_ELB}/elb-http.log", "aws-elb", 5),
    Log(f"{_ELB}/elb-tcp.log", "aws-elb", 6),
    Log(f"{_ELB}/example-alb-http.log", "aws-alb", 13),
    Log(f"{_ELB}/example-http.log", "aws-elb", 3),
    Log(f"{_ELB}/example-https.log", "aws-elb", 1),
    Log(f"{_ELB}/example-nlb-tcp.log", "aws-nlb", 1),
    Log(f"{_ELB}/example-ssl.log", "aws-elb", 1),
    Log(f"{_ELB}/example-tcp.log", "aws-elb", 2),
    Log(f"{_S3}/s3_server_access.log", "aws-s3", 7),
    Log(f"{_S3}/test.log", "aws-s3", 6),
    Log(f"{_PROXIES}/squid/log/access1.log", "squid", 100),
    Log(f"{_PROXIES}/envoyproxy/log/envoy.log", "envoy", 4),
    # The second line ends in one brace too many.
    Log(f"{_PROXIES}/envoyproxy/log/envoy-json.log", "envoy-json", 1, key=lambda told: told["log.offset"] == 0),
    Log(f"{_ES}/deprecation/es_deprecation-json.800.log", "elasticsearch-ecs", 15),
    Log(f"{_ES}/deprecation/test-json.log", "elasticsearch-json", 16),
    Log(f"{_ES}/server/elasticsearch-json.800.log", "elasticsearch-ecs", 3),
    Log(f"{_ES}/server/test-json.log", "elasticsearch-json", 58),
    Log(f"{_ES}/slowlog/es74_index_indexing_slowlog-json.log", "elasticsearch-json", 2),
    Log(f"{_ES}/slowlog/es74_index_search_slowlog-json.log", "elasticsearch-json", 9),
    Log(f"{_ES}/slowlog/es_index_indexing_slowlog-json.log", "elasticsearch-json", 2),
    Log(f"{_ES}/slowlog/es_index_search_slowlog-json.log", "elasticsearch-json", 3),
    Log(f"{_ES}/slowlog/es_indexing_slowlog.800.log", "elasticsearch-ecs", 2),
    Log(f"{_ES}/slowlog/es_search_slowlog.800.log", "elasticsearch-ecs", 2),
    Log(f"{_ES}/slowlog/slowlogs-json.log", "elasticsearch-json", 5),
    Log(f"{_KIBANA}/audit/test-audit-711.log", "ecs", 4),
    Log(f"{_KIBANA}/audit/test-audit-713.log", "ecs", 4),
    Log(f"{_KIBANA}/log/log.624.log", "kibana", 45, key=lambda told: "http.response.status_code" in told),
    # Its first hundred lines hold no request.
    Log(f"{_KIBANA}/log/log.verbose.624.log", "kibana", 44, key=lambda told: "http.response.status_code" in told),
    Log(f"{_KIBANA}/log/log.624.log", "", 84, _KIBANA_LOG),
    Log(f"{_KIBANA}/log/test.log", "kibana", 2, key=lambda told: "http.response.status_code" in told),
    Log("app-java/filebeat/logstash/log/logstash-json.log", "logstash", 4),
    Log("app-java/filebeat/logstash/slowlog/slowlog-json.log", "logstash", 1),
)


def _differences(log: Log) -> tuple[int, list[str]]:
    """How many events were compared, and each difference."""
    content = (_CORPUS / log.path).read_bytes()
    form = log.form or shipped()[log.format]
    read = read_blocks(form, [content], "small", cap=10_000)
    every = json.loads((_CORPUS / f"{log.path}-expected.json").read_bytes())
    told = [one for one in every if log.key(one)]
    assert len(read.events) == log.events
    assert len(told) == log.events or (len(every) == 100 and len(told) < log.events)  # the origin stops at 100
    marks = form.time.marks if form.time else "end"
    found = []
    for place, (event, one) in enumerate(zip(read.events, told, strict=False)):
        time_us, duration_us = event[:2]
        assert isinstance(time_us, int)
        assert isinstance(duration_us, int)
        begun = time_us - max(duration_us, 0) if marks == "start" else time_us
        mine = {"time": begun, "code": event[8], "endpoint": event[3], "us": duration_us}
        found += [
            f"{place}: {what}: {mine[what]!r} and not {value!r}"
            for what, value in _wanted(one).items()
            if not _same(mine[what], value, what)
        ]
    return len(told), found


def _wanted(one: Told) -> dict[str, Any]:
    wanted: dict[str, Any] = {"time": moment(one["@timestamp"])}
    method, url = one.get("http.request.method"), one.get("url.original", one.get("url.path"))
    if method and url and "aws.s3access.operation" not in one:
        wanted["endpoint"] = f"{method.upper()} {url}"
    if "http.response.status_code" in one and "iis.error.reason_phrase" not in one:
        wanted["code"] = str(one["http.response.status_code"])
    if "rsa.time.duration_time" in one:
        wanted["us"] = int(one["rsa.time.duration_time"]) * 1_000
    elif "aws.elb.name" not in one and "event.duration" in one:
        wanted["us"] = int(one["event.duration"]) // 1_000
    elif "aws.elb.backend_processing_time.sec" in one:
        wanted["us"] = round(one["aws.elb.backend_processing_time.sec"] * 1e6)
    return wanted


def _same(mine: Any, value: Any, what: str) -> bool:
    if what == "time":
        # The origins' moments are in milliseconds, Squid's in seconds.
        return bool(
            mine // 1_000 == value // 1_000 or (value % 1_000_000 == 0 and mine // 1_000_000 == value // 1_000_000)
        )
    if what == "endpoint":
        method, _, url = value.partition(" ")
        path = path_of(f"{method} {url.split(' ')[0]}")
        return all(a == b or a == "{}" for a, b in zip(mine.split("/"), f"{method} {path}".split("/"), strict=False))
    return bool(mine == value)


@pytest.mark.parametrize(
    "log", LOGS, ids=lambda log: f"{log.path.rsplit('/', 2)[-2]}/{log.path.rsplit('/', 1)[-1]}-{log.format}"
)
def test_a_log_is_found_to_be_of_its_format(log: Log) -> None:
    if log.format:
        assert detect(log.path, (_CORPUS / log.path).read_bytes(), shipped(), NOW) == log.format


@pytest.mark.parametrize(
    "log", LOGS, ids=lambda log: f"{log.path.rsplit('/', 2)[-2]}/{log.path.rsplit('/', 1)[-1]}-{log.format}"
)
def test_a_log_gives_the_origins_events(log: Log) -> None:
    _, found = _differences(log)
    assert len(found) == log.differing, found
