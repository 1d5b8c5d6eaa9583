"""Strategies: logs as they should be, with lines as they should not be among them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.logwatch.some import FORMATS

_TIMES_ISO = (
    "2026-11-22T10:36:12.123+01:00", "2026-11-22T10:36:12+01:00", "2026-11-22T10:36:13.5Z", "2026-11-22 10:36:14,004",
    "2026-10-25T02:30:00", "2026-03-29T02:30:00.25", "1795340172", "1795340172.25", "1795340172123",
    "2026-02-30T00:00:00Z", "2027-01-01T00:00:00Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "nonsense", "",
    "2026-11-22T10:36:12.123456789+0100",
)  # fmt: skip
_TIMES_CLF = (
    "22/Nov/2026:10:36:12 +0100", "22/Nov/2026:10:36:13 +0100", "22/Nov/2026:09:36:12 +0000", "22/Nov/2026:10:36:12",
    "31/Feb/2026:10:36:12 +0100", "22/nov/2026:10:36:12 +0100", "2026-11-22T10:36:12.5+01:00",
    "01/Jan/2027:00:00:00 +0100", "01/Jan/0001:00:00:00 +0100", "-", "22/Nov/2026:25:36:12 +0100",
)  # fmt: skip
_CODES = ("TIP_200", "tip_200", "PCDH_ERROR_TECHNICAL", "ERR4000081", "200", "503", "-", "", "X" * 201, "50010199928")
_PHARMACIES = ("00000196", "00012371", "00012372", "0001237", "-", "", "1234567a", "٠٠٠٠٠١٩٦")
_DURATIONS = (
    "0", "87", "87123", "0.125", "12.5", "-", "-1", "", "1e3", "+5", "999999999999999", "1234567890123456", "٣",
)  # fmt: skip
_WORDS = (
    "tip.registerData", "pcdh.getData", "a=b", "subject/50010199928/x", "50.01.01-999.28", "é", "other", "x" * 190,
)  # fmt: skip
_CLIENTS = ("softa/4.2.1", "softb/2.0", "softa", "9", "-", "curl/8.0 (x; y)")
_PATHS = ("/dpp/tip.registerData", "/recipe/x/123456?ssin=50010199928", "/", "/healthz", "/é", "/a%20b;j=1")
_REQUESTS = ("-", "", "\\x16\\x03", "GET http://h/dpp/y", "GET /dpp/http://h/y HTTP/1.1")
_BAD_BYTES = (
    b"\x00", b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98", b'"', b"'", b"\\", b"\r", b"\t", b"  ",
    b"\xef\xbb\xbf", b"\x1b[31m", b"\xc2\x85", b"\xe2\x80\xa8", b"=", b"ts=", b"[", b"\x0b", b"\x1c", b"\xc2\xa0",
    b"\x7f",
)  # fmt: skip
_ODD_LINES = (
    b"", b" ", b"\t", b"\r", b"# a comment", b"\tat be.example.Class(Class.java:12)", b"Caused by: x", b'"', b'""',
    b'"\\', b"\x00" * 40, b"\xef\xbb\xbf", b"\xef\xbb\xbf# comment", b"\xff\xfe\x00", b"level=DEBUG x=1",
    b"GET /healthz", b"=", b"a=", b"ts", b"ts=", b"- - -", b"x " * 300, b"x=" + b"y" * 5_000, b"\xc2\xa0",
    b"\x1f\x8b\x08", b"x\x9c\x01", b"(\xb5/\xfd", b"ts=2026-11-22T10:36:12Z",
    b"\xef\xbb\xbfts=2026-11-22T10:36:12Z op=a",
    b'\xef\xbb\xbf10.9.1.1 - - [22/Nov/2026:10:36:12 +0100] "GET /x HTTP/1.1" 200 1',
)  # fmt: skip


def _quoted_if(draw: st.DrawFn, text: str) -> str:
    return f'"{text}"' if draw(st.integers(0, 12)) == 0 else text


@st.composite
def logfmt_line(draw: st.DrawFn) -> bytes:
    """A line of pairs; most are complete and in their usual order."""
    one = st.sampled_from
    pairs = [
        ("ts", draw(one(_TIMES_ISO[:3]) if draw(st.integers(0, 4)) else one(_TIMES_ISO))),
        ("level", draw(one(("INFO", "DEBUG", "ERROR")))),
        ("server", draw(one(("dpp-01", "dpp-02")))),
        ("hub", draw(one(("dpp", "recipe", "")))),
        ("op", draw(one(_WORDS))),
        ("client", draw(one(_CLIENTS[:4]))),
        ("version", draw(one(("4.2.1", "2.0", "")))),
        ("apb", draw(one(_PHARMACIES))),
        ("code", draw(one(_CODES))),
        ("status", draw(one(("200", "404", "500", "-", "20", "xyz")))),
        ("dt", draw(one(_DURATIONS))),
        ("sguid", draw(one(("0af1", "50010199928PatientIdType")))),
        ("msg", '"accepted for 50010199928"'),
    ]
    change = draw(st.integers(0, 9))
    if change == 0:
        pairs = draw(st.permutations(pairs))
    elif change == 1:
        del pairs[draw(st.integers(0, len(pairs) - 1))]
    elif change == 2:
        pairs.insert(draw(st.integers(0, len(pairs))), pairs[draw(st.integers(0, len(pairs) - 1))])
    elif change == 3:
        pairs.insert(draw(st.integers(0, len(pairs))), ("xts", "1"))
    space = "\t" if draw(st.integers(0, 15)) == 0 else " "
    return space.join(f"{key}={_quoted_if(draw, value)}" for key, value in pairs).encode()


@st.composite
def access_line(draw: st.DrawFn) -> bytes:
    """An access line: common, combined, or with a duration."""
    one = st.sampled_from
    host = draw(one(("10.0.0.1", "10.9.0.1", "2001:db8::1", "web-1", "-")))
    user = draw(one((*_PHARMACIES, "a b")))
    time = draw(one(_TIMES_CLF[:2]) if draw(st.integers(0, 4)) else one(_TIMES_CLF))
    path = draw(one(_PATHS))
    request = draw(one((f"GET {path} HTTP/1.1", f"post {path}", f'GET {path}\\"q HTTP/1.0', *_REQUESTS)))
    status, size = draw(one(("200", "404", "503", "999", "20"))), draw(one(("0", "12", "-")))
    line = f'{host} - {user} [{time}] "{request}" {status} {size}'
    if draw(st.integers(0, 3)):
        referer = draw(one(("-", "code=TIP_200", "code=ERR400047", "http://x/?code=SOA-02001")))
        line += f' "{referer}" "{draw(one(_CLIENTS))}"'
    if draw(st.integers(0, 3)):
        line += f" {draw(one(_DURATIONS))}"
    return (line + draw(one(("", "", "", " ", " extra words")))).encode()


@st.composite
def mutilated_line(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """A line with something in it that should not be there, cut, or another line altogether."""
    how = draw(st.integers(0, 5))
    if how == 0:
        return draw(st.sampled_from(_ODD_LINES))
    if how == 1:
        return draw(st.binary(max_size=60)).replace(b"\n", b"")
    line = draw(good)
    at = draw(st.integers(0, len(line)))
    if how == 2:
        return line[:at]
    if how == 3:
        return line[at:]
    return line[:at] + draw(st.sampled_from(_BAD_BYTES)) + line[at:]


@st.composite
def log(draw: st.DrawFn, name: str) -> bytes:
    """A mutilated log of the format `name`: some good lines repeated among bad ones, with any line ends."""
    good = logfmt_line() if FORMATS[name].kind == "logfmt" else access_line()
    lines = draw(st.lists(good, min_size=1, max_size=6))
    bad = draw(st.lists(mutilated_line(good), max_size=6))
    order = draw(st.lists(st.integers(0, len(lines) + len(bad) - 1), max_size=30))
    end = draw(st.sampled_from((b"\n", b"\n", b"\r\n")))
    content = b"".join((*lines, *bad)[place] + end for place in order)
    if draw(st.integers(0, 4)) == 0:
        content = b"\xef\xbb\xbf" + content
    return content[: len(content) - draw(st.sampled_from((0, 0, 0, 1, 2, 9)))]


@st.composite
def pieces_of(draw: st.DrawFn, content: bytes) -> list[bytes]:
    """The content as it may arrive: cut anywhere, and with reads that found nothing."""
    cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=8)))
    return [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
