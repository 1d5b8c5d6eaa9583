"""`analyse --html`: what logs hold as one page that needs nothing else: no link, no script, no other file.

Its policy allows the one style sheet that stands in it, and nothing else. What it shows of the lines are keys, counts
and shapes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from domain.redact import mask_patients
from logwatch.analysis import DIMENSIONS
from logwatch.timeline import Timeline, quantile
from pharmapulse.report.drawings import MOST_STEPS, bar, fates, histogram, ms_words, over_time
from pharmapulse.report.text import PARTS, shown

_HERE = Path(__file__).parent
_ROWS = 20
_TITLES = {
    "hub": "Hubs", "endpoint": "Endpoints", "vendor": "Vendors", "pharmacy": "Pharmacies", "code": "Codes",
    "server": "Servers",
}  # fmt: skip
_MOST_FILES = 4


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reading found: the object of `--json`, its course over time, and what was amiss."""

    result: Mapping[str, Any]
    timeline: Timeline
    amiss: Sequence[tuple[str, Sequence[tuple[str, int]]]]
    shapes: Sequence[str]


def page(findings: Findings, files: Sequence[str], zone: ZoneInfo, now: datetime) -> str:
    """The page's text."""
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=select_autoescape(), trim_blocks=False)
    css = (_HERE / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    result = findings.result
    _, _, outside = findings.timeline.steps(MOST_STEPS)
    bins = findings.timeline.latency()
    calls, technical, functional = _sums(result)
    share = technical * 100 / calls if calls else 0.0
    names = ["standard input" if name == "-" else mask_patients(Path(name).name) for name in files]
    named = ", ".join(names[:_MOST_FILES]) + (
        f" and {len(names) - _MOST_FILES} more" if len(names) > _MOST_FILES else ""
    )
    drawings = over_time(findings.timeline, zone)
    spread = histogram(bins)
    parts = [(part, result[part]) for part in PARTS if result[part] or part in ("events", "malformed")]
    text = environment.get_template("page.html").render(
        digest=digest, css=Markup(css),  # noqa: S704 (our own file)
        title=f"{named}: {calls:,} call{'s' * (calls != 1)}",
        answer=f"{calls:,} call{'s' * (calls != 1)} in {named};",
        told=f"{technical:,} failed technically ({share:.2g} %)." if technical else "none failed technically.",
        state="down" if share >= 1 else "degraded" if technical else "fine",
        span=_span(result, zone, outside),
        figures=_figures(calls, functional, technical, findings),
        lines=result["lines"], format=result["format"], parts=parts,
        fates=Markup(fates(parts)),  # noqa: S704 (numbers and words of our own)
        drawings=[*drawings, *([spread] if spread else [])],
        tables=[_table(name, result["by"][name]) for name in DIMENSIONS if result["by"][name]],
        amiss=findings.amiss, shapes=findings.shapes,
        footer=f"Made {now.astimezone(zone):%Y-%m-%d %H:%M %Z} by pharmapulse {version('pharmapulse')} from "
        f"{len(names)} file{'s' * (len(names) != 1)}, {result['bytes']:,} bytes. Patients' numbers never leave the "
        "line they are read from. Counts of pharmacies are for those who run the hubs.",
    )  # fmt: skip
    return text + "\n"


def _latency(findings: Findings) -> tuple[str, str]:
    """The median and the 95th percentile of all calls in words; "-" for none."""
    bins = findings.timeline.latency()
    told = [quantile(bins, share) for share in (0.5, 0.95)]
    first, second = ("-" if value is None else ms_words(value / 1_000) for value in told)
    return first, second


def _sums(result: Mapping[str, Any]) -> tuple[int, int, int]:
    """Calls, technical and functional failures of all, from the first dimension that has rows."""
    rows: Iterable[Mapping[str, int]] = next((result["by"][name] for name in DIMENSIONS if result["by"][name]), [])
    held = list(rows)
    if not held:
        return result["events"], 0, 0
    return (
        sum(row["calls"] for row in held), sum(row["technical"] for row in held),
        sum(row["functional"] for row in held),
    )  # fmt: skip


def _span(result: Mapping[str, Any], zone: ZoneInfo, outside: int) -> str:
    if not result["first"]:
        return "No line is a call."
    first, last = (datetime.fromisoformat(result[name]).astimezone(zone) for name in ("first", "last"))
    left = f" {outside:,} calls at stray times are left out of the drawings." if outside else ""
    return f"From {first:%a %d %b %Y %H:%M:%S} to {last:%a %d %b %Y %H:%M:%S}, {zone.key}.{left}"


def _figures(calls: int, functional: int, technical: int, findings: Findings) -> list[tuple[str, str]]:
    latency = _latency(findings)
    found = [
        (f"{calls:,}", "calls"), (f"{technical:,}", "technical failures"), (f"{functional:,}", "functional failures"),
        (latency[0], "median latency"), (latency[1], "95th percentile"),
    ]  # fmt: skip
    if patients := findings.result.get("patients"):
        found.append((f"{patients['about']:,}", "distinct patients, about"))
    return found


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    most = max(row["calls"] for row in rows)
    approx = "; quantiles in bins about 5 % wide" if rows[0].get("approx") else ""
    return {
        "title": _TITLES[name],
        "name": name,
        "note": f"{len(rows):,} of them{approx}",
        "timed": any(row["p95_ms"] is not None for row in rows),
        "more": max(len(rows) - _ROWS, 0),
        "rows": [
            {
                "key": shown(row["key"]),
                "bar": bar(row["calls"] / most),
                "calls": f"{row['calls']:,}",
                "functional": f"{row['functional']:,}",
                "functional_css": " warn" if row["functional"] * 20 > row["calls"] else "",
                "technical": f"{row['technical']:,}",
                "technical_css": " bad" if row["technical"] * 50 > row["calls"] else "",
                **{
                    word: "-" if row[key] is None else ms_words(row[key])
                    for word, key in (("p50", "p50_ms"), ("p95", "p95_ms"), ("longest", "max_ms"))
                },
            }
            for row in rows[:_ROWS]
        ],
    }
