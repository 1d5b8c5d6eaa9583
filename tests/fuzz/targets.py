"""What is fuzzed: each parser with the input it gets and what must hold whatever that is.

A target takes its input from `draw` and fails with an AssertionError, or with what the parser raised and should not.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import zstandard
from hypothesis import strategies as st

from domain.batch import Accounting, Batch, BatchName, Heartbeat, Position, SourceState
from domain.carried import BundleHeader
from domain.cells import SCHEMA
from domain.errors import InputError, WireError
from domain.redact import MASK, has_patient, mask_patients
from domain.settings import Format, TimeField
from domain.wire import WIRE_VERSION, decode_batch, decode_heartbeat, encode_batch, encode_heartbeat
from logwatch.files import contents
from logwatch.moments import Moments
from logwatch.patients import number_in, numbers_in
from logwatch.reader import Reader
from logwatch.recent import Recent
from logwatch.registry import Registry
from logwatch.samples import Samples
from tests.fuzz.spoiling import PATIENTS, damaged, damages, spoilt, spoilt_log
from tests.logwatch.mutilated import pieces_of
from tests.logwatch.some import FORMATS, NOW, ZONE, cut_into_blocks, read_blocks
from tests.logwatch.test_mutilated import lines_of
from transport.bundle import Bundle, write_bundle

Target = Callable[[st.DataObject], None]


# How a content is read beside its whole by the small path: the one that all are compared with.
WAYS = ("block", "small in pieces", "block in pieces")


def target_kind(data: st.DataObject, kind: str, names: Sequence[str]) -> None:
    """Lines of a kind under one of its formats: each is accounted for, however they come and are read."""
    content = data.draw(spoilt_log(kind), label="content")
    name = data.draw(st.sampled_from(names), label="format")
    form, cap = FORMATS[name], data.draw(st.sampled_from((300, 2)), label="cap")
    blocks = [content] if content else []
    whole = read_blocks(form, blocks, "small", cap)
    assert whole.accounting.balanced, whole.accounting
    assert whole.accounting.lines == lines_of(content), whole.accounting
    pieces, oversized = cut_into_blocks(content, data.draw(pieces_of(content), label="pieces"))
    assert (b"".join(pieces), oversized) == (content, 0)
    way = data.draw(st.sampled_from(WAYS), label="way")
    given = blocks if way == "block" else pieces
    other = read_blocks(form, given, "small" if way == "small in pieces" else "block", cap)
    assert other.told() == whole.told(), f"{way}: not what the small path says of the whole"
    assert other.cells.equals(whole.cells)
    for event in whole.events:
        for value in event:
            assert not (isinstance(value, str) and has_patient(value)), f"a patient in the key {value!r}"
    leaves_no_patient(form, content)


def leaves_no_patient(form: Format, content: bytes) -> None:
    """Neither samples nor recent lines hold a number that is nobody's business, nor a malformed line's digits."""
    registry, samples = Registry(300), Samples()
    reader, recent = Reader(form, registry, samples=samples), Recent(registry)
    reading = reader.read(content, NOW, "small")
    recent.look("a", reader, content, reading, NOW)
    for shape in samples.shapes:
        assert not re.search("[1-9]", shape), f"digits in the sample {shape!r}"
    for line in recent.take():
        assert not has_patient(line.text), f"a patient in the recent line {line.text!r}"


@cache
def _moments() -> Mapping[str, tuple[TimeField, Moments]]:
    times = {name: form.time for name, form in FORMATS.items() if form.time is not None}
    times |= {unit: TimeField(field="t", zone=ZONE, unit=unit) for unit in ("s", "ms", "us", "ns")}
    times["any"] = TimeField(field="t", zone=ZONE)
    return {name: (time, Moments(time, ZoneInfo(time.zone), name)) for name, time in times.items()}


_TIMES = (
    b"2026-11-22T10:36:12.123+01:00", b"2026-11-22 10:36:12,123", b"22/Nov/2026:10:36:12 +0100", b"1795340172",
    b"1795340172123", b"1795340172123456789", b"1795340172.123", b"Nov 22 10:36:12", b"Sun Nov 22 10:36:12 2026",
    b"22 februari 2026 10:36:12", "22 févr. 2026 10:36:12".encode(), b"20261122T103612Z", b"2026-11-22",
    b"29 Feb 10:00:00",
    b"2026-11-22T10:36:12.123456789Z", b"Sun, 22 Nov 2026 10:36:12 GMT", b"61122 10:36:12", b"2026-11-22T10:36:12+0100",
)  # fmt: skip


def target_times(data: st.DataObject) -> None:
    """A time's token: a moment that fits, or none."""
    token = data.draw(spoilt(*_TIMES), label="token").decode("utf-8", "replace")
    _, moments = _moments()[data.draw(st.sampled_from(sorted(_moments())), label="layout")]
    found = moments.read(token, NOW)
    if found is not None:
        np.array([found[0]], dtype=np.int64)
        assert moments.read(token, NOW) == found


@cache
def _batches() -> tuple[bytes, ...]:
    rows = [{name: place if of.is_integer() else f"x{place}" for name, of in SCHEMA.items()} for place in range(40)]
    cells = pl.DataFrame(rows, schema=SCHEMA)
    position = Position(source="s", path="/p", identity="1-2-3", offset=9, accounting=Accounting(lines=1, events=1))
    return tuple(
        encode_batch(Batch(BatchName("agent", "0" * 16, 7), frame, places))
        for frame, places in ((cells, (position,)), (cells.head(0), ()), (cells.head(1), (position, position)))
    )


def target_batch(data: st.DataObject) -> None:
    """A batch's bytes: one batch that can be written again, or a WireError."""
    payload = data.draw(spoilt(*_batches()), label="payload")
    if data.draw(st.booleans(), label="check sum mended") and len(payload) > 8:
        payload = payload[:4] + zlib.crc32(payload[8:]).to_bytes(4, "big") + payload[8:]
    with contextlib.suppress(WireError):
        batch = decode_batch(payload)
        again = decode_batch(encode_batch(batch))
        assert again.cells.equals(batch.cells)
        assert again.positions == batch.positions


@cache
def _heartbeat() -> Heartbeat:
    state = SourceState(source="s", watermark=NOW, accounting=Accounting(lines=3, events=3), unknown_codes={"x": 1})
    return Heartbeat(
        version=WIRE_VERSION, agent="agent", incarnation="0" * 16, sequence=7, at=NOW, sources=(state, state)
    )


def target_heartbeat(data: st.DataObject) -> None:
    """A heartbeat's bytes: one heartbeat that can be written again, or a WireError."""
    payload = data.draw(spoilt(encode_heartbeat(_heartbeat())), label="payload")
    with contextlib.suppress(WireError):
        heartbeat = decode_heartbeat(payload)
        assert decode_heartbeat(encode_heartbeat(heartbeat)) == heartbeat


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-")


@cache
def _bundle() -> bytes:
    path = Path(_folder().name, "whole")
    header = BundleHeader(
        agent="agent", incarnation="0" * 16, made=NOW, sequences=((7, 7),), batches=1, bytes=len(_batches()[0])
    )
    write_bundle(path, header, _heartbeat(), [(7, _batches()[0])])
    return path.read_bytes()


def target_bundle(data: st.DataObject) -> None:
    """A bundle's bytes: whole ones are taken, damaged ones refused with a WireError; no damage goes unseen."""
    payload = data.draw(spoilt(_bundle()), label="payload")
    path = Path(_folder().name, "spoilt")
    path.write_bytes(payload)
    try:
        with Bundle(path) as bundle:
            bundle.check(lambda _: None)
    except WireError:
        return
    assert payload == _bundle(), "a damaged bundle was taken"


def target_compressed(data: st.DataObject) -> None:
    """A compressed log: its content, or an InputError; never other bytes, and never without an end."""
    content = data.draw(spoilt_log("access"), label="content")
    pack = data.draw(st.sampled_from(("gz", "zst", "two gz", "two zst")), label="packed as")
    one = gzip.compress if pack.endswith("gz") else zstandard.compress
    packed = one(content) + one(content) if pack.startswith("two") else one(content)
    path = Path(_folder().name, "log")
    path.write_bytes(damaged(packed, data.draw(damages(2), label="damages")))
    with contextlib.suppress(InputError):
        total = 0
        for buffer, length in contents(path):
            assert 0 < length <= len(buffer)
            total += length


_DIGITS = (*PATIENTS, b"1795340172123456789", b"1795340172123", b"id=17953401721;", b"/subject/64022999971/", b"12 34")


_TEXTS = st.lists(spoilt(*_DIGITS), min_size=1, max_size=5)


def target_patients(data: st.DataObject) -> None:
    """A text with numbers: both ways find the same patient, what is masked holds none, and a stamp is none."""
    texts = data.draw(_TEXTS, label="texts")
    texts = [text.replace(b"\n", b" ") for text in texts]
    ends = np.cumsum([len(text) + 1 for text in texts])
    starts = ends - [len(text) + 1 for text in texts]
    found = numbers_in(np.frombuffer(b"\n".join(texts) + b"\n", dtype=np.uint8), starts, ends - 1).tolist()
    for text, number in zip(texts, found, strict=True):
        told = text.decode("utf-8", "replace")
        assert number_in(told) == number, told
        assert has_patient(told) or not number, told
        masked = mask_patients(told)
        assert not has_patient(masked), masked
        # Numbers in other signs than plain digits are masked, too, and not counted.
        assert has_patient(told) == (MASK in masked and MASK not in told) or MASK in told


_AROUND = st.text(alphabet=st.characters(exclude_categories=("Nd", "Cs"), exclude_characters="%"), max_size=4)
_STAMPED = st.tuples(_AROUND, (st.integers(10**12, 10**13 - 1) | st.integers(10**18, 10**19 - 1)).map(str), _AROUND)


def target_stamps(data: st.DataObject) -> None:
    """A stamp in ms or ns, in any surroundings without a digit, is no patient."""
    text = "".join(data.draw(_STAMPED, label="text"))
    assert not number_in(text), text
    assert not has_patient(text), text
    assert mask_patients(text) == text


def _targets() -> dict[str, Target]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name, form in FORMATS.items():
        by_kind[form.kind].append(name)
    found: dict[str, Target] = {
        kind: partial(target_kind, kind=kind, names=names) for kind, names in sorted(by_kind.items())
    }
    inner = [name for name in by_kind["json"] if FORMATS[name].inner]
    found["inner"] = partial(target_kind, kind="json", names=inner)
    return found | {
        "times": target_times, "batch": target_batch, "heartbeat": target_heartbeat, "bundle": target_bundle,
        "compressed": target_compressed, "patients": target_patients, "stamps": target_stamps,
    }  # fmt: skip


TARGETS = _targets()
