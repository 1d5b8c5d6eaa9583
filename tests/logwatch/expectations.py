"""What the origins of the real logs say of each event, brought into one form.

An event is told by the place of its line in the file, where its origin names one, else by its turn. Of what they tell
only what this product reads is kept: moment, status, method, path, duration; of logs without requests the name of what
spoke.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """One event as its origin tells it; what it does not tell is None. `offset` is where its line begins."""

    offset: int | None = None
    time_us: int | None = None
    status: str | None = None
    method: str | None = None
    path: str | None = None
    duration_us: int | None = None
    name: str | None = None

    @property
    def tells(self) -> bool:
        """Whether there is something to compare."""
        return any(getattr(self, name) is not None for name in self.__dataclass_fields__ if name != "offset")


def moment(text: str) -> int:
    """An RFC 3339 time in µs."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def content_of(file: Path) -> bytes:
    """A log's bytes, decompressed."""
    content = file.read_bytes()
    return gzip.decompress(content) if file.suffix == ".gz" else content


def flat(event: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested objects by their paths."""
    for key, value in event.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


# Who or what spoke, in the names of the origins' fields, where there is no request.
_NAMES = (
    "kafka.log.class", "elasticsearch.component", "elasticsearch.slowlog.logger", "activemq.caller", "log.logger",
    "logstash.log.module", "logstash.slowlog.module", "apache.error.module", "process.name",
)  # fmt: skip


def of_elastic(file: Path) -> list[Told]:
    """Filebeat's and the integrations' `-expected.json`."""
    found = json.loads(file.read_bytes())
    events = found["expected"] if isinstance(found, dict) else found
    told = []
    for nested in events:
        if nested is None:
            continue
        event = dict(flat(nested))
        url = event.get("url.original") or event.get("url.path")
        duration: int | None = None
        if "event.duration" in event:
            duration = int(event["event.duration"]) // 1_000
        if "rsa.time.duration_time" in event:
            duration = int(event["rsa.time.duration_time"]) * 1_000
        names = [str(event[name]) for name in _NAMES if name in event]
        told.append(
            Told(
                offset=event.get("log.offset"),
                time_us=moment(event["@timestamp"]) if "@timestamp" in event else None,
                status=str(event["http.response.status_code"]) if "http.response.status_code" in event else None,
                method=event.get("http.request.method"),
                path=url if event.get("http.request.method") else None,
                duration_us=duration,
                # A service with its part, `launchd[1] (quicklook[2])`, is one name there; `unknown` is none.
                name=next((name for name in names if "[" not in name and name != "unknown"), None),
            )
        )
    return sorted(told, key=lambda one: one.offset if one.offset is not None else -1)


def of_ops_agent(folder: Path) -> list[Told]:
    """Google's ops agent: the entries of its OpenTelemetry output, in the order of the lines."""
    told = []
    for entry in re.split(r"^  - ", (folder / "output_otel.yaml").read_text(), flags=re.MULTILINE)[1:]:
        found = {key: value.strip("'\"") for key, value in re.findall(r"^ +(\w+): (.*)$", entry, re.MULTILINE)}
        latency = found.get("latency", "")
        # `now`: the line's own time could not be read.
        stamp = re.findall(r"^    timestamp: (\S+Z)$", entry, re.MULTILINE)
        told.append(
            Told(
                time_us=moment(stamp[0]) if stamp else None,
                status=found.get("status") if "httpRequest" in entry else None,
                method=found.get("requestMethod"),
                path=found.get("requestUrl"),
                duration_us=int(float(latency[:-1]) * 1e6) if latency.endswith("s") else None,
            )
        )
    return told


def of_loghub(file: Path, layout: str, name: str, year: str) -> list[Told]:
    """Loghub's structured CSV, its times read as UTC; `name` is the column of who spoke, `year` of times without."""
    told = []
    with file.open(newline="") as opened:
        for row in csv.DictReader(opened):
            parts = [row[part] for part in ("Month", "Date", "Day", "Time") if part in row]
            written = " ".join([*parts, year] if file.parent.name == "OpenSSH" else parts)
            at = datetime.strptime(written, layout).replace(tzinfo=UTC)
            request = re.search(r'"(\S+) (\S+) [^"]*" status: (\d+) .*time: ([\d.]+)', row["Content"])
            told.append(
                Told(
                    time_us=(at - EPOCH) // timedelta(microseconds=1),
                    status=request[3] if request else None,
                    method=request[1] if request else None,
                    path=request[2] if request else None,
                    duration_us=round(float(request[4]) * 1e6) if request else None,
                    name=row[name] if name else None,
                )
            )
    return told


def statuses_of_mtail(file: Path) -> Counter[str]:
    """How many requests of each status one of mtail's golden files counts."""
    found: Counter[str] = Counter()
    for line in file.read_text().splitlines():
        match = re.match(r"counter (?:apache_http_requests_total|request) \{(?:.*,)?\w*status\w*=(\d+)\} (\d+) ", line)
        if match:
            found[match[1]] += int(match[2])
    return found
