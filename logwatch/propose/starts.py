"""What the lines begin with that start an event, where others continue them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from domain.formats import Format
from logwatch.propose.times import find


def starts_of(form: Format, lines: Sequence[str]) -> str:
    """What lines begin with that start an event, where many others begin with something else; "" where none do."""
    if form.kind == "json":
        return ""
    beginnings = Counter(_beginning(line) for line in lines if line.strip())
    if not beginnings:
        return ""
    first, often = beginnings.most_common(1)[0]
    others = sum(count for beginning, count in beginnings.items() if beginning != first)
    indented = sum(1 for line in lines if line[:1] in (" ", "\t") or line.startswith("Caused by"))
    time = find([line[:60] for line in lines])
    leads = time is not None and (match := time.search(_most_like(first, lines))) is not None and match.start() <= 1
    if not leads or others * 50 < len(lines) or (indented * 50 < len(lines) and others > often):
        return ""
    return f"^{first}"


def _beginning(line: str) -> str:
    """A pattern for the first characters of a line."""
    head = re.match(r"[\[(<]?(?:[0-9]+[-/.:TZ]?){2,3}|[\[(<]?[A-Z][a-z]{2} ", line)
    if head is None:
        return ""
    text = re.escape(head[0][:8])
    return re.sub(r"[A-Z][a-z]{2}", "[A-Z][a-z]{2}", re.sub(r"[0-9]", r"\\d", text))


def _most_like(beginning: str, lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip() and _beginning(line) == beginning), "")
