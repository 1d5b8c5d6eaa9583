"""The findings as text for people, in columns, and as JSON for machines."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

import msgspec

from pharmapulse.doctor.finding import Finding, Level

_SIGNS: dict[Level, str] = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
_COLOURS: dict[Level, str] = {"ok": "\x1b[32m", "warn": "\x1b[33m", "fail": "\x1b[31;1m"}
_PLAIN = "\x1b[0m"
_LEAST_WIDTH, _GAP = 40, 2


def as_text(findings: Sequence[Finding], *, colour: bool, width: int) -> str:
    """One finding a paragraph: how it is, which check, what was found; the mend below it."""
    names = max((len(finding.check) for finding in findings), default=0)
    indent = " " * (len(_SIGNS["ok"]) + names + 2 * _GAP)
    room = max(_LEAST_WIDTH, width - len(indent))
    lines: list[str] = []
    for finding in findings:
        sign = _SIGNS[finding.level]
        if colour:
            sign = f"{_COLOURS[finding.level]}{sign}{_PLAIN}"
        told = _wrapped(finding.found, room)
        if finding.mend:
            mend = _wrapped(finding.mend, room - 2)
            told += [f"→ {mend[0]}", *(f"  {line}" for line in mend[1:])]
        lines.append(f"{sign}{' ' * _GAP}{finding.check:<{names}}{' ' * _GAP}{told[0]}")
        lines += [f"{indent}{line}" for line in told[1:]]
    return "\n".join([*lines, "", summary(findings)]) + "\n"


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width`; a command or a path is never broken within a word."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def summary(findings: Sequence[Finding]) -> str:
    """How it is in all, in a sentence."""
    counts = Counter(finding.level for finding in findings)
    if counts["fail"]:
        return f"{counts['fail']} to mend, {counts['warn']} to look after, {counts['ok']} fine"
    return f"nothing to mend, {counts['warn']} to look after, {counts['ok']} fine"


def as_json(findings: Sequence[Finding]) -> str:
    """One object: whether all is well enough, and each finding."""
    body = {"ok": not any(finding.level == "fail" for finding in findings), "findings": findings}
    return msgspec.json.format(msgspec.json.encode(body), indent=1).decode() + "\n"
