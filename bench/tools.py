"""The programs that are compared: what each is called with, and what it must have counted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.codes import SHIPPED

HERE = Path(__file__).parent
TWO = "two processes"
# A pharmacy is goaccess' visitor, an endpoint its request.
_GOACCESS = "ts=%dT%t.%^ level=%^ server=%v op=%U client=%u version=%^ apb=%h code=%^ dt=%L %^"
_TIME = r"20\d\d-(0[1-9]|1[0-2])-\d\dT\d\d:\d\d:\d\d\.\d{3}\+\d\d:\d\d"
_ANCHORED = rf"^ts={_TIME} level=[A-Z]+ server=[a-z]+-\d\d op=\S+ client=\S+ version=\S+ apb=\d{{8}} code=\S+ dt=\d+ "


@dataclass(frozen=True, slots=True)
class Tool:
    """A program: its name in the table, its command for a log, and how its output says how much it counted."""

    name: str
    command: Callable[[Path], list[str]]
    counted: Callable[[bytes], dict[str, int]]


def tools(directory: Path) -> tuple[Tool, ...]:
    """The programs, with what they need beside the log put into `directory`."""
    classes = directory / "classes.tsv"
    classes.write_text("".join(f"{code}\t{judgement.klass}\n" for code, judgement in SHIPPED.items()))
    pharmapulse = str(Path(sys.executable).parent / "pharmapulse")
    return (
        Tool("analyse", lambda log: [pharmapulse, "analyse", "--processes", "1", "--json", str(log)], _analyse),
        Tool(TWO, lambda log: [pharmapulse, "analyse", "--processes", "2", "--json", str(log)], _analyse),
        Tool("mawk", lambda log: ["mawk", "-v", f"CLASSES={classes}", "-f", str(HERE / "hub.awk"), str(log)], _mawk),
        Tool(
            "mtail",
            lambda log: [
                "mtail", "--one_shot", "--one_shot_format=json", "--logtostderr", "--port", "0",
                "--progs", str(HERE / "hub.mtail"), "--logs", str(log),
            ],
            _mtail,
        ),
        Tool(
            "goaccess",
            lambda log: [
                "goaccess", str(log), "--no-global-config", "--no-progress", "-o", "json", "--no-ip-validation",
                "--log-format", _GOACCESS, "--date-format", "%Y-%m-%d", "--time-format", "%H:%M:%S",
            ],
            lambda output: {"events": json.loads(output)["general"]["valid_requests"]},
        ),
        Tool("rg -c", lambda log: ["rg", "-c", _ANCHORED, str(log)], lambda output: {"events": int(output)}),
    )  # fmt: skip


def _analyse(output: bytes) -> dict[str, int]:
    report = json.loads(output)
    if not report["patients"]["about"]:
        raise ValueError("analyse counted no patients")
    return {"lines": report["lines"], "events": report["events"], **_pharmacies(report["by"]["pharmacy"])}


def _pharmacies(rows: list[dict[str, object]]) -> dict[str, int]:
    return {f"pharmacy {row['key']}": int(str(row["calls"])) for row in rows}


def _mawk(output: bytes) -> dict[str, int]:
    first, *rows = output.decode().splitlines()
    _, lines, events, _ = first.split()
    counts = {"lines": int(lines), "events": int(events)}
    for row in rows:
        dimension, key, _, calls = row.split()
        if dimension == "pharmacy":
            counts[f"pharmacy {key}"] = counts.get(f"pharmacy {key}", 0) + int(calls)
    return counts


def _mtail(output: bytes) -> dict[str, int]:
    metrics = json.loads(output)
    counts = {"lines": metrics["lines"][0]["LabelValues"][0]["Value"]["Value"]}
    for row in metrics["calls_pharmacy"][0]["LabelValues"]:
        counts[f"pharmacy {row['Labels'][0]}"] = row["Value"]["Value"]
    counts["events"] = sum(calls for name, calls in counts.items() if name.startswith("pharmacy "))
    return counts
