"""Which patterns of a format both of our engines understand alike: the `regex` module, and polars' of Rust.

What lines mean is said by the `regex` module, with a time limit. Rust's engine reads a block at a time, so it is
used where it is sure to find the same: for patterns in the words of this table, on lines of plain ASCII.
"""

from __future__ import annotations

import re

# One word a match: an escape, a class, the opening of a group, its end, a quantifier, an anchor, a plain character.
_WORD = re.compile(
    r"""(?P<escape>\\[dDsSwWt.\[\](){}|*+?^$\\/"'\-#&=:;,<>@!%~_ ])
      | (?P<set>\[\^?(?:\\[dsw.\[\]\\/\-^"'|+*?(){}$]|[^\[\]\\&~\-]|-(?![\-&~])|&(?!&)|~(?!~))+\])
      | (?P<open>\((?:\?:|\?P?<[A-Za-z_][A-Za-z0-9_]*>)?)
      | (?P<close>\))
      | (?P<quantifier>(?:[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\})\??(?![+*?]))
      | (?P<plain>[^\\\[\](){}*+?])""",
    re.VERBOSE,
)
_GROUP = re.compile(r"\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>")


def is_common(pattern: str) -> bool:
    """Whether both engines find the same with a pattern on ASCII text without control characters.

    A repeated group that itself repeats or chooses is left out, too: it may run away in one and not in the other.
    """
    if not pattern.isascii() or not pattern.isprintable():
        return False
    names = _GROUP.findall(pattern)
    if len(names) != len(set(names)):
        return False
    at = 0
    # For each open group, the outermost first, whether something within repeats or is chosen.
    repeats = [False]
    closed = False
    previous = ""
    while at < len(pattern):
        match = _WORD.match(pattern, at)
        if match is None:
            return False
        word, kind = match.group(), match.lastgroup
        if kind == "open":
            repeats.append(False)
        elif kind == "close":
            if len(repeats) == 1:
                return False
            closed = repeats.pop()
            repeats[-1] |= closed
        elif kind == "quantifier":
            if previous in ("", "open", "quantifier") or pattern[at - 1] in "|^$":
                return False
            if previous == "close" and closed and not word.startswith("?"):
                return False
            repeats[-1] = True
        elif word == "|":
            repeats[-1] = True
        previous, at = kind or "", match.end()
    return len(repeats) == 1
