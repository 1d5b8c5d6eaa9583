r"""Syslog lines: RFC 5424, and RFC 3164 as it is written in practice, with and without priority, year or host.

Fields: priority, facility, severity, timestamp, hostname, appname, procid, message; of RFC 5424 also version,
msgid and the structured data as `sd.ID.NAME` (`sd.ID` is "true" for an element). The time also stands in
`timestamp.rfc3164` or `timestamp.rfc5424`, so that a format may read one of the two only. `as_status` is the HTTP
status that the severity counts as: 500 from `err` up, else 200. With `inner`, the message (or `inner_field`) is a
line of another format, whose fields stand beside these and below that field.

A frame that begins with its length (RFC 6587) is one line; one with another behind it cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from domain.settings import Fields, Format
from logwatch.kinds.base import Kind, Request, Split
from logwatch.kinds.inner import inner_kind
from logwatch.names import month_of, zone_minutes

_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", *(f"local{number}" for number in range(8)),
)  # fmt: skip
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_HIGHEST_PRIORITY = len(_FACILITIES) * len(_SEVERITIES) - 1
# From this severity down to 0 a component failed.
_ERR = _SEVERITIES.index("err")

_FRAME = re.compile(r"([1-9][0-9]{0,6}) (?=<)")
_PRIORITY = re.compile(r"<([0-9]{1,3})>")
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_ISO = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
_RFC5424 = re.compile(
    rf"(?P<version>[1-9][0-9]{{0,2}}) (?P<timestamp>-|{_ISO}) (?P<hostname>[^ ]+) (?P<appname>[^ ]+) (?P<procid>[^ ]+)"
    r' (?P<msgid>[^ ]+) (?P<sd>-|(?:\[[^ =\]"]+(?: +[^ =\]"]+="(?:[^"\\]|\\.)*")*\])+)(?: (?P<message>.*))?'
)
_ELEMENT = re.compile(r'\[([^ =\]"]+)((?: +[^ =\]"]+="(?:[^"\\]|\\.)*")*)\]')
_PARAMETER = re.compile(r'([^ =\]"]+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r'\\(["\\\]])')
# A month by name, which may be another language's; routers write a sign before it, and the year on either side.
_RFC3164 = re.compile(
    rf"[*.]?(?:(?P<month>[^\W\d_]{{3,9}}\.?) +(?P<day>[0-9]{{1,2}}) (?:(?P<year>[0-9]{{4}}) )?(?P<clock>{_CLOCK})"
    rf"(?: (?P<late_year>(?:19|20)[0-9]{{2}})(?= ))?(?: (?P<zone>[A-Z]{{1,5}}|[+-][0-9]{{2}}:?[0-9]{{2}})(?=[ :]))?"
    rf"|(?P<iso>{_ISO})):? (?P<rest>.*)"
)
# Who wrote it: a host, which a line from the machine's own socket lacks, and a program, with its process or not.
_TAG = re.compile(
    r"(?:(?P<hostname>[^ ]*[^ :\]]) )?"
    r"(?:(?P<appname>[^ \[\]]+(?: [^ :\[\]]+){0,2}?)\[(?P<procid>[^\[\]]*)\](?: \([^)]*\))?:?"
    r"|(?P<alone>[^ \[\]]*[^ :\[\]])(?: \([^)]*\))?:)(?: +(?P<message>.*)|$)"
)
# A program that writes its level where syslog has the host writes no syslog.
_LEVELS = frozenset(["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "SEVERE"])


class Syslog(Kind):
    """The kind `syslog`."""

    def __init__(self, inner: Kind | None = None, inner_field: str = "message") -> None:
        self._inner, self._inner_field = inner, inner_field

    @classmethod
    def of(cls, form: Format, path: str) -> Self:
        """Lines of either RFC, and what their message holds."""
        return cls(inner_kind(form, path), form.inner_field or "message")

    @staticmethod
    def defaults() -> Fields:
        """The endpoint is the program, the server the host; a severity of `err` and above a failure."""
        return Fields(endpoint="appname", server="hostname", status="as_status")

    @staticmethod
    def time_field() -> str:
        """The time in the line's head."""
        return "timestamp"

    def fields(self, line: str) -> Mapping[str, str] | None:
        """The fields of a line; None when its head, or what it should hold within, cannot be read."""
        # An event over several lines has its head in the first; the others are of its message.
        line, _, more = line.partition("\n")
        found = _head(line)
        if found is not None and more:
            found["message"] += f"\n{more}"
        if found is None or self._inner is None:
            return found
        inner = self._inner.fields(found.get(self._inner_field, ""))
        if inner is None:
            return None
        return {**inner, **{f"{self._inner_field}.{name}": value for name, value in inner.items()}, **found}

    def split(self, _block: bytes, _request: Request) -> Split | None:
        """Lines are read one by one."""
        return None


def _head(line: str) -> dict[str, str] | None:
    """Head and message of a line of either RFC."""
    frame = _FRAME.match(line)
    if frame:
        line = line[frame.end() :]
        # Bytes that were no UTF-8 are three of what they were one of: then nothing can be said of the length.
        if len(line.encode()) > int(frame[1]) and "\ufffd" not in line:
            return None
    found: dict[str, str] = {}
    priority = _PRIORITY.match(line)
    if priority:
        number = int(priority[1])
        if number > _HIGHEST_PRIORITY:
            return None
        facility, severity = divmod(number, len(_SEVERITIES))
        found = {
            "priority": priority[1],
            "facility": _FACILITIES[facility],
            "severity": _SEVERITIES[severity],
            "as_status": "500" if severity <= _ERR else "200",
        }
        line = line[priority.end() :]
        if match := _RFC5424.fullmatch(line):
            return found | _of_rfc5424(match)
    match = _RFC3164.match(line)
    more = _of_rfc3164(match, bool(priority)) if match else None
    return None if more is None else found | more


def _of_rfc5424(match: re.Match[str]) -> dict[str, str]:
    found = {name: "" if value in (None, "-") else value for name, value in match.groupdict().items() if name != "sd"}
    found["message"] = (match["message"] or "").removeprefix("\ufeff")
    found["timestamp.rfc5424"] = found["timestamp"]
    for name, parameters in _ELEMENT.findall(match["sd"]):
        found[f"sd.{name}"] = "true"
        for key, value in _PARAMETER.findall(parameters):
            found.setdefault(f"sd.{name}.{key}", _ESCAPED.sub(r"\1", value))
    return found


def _of_rfc3164(match: re.Match[str], has_priority: bool) -> dict[str, str] | None:
    stamp, rest = match["iso"], match["rest"]
    if stamp is None:
        if (stamp := _stamp(match)) is None:
            return None
        zone = match["zone"]
        if zone and zone_minutes(zone) is None:
            # Capitals behind the clock that name no zone are the host.
            rest = match.string[match.start("zone") :]
    tag = _TAG.match(rest)
    if tag is None:
        if match["iso"] and not has_priority:
            return None
        hostname, _, message = rest.partition(" ")
        if not hostname[:1].isalnum():
            hostname, message = "", rest
        return _found(stamp, hostname, "", "", message)
    hostname, appname = tag["hostname"] or "", tag["appname"] or tag["alone"] or ""
    if match["iso"] and not has_priority and {hostname, appname} & _LEVELS:
        return None
    return _found(stamp, hostname, appname, tag["procid"] or "", tag["message"] or "")


def _stamp(match: re.Match[str]) -> str | None:
    """The time as ISO 8601 where the line names the year, else as it stands; None where there is no such month."""
    month, day, clock = month_of(match["month"]), int(match["day"]), match["clock"]
    if month is None:
        return None
    year, zone = match["year"] or match["late_year"], match["zone"]
    zone = f" {zone}" if zone and zone_minutes(zone) is not None else ""
    return f"{year}-{month:02d}-{day:02d}T{clock}{zone}" if year else f"{match['month']} {day:2d} {clock}{zone}"


def _found(stamp: str, hostname: str, appname: str, procid: str, message: str) -> dict[str, str]:
    return {
        "timestamp": stamp,
        "timestamp.rfc3164": stamp,
        "hostname": hostname,
        "appname": appname,
        "procid": procid,
        "message": message.removeprefix("\ufeff"),
    }
