"""The kinds of log: each splits lines into named fields. A new kind is one file and one line in `KINDS`."""

from __future__ import annotations

from logwatch.kinds.access import Access
from logwatch.kinds.base import Kind
from logwatch.kinds.haproxy import Haproxy
from logwatch.kinds.logfmt import Logfmt
from logwatch.kinds.regex import Regex

KINDS: dict[str, type[Kind]] = {"access": Access, "haproxy": Haproxy, "logfmt": Logfmt, "regex": Regex}

__all__ = ["KINDS", "Kind"]
