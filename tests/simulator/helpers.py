"""Reading simulated lines back with plain regular expressions, knowing nothing of how they are made."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from domain.bins import bin_of
from domain.calendar import BRUSSELS
from domain.cells import BUCKET_SECONDS, SCHEMA, add
from domain.codes import judge

_CALL = re.compile(
    r"ts=(?P<ts>\S{23}[+-]\d\d:\d\d) level=(?:INFO|WARN|ERROR) server=(?P<server>\S+) op=(?P<op>\S+) "
    r"client=(?P<vendor>\S+) version=(?P<version>\S+) apb=(?P<apb>\d{8}) code=(?P<code>\S+) dt=(?P<dt>\d+) "
    r'sguid=[0-9a-f]{32} msg="[^"]+"'
)
_ACCESS = re.compile(
    r"10\.\d+\.\d+\.\d+ - (?P<apb>\d{8}) \[(?P<ts>[^\]]+)\] "
    r'"POST /mycarenet/(?P<op>[^/? ]+)\S* HTTP/1\.1" (?P<code>\d{3}) \d+ "-" '
    r'"(?P<vendor>[^/"]+)/(?P<version>[^"]+)" (?P<us>\d+)'
)


def start_of(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp()


def cells_of_line(hub: str, line: str) -> tuple[object, ...]:
    """The one cell a line makes; raises AssertionError for a line that is none."""
    if hub == "mycarenet":
        match = _ACCESS.fullmatch(line)
        assert match, line
        duration = int(match["us"])
        begun = datetime.strptime(match["ts"], "%d/%b/%Y:%H:%M:%S %z")
        time, server = begun + timedelta(microseconds=duration), ""
        judged = judge(match["code"], int(match["code"]))
    else:
        match = _CALL.fullmatch(line)
        assert match, line
        time, server, duration = datetime.fromisoformat(match["ts"]), match["server"], int(match["dt"]) * 1_000
        judged = judge(match["code"], None)
    assert judged.known
    bucket = int(time.timestamp()) // BUCKET_SECONDS * BUCKET_SECONDS
    return (bucket, hub, match["op"], match["vendor"], match["version"], match["apb"], server, match["code"],
            judged.klass, judged.side, bin_of(duration), 1, duration, duration)  # fmt: skip


def lines_of(path: Path) -> list[str]:
    text = path.read_bytes().decode()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def logs(out: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(out.glob("*.log*")):
        yield path.name.split("-")[0], path


def cells_of_logs(out: Path) -> pl.DataFrame:
    rows = [cells_of_line(hub, line) for hub, path in logs(out) for line in lines_of(path)]
    return add([pl.DataFrame(rows, schema=SCHEMA, orient="row")])
