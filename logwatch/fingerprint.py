"""What tells one content from another: a hash of its first line, and one of the last bytes that were counted.

By the first a file is known again under any name. The second tells that it is still the file that was counted, and
not one that was emptied and filled again, and that another file is a copy of it.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from domain.redact import lettered

# A fingerprint is found within so many bytes.
HEAD_BYTES = 4_096
TAIL_BYTES = 4_096
_LINE_BYTES = 1_024
_BOM = b"\xef\xbb\xbf"


def fingerprint(first_line: bytes) -> str:
    """What tells a file's content from another's: a hash of its first line (of 1 KiB of it)."""
    return hashlib.blake2b(first_line[:_LINE_BYTES], digest_size=8).hexdigest()


def fingerprint_of(head: bytes, skip: int = 0) -> str:
    """The fingerprint of a content that begins with `head` (HEAD_BYTES of it, or all); "" while it has none.

    The first `skip` lines that are no `#` headings are headings, too: of a CSV's columns.
    """
    at = 0
    while at < len(head):
        end = head.find(b"\n", at)
        if end < 0 and len(head) < HEAD_BYTES:
            return ""
        line = head[at:] if end < 0 else head[at:end]
        if end < 0 or not line.removeprefix(_BOM).startswith(b"#"):
            if end < 0 or skip == 0:
                return fingerprint(line)
            skip -= 1
        at = end + 1
    return fingerprint(head) if len(head) >= HEAD_BYTES else ""


def tail_of(data: bytes) -> str:
    """A digest of the last TAIL_BYTES that stand before an offset; "" for none."""
    return lettered(hashlib.blake2b(data[-TAIL_BYTES:], digest_size=8).digest()) if data else ""


class Identity(NamedTuple):
    """A file's name for the checkpoint: where it stands, its fingerprint, and which content of that beginning it is."""

    device: str
    inode: str
    fingerprint: str
    generation: int = 0

    def __str__(self) -> str:
        suffix = f"-{self.generation}" if self.generation else ""
        return f"{self.device}-{self.inode}-{self.fingerprint}{suffix}"

    @classmethod
    def parse(cls, text: str) -> Identity:
        """The identity written by `str`."""
        device, inode, found, *generation = text.split("-")
        return cls(device, inode, found, int(generation[0]) if generation else 0)


class Seen(NamedTuple):
    """A file as a look finds it; while all of it stays, nothing came, and reading it would go as it went."""

    size: int
    modified_ns: int
    changed_ns: int  # its rights, too


def seen(status: os.stat_result) -> Seen:
    """How a file is seen."""
    return Seen(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
