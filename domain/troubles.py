"""What is amiss with a source, in words: the same in the log watcher's status, in alerts and on pages."""

from __future__ import annotations

from collections.abc import Mapping

from domain import figures
from domain.batch import SourceState, Trouble

# Beyond these somebody should look. A source is complete up to a few seconds ago while all is well; a clock that is
# off by a minute puts calls into other minutes than they happened in.
BEHIND_SECONDS, SKEW_SECONDS = 60.0, 60.0
_MOST_CODES = 5
# An incident of a source in words: while it lasts, and after.
IS_NOW: Mapping[str, str] = {
    "lost": "lost lines", "unbalanced": "has lines that do not add up", "unread": "may lose lines to rotation",
    "unreadable": "cannot be read", "absent": "has no file", "skewed": "is written by a clock that is off",
}  # fmt: skip
WAS_THEN: Mapping[str, str] = {
    "lost": "lost lines", "unbalanced": "had lines that did not add up", "unread": "might have lost lines to rotation",
    "unreadable": "could not be read", "absent": "had no file", "skewed": "was written by a clock that was off",
}  # fmt: skip
# What is so, and the mend.
_WORDS: Mapping[str, tuple[str, str]] = {
    "unread": ("rotated before it was read", "Let rotation keep it longer: a larger rotate, delaycompress"),
    "lost": ("bytes were lost that were never read", "Rotate by renaming, and keep files until they are read"),
    "unbalanced": ("its lines or bytes do not add up", "Report it as a fault of pharmapulse, with its log"),
    "unreadable": ("it cannot be read", "Let the log watcher's user read it: setfacl -m u:pharmapulse:r FILE"),
    "absent": ("no file was ever found", "Check its paths, and whether that hub writes there"),
}


def source_amiss(source: SourceState, now: float) -> list[str]:
    """What is amiss with one source, in sentences that begin with its name."""
    name = source.source
    found = [f"{name}: {trouble_words(one)}. {trouble_mend(one.kind)}" for one in source.troubles]
    if not source.accounting.balanced:
        found.append(f"{name}: its lines do not add up. Report it as a fault of pharmapulse")
    if source.behind_seconds > BEHIND_SECONDS:
        found.append(
            f"{name}: {source.unread_bytes:,} bytes wait to be read, the oldest for {source.behind_seconds:,.0f} s"
        )  # fmt: skip
    elif source.watermark is not None and now - source.watermark > BEHIND_SECONDS:
        found.append(f"{name}: complete only up to {now - source.watermark:,.0f} s ago")
    if source.skew_seconds is not None and abs(source.skew_seconds) > SKEW_SECONDS:
        found.append(f"{name}: {skew_words(source.skew_seconds)}. Set both by NTP")
    return found


def trouble_words(trouble: Trouble) -> str:
    """A trouble in a sentence: which file, what, how many bytes. Its mend is `trouble_mend`."""
    place = f"{trouble.file}: " if trouble.file else ""
    what = trouble.detail or _WORDS[trouble.kind][0]
    size = f"{trouble.bytes:,} bytes" if trouble.bytes else ""
    return f"{place}{what}{f' ({size})' if size and size not in what else ''}"


def trouble_mend(kind: str) -> str:
    """What to do about a kind of trouble."""
    return _WORDS[kind][1]


def source_words(place: str) -> str:
    """How a source is called: `place` is "AGENT/SOURCE"."""
    agent, _, source = place.partition("/")
    return f"The source {source} of {agent}"


def skew_words(seconds: float) -> str:
    """A clock that is off."""
    side = "ahead of" if seconds > 0 else "behind"
    off = figures.duration(round(abs(seconds)))
    return f"the clock that writes its lines is {off} {side} the log watcher’s"


def codes_words(codes: Mapping[str, int]) -> str:
    """The codes with most calls."""
    most = sorted(codes.items(), key=lambda one: (-one[1], one[0]))
    more = f" and {len(most) - _MOST_CODES} more" if len(most) > _MOST_CODES else ""
    return ", ".join(f"{code} ({count:,})" for code, count in most[:_MOST_CODES]) + more
