"""The keys of deferred calls: a file of them for each target, and what is sealed with them.

Every call is sealed (AES-256-GCM) with a data key of its own, and that key is wrapped by the target's. Both are
bound to the target and to the call's receipt, so neither can be put in another's place. Who destroys the wrapped
key has destroyed the call, wherever a copy of the sealed bytes may still lie.

A key file holds 32 bytes in base64 on each line. The first wraps, all unwrap: that is how a key is replaced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import ConfigError, StoreError
from store.files import made_once

KEY_BYTES = 32
NAME_BYTES = 8
CREDENTIAL = "credential:"
_NONCE_BYTES = 12
_PURPOSE = b"pharmapulse deferred 1"


class KeyUnusableError(StoreError):
    """A target's key is missing, wrong or not readable: its calls cannot be opened, those of others can."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed call: the name of the key that wraps, the wrapped data key, and the content."""

    key_name: bytes
    wrapped: bytes
    content: bytes


class KeyRing:
    """A target's keys, the one that wraps first. `place` is where they come from, for errors."""

    def __init__(self, target: str, keys: Sequence[bytes], place: str) -> None:
        self.target, self.place = target, place
        self._keys = {_name(key): key for key in keys}
        self.first = _name(keys[0])

    def seal(self, receipt: str, content: bytes) -> Sealed:
        """Seal a call's content under a data key of its own."""
        data_key = secrets.token_bytes(KEY_BYTES)
        return Sealed(self.first, self.wrap(receipt, data_key), _encrypt(data_key, content, self._bound(receipt)))

    def unseal(self, receipt: str, sealed: Sealed) -> bytes:
        """The content again. Raises StoreError where no key opens it (KeyUnusableError), or somebody changed it."""
        data_key = self.unwrap(receipt, sealed.key_name, sealed.wrapped)
        try:
            return _decrypt(data_key, sealed.content, self._bound(receipt))
        except InvalidTag as error:
            raise StoreError(f"a call for {self.target} was changed on disk and cannot be opened") from error

    def wrap(self, receipt: str, data_key: bytes) -> bytes:
        """A data key under the first key."""
        return _encrypt(self._keys[self.first], data_key, self._bound(receipt))

    def unwrap(self, receipt: str, key_name: bytes, wrapped: bytes) -> bytes:
        """A data key again. Raises KeyUnusableError."""
        key = self._keys.get(key_name)
        if key is None:
            raise KeyUnusableError(
                f"{self.place}: the key {key_name.hex()} is missing, and calls for {self.target} are sealed with it. "
                "Put it back, below the others, and start gateway and drain again"
            )
        try:
            return _decrypt(key, wrapped, self._bound(receipt))
        except InvalidTag as error:
            raise KeyUnusableError(
                f"a call's key for {self.target} was changed on disk and cannot be opened"
            ) from error

    def _bound(self, receipt: str) -> bytes:
        return b"\0".join((_PURPOSE, self.target.encode(), receipt.encode()))


def lookup(secret: bytes, kind: str, text: str | bytes) -> bytes:
    """What an ordering or idempotency key, or a call, is known again by: keyed and one-way."""
    data = text.encode() if isinstance(text, str) else text
    return hmac.digest(secret, kind.encode() + b"\0" + data, hashlib.sha256)[:16]


def load_keys(target: str, key_file: str, made: Path, *, known: bool = False) -> KeyRing:
    """The keys of a target from `key_file`: a path, or `credential:NAME` of systemd; "" for one made at `made`.

    With `known` there are calls of the target already, and no key is made. Raises ConfigError, KeyUnusableError,
    and StoreError where a new key cannot be written.
    """
    path = key_path(target, key_file, made)
    if not key_file and not path.exists():
        if known:
            raise KeyUnusableError(
                f"{path}: the key of {target} is gone, and its calls are sealed with it. Put it back from a backup and "
                "start gateway and drain again; if it is lost for good, give the target another name"
            )
        try:
            make_key(path)
        except (OSError, StoreError) as error:
            raise StoreError(f"{path}: the key of {target} cannot be written ({error})") from error
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusableError(f"{path}: the key of {target} cannot be read ({error})") from error
    if mode & 0o007:
        raise KeyUnusableError(
            f"{path}: everybody on this machine may read this key. Take that right away: chmod o= {path}"
        )
    return KeyRing(target, _parsed(text, path), str(path))


def key_path(target: str, key_file: str, made: Path) -> Path:
    """Which file holds a target's keys. Raises ConfigError where systemd gave no credentials."""
    if not key_file.startswith(CREDENTIAL):
        return Path(key_file) if key_file else made
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not directory:
        raise ConfigError(
            f'"{key_file}" is a credential of systemd, and it gave none to this process',
            path=f"deferred.targets.{target}.key_file", mend="Add LoadCredential= to the unit, or name a file",
        )  # fmt: skip
    return Path(directory) / key_file.removeprefix(CREDENTIAL)


def make_key(path: Path) -> None:
    """Put a new key at `path` for this user alone; one that is there, or came meanwhile, stays. StoreError, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made_once(path, lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")


def _parsed(text: str, path: Path) -> list[bytes]:
    keys: list[bytes] = []
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        try:
            key = base64.b64decode(word, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            # The line itself is a secret, also a broken one.
            raise KeyUnusableError(f"{path}: line {number} is no key. Write {KEY_BYTES} random bytes in base64")
        keys.append(key)
    if not keys:
        raise KeyUnusableError(f"{path}: holds no key. Write {KEY_BYTES} random bytes in base64")
    return keys


def _name(key: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE, hashlib.sha256)[:NAME_BYTES]


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
