"""Spoilt input: what parsers are meant to read, from the golden logs and the formats' examples, and then damaged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from logwatch.catalog import shipped
from tests.logwatch.some import FORMATS

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
_LONGEST_SEED = 4_000
# Patients of whom none was ever born, and numbers that are no patients: stamps, pharmacies, a wrong check.
PATIENTS = (b"50010199928", b"50.01.01-999.28", b"00 01 01 999 74", b"50210199971")
_TOKENS: Sequence[bytes] = (
    *PATIENTS, b"50010199929", b"1795340172123", b"1795340172123456789", b"1795340172.123456", b"00000196",
    b"00012372",     b"2026-11-22T10:36:12.123+01:00", b"2026-10-25 02:30:00,5", b"22/Nov/2026:10:36:12 +0100",
    b"Nov 22 10:36:12", b"2026-02-30T25:61:61Z", b"9999-12-31T23:59:59.999999999Z", b"0001-01-01T00:00:00+23:59",
    b"99999999999999999999", b"-1", b"+5", b"1e309", b"NaN", b"-0", b"0x1F", b"12,5", b"-", b"", b"null", b"true",
    b"\\u0000", b"\\ud800", b'"', b'""', b"\\", b'\\"', b"'", b"{", b"}", b"[", b"]", b"{}", b"[[[[[[[[", b'{"a":',
    b'"},{"', b"=", b"==", b":", b",", b";", b"|", b"<", b">", b"<134>", b"<999>", b"1 ", b"(", b")", b"%", b"%41",
    b"$", b"/", b"?", b"#", b"# ", b"#Fields: ", b"#Fields: date time\n", b"\x00", b"\x01", b"\x1b[31m", b"\t",
    b"\tat x.Y(Z.java:1)", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\xc2\xa0",
    b"\xef\xbb\xbf", b"\xff", b"\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x92\x8a", b"\xd9\xa3", "é".encode(),
    "février".encode(), b"\r", b"\r\r", b"\n", b"\r\n", b"\n\n", b" ", b"  ", b"Caused by: x", b"x" * 300, b"9" * 400,
    b" " * 200, b'"' * 50, b"\\" * 51, b"=" * 64, b"a." * 100,
)  # fmt: skip
_ENDS = (b"\n", b"\n", b"\n", b"\r\n", b"", b"\n\n")
Part = tuple[str, int, int, bytes]


@cache
def seeds(kind: str) -> tuple[bytes, ...]:
    """Lines that formats of a kind are meant to read, without their ends."""
    found: dict[bytes, None] = {}
    for name, form in shipped().items():
        if form.kind != kind:
            continue
        for log in sorted((GOLDEN / name).glob("*.log")):
            found |= dict.fromkeys(log.read_bytes().splitlines())
        found |= dict.fromkeys(line for example in form.examples for line in example.line.encode().split(b"\n"))
    if kind not in {form.kind for form in shipped().values()}:
        found |= dict.fromkeys(e.line.encode() for f in FORMATS.values() if f.kind == kind for e in f.examples)
    return tuple(line for line in found if len(line) <= _LONGEST_SEED)


@cache
def damages(most: int = 4) -> st.SearchStrategy[list[Part]]:
    """What is done to some bytes, each at a place in thousandths of their length."""
    place, size = st.integers(0, 1_000), st.integers(1, 24)
    return st.lists(
        st.one_of(
            st.tuples(st.just("insert"), place, st.just(0), st.sampled_from(_TOKENS)),
            st.tuples(st.just("replace"), place, size, st.sampled_from(_TOKENS)),
            st.tuples(st.just("delete"), place, st.integers(1, 300), st.just(b"")),
            st.tuples(st.just("double"), place, st.integers(1, 80), st.just(b"")),
            st.tuples(st.just("flip"), place, st.integers(0, 7), st.just(b"")),
            st.tuples(st.just("insert"), place, st.just(0), st.binary(min_size=1, max_size=6)),
            st.tuples(st.just("cut"), place, st.just(0), st.just(b"")),
        ),
        max_size=most,
    )


def damaged(data: bytes, parts: Sequence[Part]) -> bytes:
    """The bytes after all that is done to them."""
    for how, place, size, token in parts:
        at = len(data) * place // 1_000
        if how in ("insert", "replace"):
            data = data[:at] + token + data[at + size :]
        elif how == "delete":
            data = data[:at] + data[at + size :]
        elif how == "double":
            data = data[: at + size] + data[at:]
        elif how == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << size]) + data[at + 1 :]
        elif how == "cut":
            data = data[:at]
    return data


@cache
def spoilt_log(kind: str) -> st.SearchStrategy[bytes]:
    """Some lines of a kind, most of them damaged, with any line ends."""
    line = st.tuples(st.sampled_from(seeds(kind)), damages(3), st.sampled_from(_ENDS))
    # A line that comes often is one whose tokens are remembered.
    return st.builds(_log, st.lists(line, min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=4), damages(1))


def _log(lines: list[tuple[bytes, list[Part], bytes]], again: list[int], parts: list[Part]) -> bytes:
    chosen = (*lines, *(lines[place % len(lines)] for place in again))
    return damaged(b"".join(damaged(seed, own) + end for seed, own, end in chosen), parts)


@cache
def spoilt(*wholes: bytes) -> st.SearchStrategy[bytes]:
    """One of some good inputs, damaged."""
    return st.builds(damaged, st.sampled_from(wholes), damages(6))
