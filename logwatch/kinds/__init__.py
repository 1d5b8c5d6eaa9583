"""The kinds of log: each splits lines into named fields. A new kind is one file and one line in `KINDS`."""

from __future__ import annotations

from logwatch.kinds.access import Access
from logwatch.kinds.base import Kind
from logwatch.kinds.delimited import Delimited
from logwatch.kinds.haproxy import Haproxy
from logwatch.kinds.json import Json
from logwatch.kinds.logfmt import Logfmt
from logwatch.kinds.regex import Regex
from logwatch.kinds.syslog import Syslog

KINDS: dict[str, type[Kind]] = {
    "access": Access,
    "delimited": Delimited,
    "haproxy": Haproxy,
    "json": Json,
    "logfmt": Logfmt,
    "regex": Regex,
    "syslog": Syslog,
}

__all__ = ["KINDS", "Kind"]
