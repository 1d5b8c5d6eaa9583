"""Every real log whose origin tells what it reads of it, in one table: what is compared, and how many events differ.

What differs has its reason in docs/corpus.md. A log that has no row here fails, as does a kind of log of which less
than 98 of 100 events are equal.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.errors import InputError
from domain.settings import Fields, Format, Join, TimeField
from logwatch.catalog import shipped
from logwatch.detect import detect
from logwatch.files import looks_binary
from tests.logwatch.compared import differences, events_of, in_zone
from tests.logwatch.corpus import CORPUS, pytestmark_corpus
from tests.logwatch.expectations import Told, content_of, of_elastic, of_loghub, of_ops_agent, statuses_of_mtail
from tests.logwatch.some import NOW, cut_into_blocks, read_blocks
from tests.logwatch.test_corpus_syslog import compare_telegraf

pytestmark = pytestmark_corpus
SHARE = 0.98


def _manifest() -> list[dict[str, Any]]:
    file = CORPUS / "MANIFEST.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    return [row for row in rows if row["role"] == "input"]


MANIFEST = _manifest()
TOLD = [row["path"] for row in MANIFEST if row["expected"]]
_GMT2, _LOS_ANGELES = "Etc/GMT+2", "America/Los_Angeles"
_IIS, _UTC = shipped()["iis"], TimeField(field="time", zone="UTC")


def _iis(names: str) -> Format:
    """A format as a user declares one for IIS lines whose header a shipper took away."""
    return Format(kind="delimited", delimiter=" ", header=tuple(names.split()), time=_IIS.time, fields=_IIS.fields)


def _regex(pattern: str) -> Format:
    """A format with an origin's own pattern, which names the group `time` only."""
    return Format(kind="regex", pattern=pattern, time=_UTC)


_EXTENDED = (
    "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version"
    " cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken"
)
_SYSLOG = r"^\<(?<pri>[0-9]{1,5})\>1 (?<time>[^ ]+) (?<host>.*) (?<ident>[^ ]+) (?<pid>[n0-9]+) (?<msgid>[^ ]+)"


@dataclass(frozen=True)
class Log:
    """Logs and how they are read: a shipped format, or one as a user would declare; `zone` is that of times without.

    `differ` of their events are told otherwise, for the reason `why`. `only` are the attributes compared, where that
    is not all.
    """

    paths: str
    form: str | Format
    zone: str = "UTC"
    differ: int = 0
    why: str = ""
    only: tuple[str, ...] = ()

    @property
    def files(self) -> list[str]:
        """The logs of the table that the row is about."""
        return [path for path in TOLD if re.fullmatch(self.paths, path)]


_TIMES = ("time_us", "duration_us")
LOGS = (
    Log(r"access-apache/filebeat/apache/access/(?!ssl).*", "access"),
    Log(r"access-apache/filebeat/apache/access/ssl.*", Format(
        kind="delimited", delimiter=" ", header=("[time]", "client", "tls", "cipher", "request", "bytes"),
        time=TimeField(field="time"), fields=Fields(endpoint="request"))),
    Log(r"access-apache/filebeat/apache/error/.*", "apache-error", _GMT2),
    Log(r"access-apache/mtail/apache-co.*", "access"),
    Log(r"access-apache/mtail/lighttpd_access.log", "access", differ=1, why="mtail's program leaves /healthz out"),
    Log(r"access-(apache|nginx|appserver)/ops-agent/.*-access/.*", "access"),
    Log(r"access-nginx/ops-agent/nginx-error/.*", "nginx-error", _LOS_ANGELES, only=("time_us",)),
    Log(r"access-nginx/filebeat/nginx/access/.*", "access"),
    Log(r"access-nginx/filebeat/nginx/error/.*", "nginx-error", _GMT2),
    Log(r"access-appserver/integrations/.*", "access"),
    Log(r"access-haproxy/filebeat/haproxy/log/default.log", "syslog-rfc3164", only=("name",)),
    Log(r"access-haproxy/filebeat/haproxy/log/h.*|access-haproxy/integrations/.*", "haproxy-http"),
    Log(r"access-haproxy/filebeat/haproxy/log/tcp.*", "haproxy-tcp", only=_TIMES),
    Log(r"access-iis/filebeat/iis/access/test-(iis-7.5|ipv6zone).log", "iis"),
    Log(r"access-iis/filebeat/iis/access/test.log", "iis", differ=2, why="fewer values than `#Fields:` names"),
    Log(r"access-iis/filebeat/iis/access/test-(iis-7.2|x-forward-for).log", "iis-default"),
    Log(r"access-iis/integrations/iis/access/test-iis-access-72.log", "iis-default"),
    Log(r"access-iis/.*/test-x-forward-for-extended.log", _iis(f"{_EXTENDED} x-forwarded-for")),
    Log(r"access-iis/integrations/.*/test-ipv6zone.log", _iis(_EXTENDED)),
    Log(r"access-iis/integrations/iis/access/test-iis-access(-75)?.log",
        Format(kind="regex", time=_UTC, fields=Fields(endpoint="request", code="status", duration_ms="ms"),
               pattern=r"^(?P<time>\S+ \S+) .*?\b(?P<request>[A-Z]{3,7} /\S*) .* (?P<status>\d{3}) \d+ \d+ "
                r"(?:\d+ \d+ )?(?P<ms>\d+)$")),
    Log(r"access-iis/filebeat/iis/error/(ipv6|test).*", "iis-errors", only=("time_us",)),
    Log(r"access-iis/integrations/iis/error/.*", Format(kind="regex", pattern=r"^(?P<time>\S+ \S+) ", time=_UTC)),
    Log(r"access-iis/filebeat/iis/error/iis_error_url.log", Format(
        kind="regex", time=_UTC, fields=Fields(code="status"),
        pattern=r"^(?P<time>\S+ \S+) \S+ \d+ \S+ \d+ \S+ \S+ .*?(?P<status>\d{3}) (?:-|\d+) \S+ \S+$"),
        only=("time_us", "status")),
    Log(r"access-proxies/.*traefik/access/.*", "traefik"),
    Log(r"access-proxies/filebeat-xpack/envoyproxy/log/envoy-json.log", "envoy-json", differ=1, why="no JSON"),
    Log(r"access-proxies/filebeat-xpack/envoyproxy/log/envoy.log", "envoy"),
    Log(r"access-proxies/filebeat-xpack/squid/log/access1.log", "squid"),
    Log(r"access-proxies/filebeat-xpack/squid/log/generated.log", Format(
        kind="regex", pattern=r"^\S+ \d+ \[(?P<time>\S+) \S+\] ",
        time=TimeField(field="time", zone="UTC", layout="%d/%b/%Y:%H:%M:%S")), _GMT2, only=("time_us",)),
    Log(r"access-cloud/.*alb.*|access-cloud/filebeat-xpack/aws/elb/application-lb-http.log", "aws-alb"),
    Log(r"access-cloud/filebeat-xpack/aws/elb/(elb-.*|example-(http|https|ssl|tcp).log)", "aws-elb"),
    Log(r"access-cloud/filebeat-xpack/aws/elb/example-nlb-tcp.log", "aws-nlb"),
    Log(r"access-cloud/filebeat-xpack/aws/s3access/.*", "aws-s3", only=("time_us", "status", "duration_us")),
    Log(r"app-java/filebeat/elasticsearch/deprecation/[eo].*_deprecation.log", "elastic", _GMT2),
    Log(r"app-java/filebeat/elasticsearch/server/(.*624|test).log|app-java/filebeat/logstash/log/.*plain.*", "elastic",
        _GMT2),
    Log(r"app-java/filebeat/elasticsearch/(server|deprecation)/.*800.log", "elasticsearch-ecs"),
    Log(r"app-java/filebeat/elasticsearch/slowlog/.*800.log", "elasticsearch-ecs", only=_TIMES),
    Log(r"app-java/filebeat/elasticsearch/(?!.*800).*json.log", "elasticsearch-json"),
    Log(r"app-java/filebeat/elasticsearch/slowlog/(test|auditlog_index_indexing_slowlog).log", "elasticsearch-slow",
        _GMT2),
    Log(r"app-java/filebeat/kafka/log/(?!.*2.2.2).*", "kafka", _GMT2),
    Log(r"app-java/filebeat/kafka/log/state-change-2.2.2.log", "kafka-brackets", _GMT2),
    Log(r"app-java/filebeat/logstash/.*json.log", "logstash"),
    Log(r"app-java/filebeat/logstash/slowlog/slowlog-plain.log", "logstash-slow", _GMT2),
    Log(r"app-java/filebeat-xpack/activemq/log/.*", "activemq", _GMT2),
    Log(r"app-java/filebeat-xpack/activemq/audit/.*", "activemq-audit", only=("name",)),
    Log(r"app-java/filebeat-xpack/zookeeper/log/.*", "zookeeper", _GMT2),
    Log(r"app-java/filebeat-xpack/zookeeper/audit/.*", "zookeeper-audit", _GMT2, only=_TIMES),
    Log(r"app-messagehub/filebeat-xpack/rabbitmq/log/.*", "rabbitmq", _GMT2),
    Log(r"app-json/filebeat/elasticsearch/audit/test-audit-(711|761).log", "elasticsearch-audit", _GMT2, only=_TIMES),
    Log(r"app-json/filebeat/elasticsearch/audit/test-audit-(730|docker).log", "elasticsearch-json", only=_TIMES),
    Log(r"app-json/filebeat/elasticsearch/audit/test-audit.log",
        Format(kind="json", time=TimeField(field="@timestamp timestamp", zone=_GMT2)), _GMT2, only=_TIMES),
    Log(r"app-json/filebeat/elasticsearch/audit/test-access.log", _regex(r"^\[(?P<time>[^\]]+)\] \["), _GMT2),
    Log(r"app-json/filebeat/kibana/audit/.*", "ecs", only=_TIMES),
    Log(r"app-json/filebeat/kibana/log/.*",
        Format(kind="json", time=TimeField(field="@timestamp"), fields=shipped()["kibana"].fields)),
    Log(r"app-json/ops-agent/vault-audit/.*",
        Format(kind="json", time=TimeField(field="time"), join=Join(starts=r"^\{"))),
    Log(r"app-json/ops-agent/mongodb/.*", _regex(r"^(?P<time>\d{4}-\S+) [A-Z] ")),
    Log(r"app-json/ops-agent/(parse_json.*|severity)/.*", Format(kind="json", time=_UTC), _LOS_ANGELES),
    Log(r"edge-cases/ops-agent/(local_timezone|parse_with_conflicts_with_record)/.*",
        Format(kind="json", time=TimeField(field="time", layout="%Y-%m-%dT%H:%M")), _LOS_ANGELES),
    Log(r"edge-cases/ops-agent/parse_regex-timestamp-format-1/.*", _regex(r"^(?<time>\S+)\s+(?<severity>[A-Z]+)\s+")),
    Log(r"edge-cases/ops-agent/parse_regex/.*",
        _regex(r"^(?<time>[^ ]*) (?<severity>[^ ]*) (?<msg>[^ ]*) (?<msg1>(?P=msg))$")),
    Log(r"edge-cases/ops-agent/parse_regex_(complex|empty_fields)/.*",
        _regex(rf"{_SYSLOG} (?<extradata>(\[(.*?)\]|n)?.*) (?<message>.*)$")),
    Log(r"edge-cases/ops-agent/parse_regex_empty_fields_complex/.*",
        _regex(rf"{_SYSLOG} (?<extradata>(\[(.*?)\]|n)) (?<message>.*)$")),
    Log(r"edge-cases/ops-agent/parse_regex_(invalid_regex|optional_groups)/.*", _regex(r"^(?P<time>\S+) ")),
    Log(r"syslog/filebeat/system/.*", "syslog-rfc3164", _GMT2),
    Log(r"loghub/Apache/.*", "apache-error"),
    Log(r"loghub/Hadoop/.*", "java-log4j"),
    Log(r"loghub/OpenSSH/.*", "syslog-rfc3164"),
    Log(r"loghub/OpenStack/.*", "openstack-api"),
    Log(r"loghub/Zookeeper/.*", "zookeeper"),
)  # fmt: skip
# Of Loghub's CSVs how their times are written, the year that ours have where the log names none, and who spoke.
_LOGHUB = {
    "Apache": ("%a %b %d %H:%M:%S %Y", ""), "Hadoop": ("%Y-%m-%d %H:%M:%S,%f", "Component"),
    "OpenSSH": ("%b %d %H:%M:%S %Y", ""), "OpenStack": ("%Y-%m-%d %H:%M:%S.%f", ""),
    "Zookeeper": ("%Y-%m-%d %H:%M:%S,%f", ""),
}  # fmt: skip


def told_of(path: str) -> list[Told]:
    """What the origin tells of a log."""
    file = CORPUS / path
    if path.startswith("loghub/"):
        name = file.parent.name
        told = of_loghub(file.with_name(file.name + "_structured.csv"), *_LOGHUB[name], year="2025")
        return [one for one in told if one.status] if name == "OpenStack" else told
    return of_ops_agent(file.parent) if "/ops-agent/" in path else of_elastic(Path(f"{file}-expected.json"))


def compare(log: Log, path: str) -> tuple[int, list[str]]:
    """How many events of a log were compared, and a sentence for each that differs."""
    form = shipped()[log.form] if isinstance(log.form, str) else log.form
    content = content_of(CORPUS / path)
    if "/mtail/" in path:
        ours = Counter(event.code for event in events_of(form, content))
        their = statuses_of_mtail(next((CORPUS / path).parent.glob(f"{Path(path).stem}*.golden")))
        return sum(their.values()), [f"{code}" for code in (ours - their) + (their - ours)]
    told = told_of(path)
    if log.only:
        told = [Told(offset=one.offset, **{name: getattr(one, name) for name in log.only}) for one in told]
    return sum(one.tells for one in told), differences(in_zone(form, log.zone), content, told)


def test_each_log_that_is_told_of_has_one_row() -> None:
    rows = Counter(path for log in LOGS for path in log.files)
    assert {path for path, count in rows.items() if count > 1} == set()
    telegraf = {path for path in TOLD if path.startswith("syslog/telegraf/")}
    assert len(TOLD) == len(rows) + len(telegraf)
    assert all(log.files for log in LOGS)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: re.sub(r"[^A-Za-z0-9/_-]", "", log.paths)[-50:])
def test_only_what_is_listed_differs(log: Log) -> None:
    found = [(path, one) for path in log.files for one in compare(log, path)[1]]
    assert len(found) == log.differ, found


def test_of_each_kind_nearly_all_events_are_equal() -> None:
    compared: Counter[str] = Counter()
    different: Counter[str] = Counter()
    for log in LOGS:
        form = shipped()[log.form] if isinstance(log.form, str) else log.form
        for path in log.files:
            count, found = compare(log, path)
            compared[form.kind] += count
            different[form.kind] += len(found)
    for folder in sorted((CORPUS / "syslog/telegraf").iterdir()):
        count, equal = compare_telegraf(folder)
        compared["syslog"] += count
        different["syslog"] += count - equal
    shares = {kind: 1 - different[kind] / compared[kind] for kind in compared}
    assert {*shares} == {"access", "delimited", "haproxy", "json", "regex", "syslog"}
    assert min(shares.values()) >= SHARE, (shares, compared)


# A format that reads some of nearly anything, for logs of which none is known.
_ANY = Format(kind="regex", pattern=r"^(?P<time>\S+ \S+) ", time=TimeField(field="time"), join=Join(starts=r"^[\[\d{]"))


@pytest.mark.parametrize("path", [row["path"] for row in MANIFEST])
def test_all_lines_of_every_log_are_accounted_for_in_any_cutting(path: str) -> None:
    content = content_of(CORPUS / path)
    if looks_binary(content[:4_096]):
        assert b"\0" in content[:4_096]
        return
    known = shipped()
    try:
        form = known[detect(path, content, known, NOW)] if content else _ANY
    except InputError:
        form = _ANY
    random = Random(path)
    pieces, at = [], 0
    while at < len(content):
        size = random.randint(1, max(2, len(content) // 8))
        pieces.append(content[at : at + size])
        at += size
    blocks, oversized = cut_into_blocks(content, pieces)
    cut, whole = read_blocks(form, blocks, "auto", cap=10_000), read_blocks(form, [content], "auto", cap=10_000)
    assert whole.accounting.balanced
    assert whole.accounting.lines == content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
    if not oversized:
        assert (cut.accounting, cut.tally) == (whole.accounting, whole.tally)
        assert cut.cells.equals(whole.cells)
    assert cut.accounting.lines + oversized == whole.accounting.lines
