"""A bundle: an agent's batches in one file, which any means carries into or out of a closed environment.

`PPX` and one version byte, then sections: one byte that says which, the length of its content and a CRC-32 of both and
the content (4 bytes each, big-endian), the content. In this order:

- `H`: a JSON header (`domain.carried.BundleHeader`);
- `T`, at most one: the agent's newest heartbeat, so that the collector knows how far its files are read;
- `B`, each batch: its sequence in 8 bytes, then its bytes as they left the outbox, which have a check of their own;
- `E`: a SHA-256 of all before, so that a file that was cut off is known for one.

A reader takes its own version and the one before. Version 1 is the first. Neither end holds more than a batch at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from domain.batch import BatchName, Heartbeat
from domain.carried import BundleHeader, spans
from domain.errors import WireError
from domain.wire import decode_batch, decode_heartbeat, encode_heartbeat
from transport.whole import whole_file

FIRST_VERSION = BUNDLE_VERSION = 1
READABLE = range(max(FIRST_VERSION, BUNDLE_VERSION - 1), BUNDLE_VERSION + 1)
MAGIC = b"PPX"
# As much as the collector's end of https takes of one.
MOST_BATCH_BYTES, MOST_OTHER_BYTES = 64 << 20, 16 << 20
# What a bundle has at most beside heartbeat and batches, and beside each batch: its frame, its place in the header.
_FRAME_BYTES, BATCH_FRAME_BYTES = 512, 64
_HEADER, _HEARTBEAT, _BATCH, _END = b"H", b"T", b"B", b"E"


def write_bundle(
    path: Path, header: BundleHeader, heartbeat: Heartbeat | None, batches: Iterable[tuple[int, bytes]]
) -> int:
    """Write a bundle; it is there whole and durably on return, and not at all before. Its bytes.

    Raises TransportError where it cannot be kept, and what the batches raise.
    """
    with whole_file(path) as file:
        writer = _Writer(file)
        writer.put(_HEADER, msgspec.json.encode(header))
        if heartbeat is not None:
            writer.put(_HEARTBEAT, encode_heartbeat(heartbeat))
        for sequence, payload in batches:
            writer.put(_BATCH, sequence.to_bytes(8, "big") + payload)
        writer.put(_END, writer.digest())
        return file.tell()


def frame_bytes(heartbeat: Heartbeat | None) -> int:
    """How many bytes a bundle has at most beside its batches."""
    return _FRAME_BYTES + (0 if heartbeat is None else len(encode_heartbeat(heartbeat)))


class _Writer:
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, hashlib.sha256()
        self._add(MAGIC + bytes([BUNDLE_VERSION]))

    def put(self, kind: bytes, content: bytes) -> None:
        frame = kind + len(content).to_bytes(4, "big")
        self._add(frame + zlib.crc32(content, zlib.crc32(frame)).to_bytes(4, "big"))
        self._add(content)

    def digest(self) -> bytes:
        return self._digest.digest()

    def _add(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


class Bundle:
    """A bundle that is read. Every error names the file and, where it is damaged, the byte where that shows."""

    def __init__(self, path: Path) -> None:
        """Open, and read header and heartbeat. Raises WireError."""
        self._path, self._digest, self._at = path, hashlib.sha256(), 0
        self._before = b""  # the digest of all before the section that was read last
        with self._told():
            self._file: BinaryIO = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (closed by close)
        try:
            if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                raise WireError(f"{path}: not a bundle: no regular file")
            begin = self._take(4)
            if begin[:3] != MAGIC:
                raise WireError(f"{path}: not a bundle: it does not begin with PPX")
            if begin[3] not in READABLE:
                raise WireError(
                    f"{path}: a bundle of version {begin[3]}, and this program reads {' and '.join(map(str, READABLE))}"
                )
            kind, content = self._section()
            self._expect(kind == _HEADER, "its header is missing")
            try:
                self.header = msgspec.json.decode(content, type=BundleHeader)
                BatchName.parse(f"{self.header.agent}.{self.header.incarnation}.1")
            except (msgspec.MsgspecError, UnicodeDecodeError, WireError) as error:
                raise WireError(f"{path}: its header cannot be used: {error}") from error
            self.heartbeat: Heartbeat | None = None
            kind, content = self._section()
            if kind == _HEARTBEAT:
                self.heartbeat = self._heartbeat(content)
                kind, content = self._section()
            self._next = kind, content
        except BaseException:
            self._file.close()
            raise

    def _heartbeat(self, content: bytes) -> Heartbeat:
        try:
            heartbeat = decode_heartbeat(content)
        except WireError as error:
            raise WireError(f"{self._path}: {error}") from error
        ours = (heartbeat.agent, heartbeat.incarnation) == (self.header.agent, self.header.incarnation)
        self._expect(ours, "its heartbeat is another agent's")
        return heartbeat

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def batches(self) -> Iterator[tuple[BatchName, bytes]]:
        """The batches in order, once; whoever gets to the end knows that the file is whole.

        Raises WireError where it is not, and where it cannot be read.
        """
        kind, content = self._next
        seen: list[int] = []
        while kind == _BATCH:
            self._expect(len(content) > 8, "a batch is too short")
            sequence = int.from_bytes(content[:8], "big")
            self._expect(not seen or sequence > seen[-1], "its batches are out of order")
            seen.append(sequence)
            yield BatchName(self.header.agent, self.header.incarnation, sequence), content[8:]
            kind, content = self._section()
        self._expect(kind == _END, "it has a section of no known kind")
        self._expect(content == self._before, "its digest is another")
        self._expect(spans(seen) == self.header.sequences, "it does not hold the batches that its header tells")
        with self._told():
            self._expect(not self._file.read(1), "it goes on after its end")

    def check(self, progress: Callable[[int], None]) -> None:
        """Look at all of it: whether the file is whole, and each batch is one and has the name it should.

        `progress` is told of bytes looked at. Raises WireError.
        """
        for name, payload in self.batches():
            try:
                inside = decode_batch(payload).name
            except WireError as error:
                raise WireError(
                    f"{self._path}: batch {name.sequence}, which ends at byte {self._at}: {error}"
                ) from error
            self._expect(inside == name, f"its batch {name.sequence} says it is {inside}")
            progress(len(payload))

    def _section(self) -> tuple[bytes, bytes]:
        self._before = self._digest.digest()
        frame = self._take(9)
        kind, length = frame[:1], int.from_bytes(frame[1:5], "big")
        most = MOST_BATCH_BYTES + 8 if kind == _BATCH else MOST_OTHER_BYTES
        self._expect(kind in (_HEADER, _HEARTBEAT, _BATCH, _END) and length <= most, "no section begins there", back=9)
        content = self._take(length)
        check = zlib.crc32(content, zlib.crc32(frame[:5]))
        self._expect(check == int.from_bytes(frame[5:], "big"), "a check sum is another", back=9 + length)
        return kind, content

    def _take(self, length: int) -> bytes:
        with self._told():
            data = self._file.read(length)
        self._at += len(data)
        self._expect(len(data) == length, "it ends there, too early")
        self._digest.update(data)
        return data

    def _expect(self, fine: bool, problem: str, back: int = 0) -> None:
        if not fine:
            raise WireError(f"{self._path}: damaged at byte {self._at - back}: {problem}. Carry it again")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WireError(f"{self._path}: cannot be read: {error.strerror or error}") from error


def _without_waiting(path: str, flags: int) -> int:
    """Open what somebody brought: a pipe among it would wait for a writer for ever."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
