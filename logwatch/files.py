"""Opening log files: plain, gzip or zstd, told by their first bytes and not by their names."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

from domain.errors import InputError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BLOCK = 8 << 20
# A file's bytes, or what is in them.
Content = io.RawIOBase | io.BufferedIOBase
_STEP = 1 << 17
# So much is decompressed at once. The library gives all of what comes of it, and four bytes may become 128 KiB.
_MOUTHFUL = 2_048
_BUFFER = 1 << 20
# What reading compressed content raises when it is not what it should be, beside OSError.
DAMAGED = (EOFError, zlib.error, zstandard.ZstdError)


class _ZstdContent(io.RawIOBase):
    """The content of a zstd file, frame after frame. Unlike the library's reader it tells of a frame cut short."""

    def __init__(self, raw: Content) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._waiting = self._ready = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # what BufferedReader gives
        """The next bytes of content. Raises EOFError, ZstdError."""
        while not self._ready and (waiting := self._waiting or memoryview(self._raw.read(_STEP) or b"")):
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            mouthful, self._waiting = waiting[:_MOUTHFUL], waiting[_MOUTHFUL:]
            self._ready = memoryview(self._frame.decompress(mouthful))
            if self._frame.eof:
                left = len(self._frame.unused_data)
                self._waiting = waiting[len(mouthful) - left :]
        if not self._ready and self._begun and not self._frame.eof:
            raise EOFError("Compressed file ended before the end of its last frame")
        size = min(len(buffer), len(self._ready))
        memoryview(buffer)[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def compression(head: bytes) -> str:
    """`gzip`, `zstd` or "" by a file's first bytes."""
    return "gzip" if head.startswith(GZIP) else "zstd" if head.startswith(ZSTD) else ""


def open_content(raw: Content, kind: str) -> Content:
    """The content of an open file, decompressed as it is read."""
    if kind == "gzip":
        import gzip

        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER)
    if kind == "zstd":
        return io.BufferedReader(_ZstdContent(raw), _BUFFER)
    return raw


def contents(
    path: Path, size: Callable[[], int] = lambda: BLOCK, begin: int = 0, end: int | None = None
) -> Iterator[tuple[bytearray, int]]:
    """The content of a file in pieces of about `size` bytes: a buffer that is used again, and how much of it is meant.

    Of a plain file only what stands from `begin` to `end`. Raises InputError for a file that cannot be read.
    """
    buffer = bytearray()
    try:
        if path.is_dir():
            raise InputError(str(path), "is a directory", "Name the log files in it")
        with path.open("rb", buffering=0) as raw:
            # A pipe cannot be read twice, but looked ahead into.
            source = raw if raw.seekable() else io.BufferedReader(raw, _BUFFER)
            kind = compression(source.peek(4)[:4] if isinstance(source, io.BufferedReader) else raw.read(4))
            if source is raw:
                raw.seek(begin)
            content = open_content(source, kind)
            while True:
                piece = size() if end is None else min(size(), end - begin)
                if piece > len(buffer):
                    buffer = bytearray(piece)
                length = content.readinto(memoryview(buffer)[:piece])
                if not length:
                    return
                begin += length
                yield buffer, length
    except FileNotFoundError as error:
        raise InputError(str(path), "there is no such file", "Check the name") from error
    except PermissionError as error:
        raise InputError(str(path), "may not be read", "Give this user the right to read it") from error
    except DAMAGED as error:
        raise InputError(
            str(path), f"is damaged or cut short: {error}", "Compress it again from the original"
        ) from error
    except OSError as error:  # gzip says so of a damaged head
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from error


def looks_binary(head: bytes) -> bool:
    """Whether the first bytes are those of no text: more than one in ten a control character."""
    if not head:
        return False
    odd = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    return odd * 10 > len(head)
