"""What opens a store of deferred calls: each target's keys, its lookup secret, and which targets stand apart.

A target whose key is lost, wrong or unreadable is set apart: its calls are neither taken in nor let out until the
key is put back, and those of all others go on. A fresh key is never made for a target that the store knows: what
waits under the old one could be opened by nobody, and nobody would be told.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from domain.deferred import Call
from domain.errors import ConfigError, StoreError
from store import deferred_tables as sql
from store.keys import KEY_BYTES, KeyRing, KeyUnusableError, load_keys, lookup

_SECRET = "lookup secret"  # noqa: S105 (what the secret is bound to, not the secret)
# What differs each time a caller sends the same call: traces, and a token that was renewed meanwhile.
_OF_ONE_ATTEMPT = frozenset({"authorization", "traceparent", "x-request-id", "x-correlation-id"})


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Where a target's keys are: as `load_keys` takes it."""

    key_file: str
    made: Path


class Vault:
    """The keys that are at hand."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._rings: dict[str, KeyRing] = {}
        self._secrets: dict[str, bytes] = {}
        self._apart: dict[str, str] = {}

    @property
    def apart(self) -> Mapping[str, str]:
        """The targets that stand apart, each with the reason and the mend."""
        return self._apart

    def unlock(self, database: sqlite3.Connection, number: int, target: str, source: KeyRing | KeyFile) -> None:
        """Take a target's keys and its secret, within a transaction; or set it apart.

        The secret, which its lanes and idempotency keys are looked up by, stays when the key is replaced.
        """
        key_name, wrapped = database.execute(sql.SECRET, (number,)).fetchone()
        try:
            ring = source if isinstance(source, KeyRing) else _loaded(target, source, known=key_name is not None)
            secret = secrets.token_bytes(KEY_BYTES) if wrapped is None else ring.unwrap(_SECRET, key_name, wrapped)
        except (KeyUnusableError, ConfigError) as error:
            self._apart[target] = str(error)
            return
        if key_name != ring.first:
            database.execute(sql.NEW_SECRET, (ring.first, ring.wrap(_SECRET, secret), number))
        self._rings[target], self._secrets[target] = ring, secret

    def ring(self, target: str) -> KeyRing:
        """A target's keys. Raises StoreError where none is at hand."""
        ring = self._rings.get(target)
        if ring is None:
            raise StoreError(self._apart.get(target) or f"{self._place}: no key is at hand for {target}")
        return ring

    def lookup(self, target: str, kind: str, text: str) -> bytes:
        """What an ordering or idempotency key of a target is found again by."""
        return lookup(self._secrets[target], kind, text)

    def digest(self, call: Call) -> bytes:
        """What tells whether a call that is sent again is the same one: keyed, so that it tells nothing else."""
        headers = sorted(header for header in call.headers if header[0].lower() not in _OF_ONE_ATTEMPT)
        content = msgspec.msgpack.encode((call.method, call.path, headers, call.key, call.body))
        return lookup(self._secrets[call.target], "content", content)


def key_trouble(target: str, source: KeyFile, key_name: bytes | None, wrapped: bytes | None) -> str:
    """Why a target's calls cannot be opened, "" where they can; nothing is made. For the doctor."""
    if key_name is None or wrapped is None:
        return ""
    try:
        _loaded(target, source, known=True).unwrap(_SECRET, key_name, wrapped)
    except (KeyUnusableError, ConfigError) as error:
        return str(error)
    return ""


def _loaded(target: str, source: KeyFile, *, known: bool) -> KeyRing:
    return load_keys(target, source.key_file, source.made, known=known)
