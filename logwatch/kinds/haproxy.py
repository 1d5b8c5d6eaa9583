r"""HAProxy's lines: `option httplog` and `option tcplog`, whatever syslog has put before them.

Fields: client, time (the accept date), frontend (without the `~` of TLS), backend, server, upstream
(backend/server), Tq, Tw, Tc, Tr, Tt, status, bytes, termination, request, cookies and captured headers,
the counts of connections and the queues. Tq is TR and Tt is Ta in newer versions; a tcplog line has neither
Tq, Tr, status nor request. A `+` (logged before the end) is taken off; `<BADREQ>` is no request.
`code` is the status or, where no answer was sent, how the session ended (`CH`, `SC`; "" for `--`); `as_status`
is the HTTP status that such an end counts as. One pattern, written in the words that both Python's `re` and
Rust's `regex` read alike, serves one line and a block. Source: HAProxy's configuration manual, "Logging".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Self

from domain.codes import Judgement, judge
from domain.settings import Fields, Format
from logwatch.kinds.base import Column, Kind, Request, Split

if TYPE_CHECKING:
    import polars as pl

_TIMER, _COUNT, _WORD = "[0-9]+|-[0-9]*", r"\+?[0-9]+", "[^ ]+"
_COUNTS = ("actconn", "feconn", "beconn", "srv_conn", "retries")
# Names and patterns in turn; a name stands for the pattern beside it. `_` marks tcplog's part.
_LINE = (
    ("", "^(?:.*? )?"), ("client", _WORD), ("", r" \["),
    ("time", r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}(?:\.[0-9]{1,6})?"), ("", r"\] "),
    ("frontend", "[^ ~]+"), ("", "~? "),
    ("upstream", (("backend", "[^ /]+"), ("", "/"), ("server", _WORD))), ("", ' (?:[^ /"]+ )?(?:'),
)  # fmt: skip
_HTTP = (
    ("Tq", _TIMER), ("", "/"), ("Tw", _TIMER), ("", "/"), ("Tc", _TIMER), ("", "/"), ("Tr", _TIMER), ("", r"/\+?"),
    ("Tt", _TIMER), ("", " "), ("status", _TIMER), ("", r" \+?"), ("bytes", _TIMER), ("", " "),
    ("request_cookie", _WORD), ("", " "), ("response_cookie", _WORD), ("", " "), ("termination", "[A-Za-z-]{4}"),
)  # fmt: skip
_TCP = (
    ("Tw_", _TIMER), ("", "/"), ("Tc_", _TIMER), ("", r"/\+?"), ("Tt_", _TIMER), ("", r" \+?"), ("bytes_", _TIMER),
    ("", " "), ("termination_", "[A-Za-z-]{2}"),
)  # fmt: skip
# A line that is cut off at syslog's limit has no second quote.
_REQUEST = (
    ("", r" (?:\{"), ("request_headers", "[^}]*"), ("", r"\} )?(?:\{"), ("response_headers", "[^}]*"), ("", r'\} )?"'),
    ("request", '[^"]*'), ("", '(?:".*)?$'),
)  # fmt: skip
_BAD_REQUEST = "<BADREQ>"
# The fields that are in both parts, and what is made of others.
_BOTH = frozenset(("Tw", "Tc", "Tt", "bytes", "termination", *_COUNTS, "srv_queue", "backend_queue"))
_MADE = ("code", "as_status")

# What a session that ended before an answer counts as, by the first letter of its termination state: the client
# (C, and c for its timeout) left; the server (S, s) refused, broke off or was too slow; HAProxy refused (P), was
# out of something (R) or out of order (I); the server went down (D), a better one came up (U), an operator killed
# the session (K); HAProxy answered by itself (L).
_ENDS = {
    "C": "499", "c": "408", "S": "502", "s": "504", "P": "400", "R": "503", "I": "500", "D": "503", "U": "503",
    "K": "503", "L": "200",
}  # fmt: skip
# HAProxy refuses the client's request (R) but also the server's answer (H, D) and, when full, connections (C, Q).
_REFUSED = {"PH": "502", "PD": "502", "PC": "503", "PQ": "503"}
_AS_STATUS: Mapping[str, str] = {
    first + second: _REFUSED.get(first + second, status) for first, status in _ENDS.items() for second in "RQCHDLT-"
}

_Parts = tuple[tuple[str, "str | _Parts"], ...]


def _tail(mark: str) -> _Parts:
    """The counts of connections and the queues, which end both parts."""
    counts = [pair for name in _COUNTS for pair in ((f"{name}{mark}", _COUNT), ("", "/"))]
    queues = [("", " "), (f"srv_queue{mark}", _COUNT), ("", "/"), (f"backend_queue{mark}", _COUNT)]
    return (("", " "), *counts[:-1], *queues)


def _pattern(parts: _Parts, wanted: Collection[str] | None = None) -> str:
    """The pattern with groups for the wanted names, all when None: each group costs time."""
    text = ""
    for name, inner in parts:
        pattern = inner if isinstance(inner, str) else _pattern(inner, wanted)
        if name:
            pattern = f"(?P<{name}>{pattern})" if wanted is None or name in wanted else f"(?:{pattern})"
        text += pattern
    return text


_ALL: _Parts = (*_LINE, *_HTTP, *_tail(""), *_REQUEST, ("", "|"), *_TCP, *_tail("_"), ("", "(?: .*)?$)"))
_EXACT = re.compile(_pattern(_ALL))


class Haproxy(Kind):
    """The kind `haproxy`."""

    @classmethod
    def of(cls, _form: Format, _path: str) -> Self:
        """Such lines need nothing declared."""
        return cls()

    @staticmethod
    def defaults() -> Fields:
        """The hub is the backend, the endpoint the request's method and path, the server is named with its backend."""
        return Fields(
            hub="backend", endpoint="request", server="upstream", code="code", status="as_status", duration_ms="Tt"
        )

    @staticmethod
    def time_field() -> str:
        """The accept date in brackets, when the connection or the request came in."""
        return "time"

    @staticmethod
    def codes() -> Mapping[str, Judgement]:
        """How sessions ended that had no answer, judged as the status they count as."""
        return {end.upper(): judge("", int(status)) for end, status in _AS_STATUS.items()}

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The fields of a line; None when it is no line of a session."""
        match = _EXACT.match(line)
        if match is None:
            return None
        groups = match.groupdict("")
        fields = {name: value or groups.get(f"{name}_", "") for name, value in groups.items() if name[-1] != "_"}
        status, end = fields["status"], fields["termination"][:2]
        answered = _is_status(status)
        if fields["request"] == _BAD_REQUEST:
            fields["request"] = ""
        fields["code"] = status if answered else "" if end == "--" else end
        fields["as_status"] = status if answered else _AS_STATUS.get(end, "")
        return fields

    def split(self, block: bytes, request: Request) -> Split | None:
        """Columns by one pass of the pattern; lines that do not match are left to be read by themselves."""
        import polars as pl  # it takes long: only where it is used

        text = block.decode("utf-8", "replace")
        lines = text.removesuffix("\n").split("\n")
        made = any(name in request.wanted for name in _MADE)
        names = {name for name in request.wanted if name not in _MADE} | {request.time}
        names |= {"status", "termination"} if made else set()
        both = names & _BOTH
        pattern = _pattern(_ALL, names | {f"{name}_" for name in both})
        groups = pl.Series(lines, dtype=pl.String).str.extract_groups(pattern).struct.unnest()
        found = {name: [at for at in (name, f"{name}_") if at in groups.columns] for name in names}
        frame = groups.select(pl.coalesce(at).alias(name) for name, at in found.items() if at)
        if made:
            frame = frame.with_columns(_made(frame))
        columns = {name: Column(name) for name in request.wanted if name in frame.columns}
        sound = frame[request.time].is_not_null().to_numpy()
        keys = pl.col(name for name in columns if name not in request.texts).fill_null("")
        if "request" in columns:
            no_request = pl.col("request") == _BAD_REQUEST
            frame = frame.with_columns(pl.when(no_request).then(pl.lit("")).otherwise("request").alias("request"))
        return Split(frame.with_columns(keys.cast(request.categorical)), columns, sound=sound)


def _is_status(text: str) -> bool:
    return len(text) == 3 and text[0] != "-"


def _made(frame: pl.DataFrame) -> list[pl.Expr]:
    """`code` and `as_status` of every line, as `fields` makes them."""
    import polars as pl  # it takes long: only where it is used

    end = pl.col("termination").fill_null("").str.head(2)
    counts_as = end.replace_strict(list(_AS_STATUS), list(_AS_STATUS.values()), default="", return_dtype=pl.String)
    end = pl.when(end == "--").then(pl.lit("")).otherwise(end)
    if "status" not in frame.columns:
        return [end.alias("code"), counts_as.alias("as_status")]
    status = pl.col("status")
    is_status = ((status.str.len_bytes() == 3) & ~status.str.starts_with("-")).fill_null(False)
    if frame.select(is_status.all()).item():
        return [status.alias(name) for name in _MADE]
    return [
        pl.when(is_status).then(status).otherwise(made).alias(name)
        for name, made in zip(_MADE, (end, counts_as), strict=True)
    ]
