"""Where the files of a series are: `FAMILY/KEY/STEP.rrd`, the key as one name that any file system takes.

The parts of a key are percent-encoded and joined by commas. Of a key that would be too long the name holds
the beginning and a digest, and a file `KEY` beside the series holds the parts, as JSON.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from urllib.parse import quote, unquote

from domain.errors import SeriesError
from domain.series import FAMILIES, Key, SeriesKey

KEY_FILE = "KEY"
_LONGEST = 200  # bytes; file systems take 255
_SAFE = "-._"  # beside letters and digits; a comma separates parts, a tilde marks a digest
_DIGEST_MARK = "~"
_ODD_TEXT = "surrogatepass"  # a text with half a surrogate pair still has a name


def _encode_part(part: str) -> str:
    # `quote` leaves the tilde alone, which is a mark of ours.
    encoded = quote(part, safe=_SAFE, errors=_ODD_TEXT).replace("~", "%7E")
    # "." and ".." are directories, and a name that begins with a dot is hidden.
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded


@lru_cache(maxsize=65_536)
def directory_name(key: Key) -> str:
    """The name of a key's directory: at most 200 ASCII characters, different for different keys."""
    name = ",".join(map(_encode_part, key))
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{name[: _LONGEST - len(digest) - 1]}{_DIGEST_MARK}{digest}"


def is_digest(name: str) -> bool:
    """Whether the key is too long for `name` and stands in the file `KEY`."""
    return _DIGEST_MARK in name


def key_of(name: str) -> Key:
    """The key of a directory that `is_digest` does not hold for."""
    return tuple(unquote(part, errors=_ODD_TEXT) for part in name.split(","))


def encode_key_file(key: Key) -> bytes:
    """What the file `KEY` holds."""
    return json.dumps(key).encode() + b"\n"


def decode_key_file(data: bytes) -> Key:
    """The key that a file `KEY` holds. Raises ValueError when it holds none."""
    parts = json.loads(data)
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("not a list of texts")
    return tuple(parts)


def check_series(series: SeriesKey) -> None:
    """Raise SeriesError when there can be no such series: an unknown family, or a key that is not the family's."""
    family = FAMILIES.get(series.family)
    if family is None:
        raise SeriesError(f'there is no family "{series.family}" of series; there are {", ".join(FAMILIES)}')
    if len(series.key) != len(family.dimensions) or not all(series.key):
        raise SeriesError(f"{series.key!r} is no key of {family.name}, which has {', '.join(family.dimensions)}")
