"""The object of `analyse --json` as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from logwatch.analysis import DIMENSIONS
from logwatch.events import Tally

SHOWN = 12
PARTS = ("events", "continuations", "ignored", "malformed", "future")
_LONGEST = 60


def told(result: Mapping[str, Any]) -> str:
    """Counts, failures and latency by each dimension."""
    out = [
        f"{result['lines']:,} lines, {result['bytes']:,} bytes, read as {result['format']} in {result['seconds']} s",
        ", ".join(f"{result[part]:,} {part}" for part in PARTS),
    ]
    if result["first"]:
        out.append(f"from {result['first']} to {result['last']}")
    if result["patients"]:
        out.append(f"about {result['patients']['about']:,} distinct patients (2 % off now and then)")
    for name in DIMENSIONS:
        rows = result["by"][name]
        if not rows:
            continue
        width = max(len(name), *(len(shown(row["key"])) for row in rows[:SHOWN]))
        out += [
            "",
            f"{name:<{width}}  {'calls':>11} {'functional':>11} {'technical':>10} {'p50':>8} {'p95':>8} {'max':>9}",
        ]
        for row in rows[:SHOWN]:
            times = " ".join(
                f"{'-' if row[key] is None else f'{row[key]:,}ms':>{size}}"
                for key, size in (("p50_ms", 8), ("p95_ms", 8), ("max_ms", 9))
            )
            counts = f"{row['calls']:>11,} {row['functional']:>11,} {row['technical']:>10,}"
            out.append(f"{shown(row['key']):<{width}}  {counts} {times}")
        if len(rows) > SHOWN:
            out.append(f"… and {len(rows) - SHOWN:,} more; --json prints them all")
    return "\n".join(out) + "\n"


def amiss(tally: Tally) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """What was amiss in the lines that were read: a heading, and the most frequent keys with their counts."""
    for what, counts in (
        ("keys that were there but not valid", tally.invalid),
        ("codes nobody has classed", tally.unknown_codes),
        ("lines whose key came after too many others, counted as `other`", tally.overflow),
        ("lines on which a pattern ran away and was stopped", tally.runaway),
    ):
        if counts:
            yield what, sorted(counts.items(), key=lambda item: -item[1])[:SHOWN]


def shown(key: str) -> str:
    """A key as it is shown: "-" for the missing one, and not too long."""
    return key if len(key) <= _LONGEST else key[: _LONGEST - 1] + "…" if key else "-"
