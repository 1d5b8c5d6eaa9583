"""Passwords and other secrets: made, checked, hashed."""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST, LONGEST = 12, 500
LINK_HOURS = 24
# Each takes 64 MB while it is worked out (argon2-cffi's own choice, after RFC 9106): more at once are not needed, and
# a crowd of wrong passwords must not eat the machine's memory.
_AT_ONCE = threading.BoundedSemaphore(2)
_HASHER = PasswordHasher()


def new_secret() -> str:
    """A secret that nobody can guess: 32 random bytes, fit for an address or a cookie."""
    return secrets.token_urlsafe(32)


def unfit(password: str, again: str, name: str) -> str:
    """Why a password cannot be taken; "" where it can."""
    if len(password) < SHORTEST:
        return f"Choose a password of at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"Choose a password of at most {LONGEST} characters."
    if password.strip().casefold() == name.casefold():
        return "Choose a password that is not the account’s name."
    if len(set(password)) < 4:
        return "Choose a password of more than a few different characters."
    if password != again:
        return "The two passwords differ."
    return ""


def hashed(password: str) -> str:
    """The password's argon2id hash."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_right(password_hash: str, password: str) -> bool:
    """Whether a password belongs to a hash. "" (no account, or one without a password) takes as long, and is wrong."""
    with _AT_ONCE:
        try:
            _HASHER.verify(password_hash or _nobodys(), password)
        except (VerifyMismatchError, InvalidHashError):
            return False
    return password_hash != ""


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
