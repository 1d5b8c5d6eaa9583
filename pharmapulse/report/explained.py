"""An explanation of one line as text."""

from __future__ import annotations

from collections.abc import Sequence

from logwatch.explain import Explanation


def told(place: str, how: str, explanation: Explanation, readers: Sequence[str]) -> str:
    """The explanation of the line at `place`; `how` its format was found, `readers` the other formats that read it."""
    out = [
        f"{place}: {explanation.verdict}: {explanation.why}",
        f"format: {explanation.format} (kind {explanation.kind}), {how}",
        f"line, letters and digits blanked: {explanation.line}",
    ]
    if explanation.fields:
        head = ("key", "from", "stands there", "gives", "")
        rows = [head, *((told.key, told.field, told.token, told.gives, told.note) for told in explanation.fields)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(head) - 1)]
        out.append("")
        for row in rows:
            cells = [f"{cell or '-':<{width}}" for cell, width in zip(row, widths, strict=False)]
            out.append("  ".join([*cells, row[-1]]).rstrip())
    if explanation.unread:
        out += ["", f"not asked for, and so never kept: {', '.join(explanation.unread)}"]
    out += ["", *(f"masked: {one}" for one in explanation.masked or ("nothing: no patient's number stands in it",))]
    if readers:
        out.append(f"formats that read it as a call: {', '.join(readers)}")
    return "\n".join(out) + "\n"
