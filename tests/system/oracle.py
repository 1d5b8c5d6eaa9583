"""What a log holds, counted line by line with nothing of the product's but its written rules.

Counts are by family and key, as the series are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

Counts = dict[str, Counter[tuple[str, ...]]]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PAIR = re.compile(r'(\w+)=("[^"]*"|[^ \n]*)')
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_ACCESS = re.compile(rf"^(\S+) \S+ (\S+) \[[^\]]+\] {_QUOTED} (\d{{3}}) \S+(?: {_QUOTED} {_QUOTED})?")
FAMILIES = ("hub", "endpoint", "vendor", "endpoint_vendor", "code", "server", "pharmacy")


def none() -> Counts:
    """Nothing counted yet."""
    return {family: Counter() for family in FAMILIES}


def general(path: str) -> str:
    """A path with each segment that holds a UUID or four digits and more replaced."""
    return "/".join("{}" if _UUID.search(part) or re.search(r"[0-9]{4}", part) else part for part in path.split("/"))


def count(counts: Counts, hub: str, endpoint: str, vendor: str, code: str, server: str, pharmacy: str) -> None:
    """Count one call; a family that needs a key the call has not counts nothing."""
    for family, key in (
        ("hub", (hub,)),
        ("endpoint", (hub, endpoint)),
        ("vendor", (vendor,)),
        ("endpoint_vendor", (hub, endpoint, vendor)),
        ("code", (hub, code)),
        ("server", (hub, server)),
        ("pharmacy", (pharmacy,)),
    ):
        if all(key):
            counts[family][key] += 1


def count_access(lines: Iterable[str], hub: str, cap: int) -> Counts:
    """An ordinary access log: the first `cap` endpoints are kept apart, the rest is `other`."""
    counts = none()
    apart: set[str] = set()
    for line in lines:
        match = _ACCESS.match(line)
        assert match, line
        method, target, *_ = match[3].split(" ")
        endpoint = f"{method} {general(re.split('[?#;]', target)[0])}"
        if endpoint not in apart and len(apart) >= cap:
            endpoint = "other"
        elif endpoint != "other":
            apart.add(endpoint)
        count(counts, hub, endpoint, "", match[4], "", "")
    return counts


def count_hub(counts: Counts, hub: str, lines: Iterable[str]) -> int:
    """Lines of a simulated hub, of either kind; how many there are."""
    number = 0
    for line in lines:
        number += 1
        if line.startswith("ts="):
            pairs = dict(_PAIR.findall(line))
            count(counts, hub, pairs["op"], pairs["client"], pairs["code"], pairs["server"], pairs["apb"])
        else:
            match = _ACCESS.match(line)
            assert match, line
            endpoint = match[3].split(" ")[1].split("?")[0].split("/")[2]
            count(counts, hub, endpoint, match[6].split("/")[0], match[4], "", match[2])
    return number


def hub_of(path: Path) -> str:
    """The hub of a simulated log by its file's name."""
    return path.name.split("-")[0]


def completed(line: str) -> float:
    """When a simulated call completed, in epoch seconds."""
    if line.startswith("ts="):
        return datetime.fromisoformat(line[3 : line.index(" ")]).timestamp()
    begun = datetime.strptime(line[line.index("[") + 1 : line.index("]")], "%d/%b/%Y:%H:%M:%S %z")
    return begun.timestamp() + int(line.rsplit(" ", 1)[1]) / 1_000_000
