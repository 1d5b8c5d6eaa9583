"""What is installed: Python, librrd, the libraries that do the work."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from importlib import metadata

from pharmapulse.doctor.finding import Finding, House, fail, ok, warn
from store.looking import SQLITE

NAME = "installed"
LEAST_PYTHON = (3, 11)
LEAST_RRD = (1, 7)
LEAST_SQLITE = (3, 35, 0)  # RETURNING


def check(_house: House) -> Iterable[Finding]:
    """Versions of what matters."""
    try:
        import rrdtool
    except ImportError as error:
        yield fail(NAME, f"librrd cannot be used: {error}", "sudo apt-get install librrd8, then make setup")
        return
    yield from judged(sys.version_info[:2], rrdtool.lib_version(), SQLITE)


def judged(python: tuple[int, ...], librrd: str, sqlite: tuple[int, ...]) -> Iterable[Finding]:
    """Whether these versions will do."""
    bad = False
    if python < LEAST_PYTHON:
        bad = True
        yield fail(NAME, f"Python {'.'.join(map(str, python))}", "Install Python 3.11 or later, then make setup")
    if version(librrd) < LEAST_RRD:
        bad = True
        yield warn(NAME, f"librrd {librrd}: not tested below 1.7", "sudo apt-get install librrd8")
    if sqlite < LEAST_SQLITE:
        bad = True
        yield fail(NAME, f"SQLite {'.'.join(map(str, sqlite))}, and 3.35 is needed", "Install a newer Python")
    if not bad:
        libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("polars", "sqlalchemy", "flask"))
        told = f"pharmapulse {metadata.version('pharmapulse')}, Python {platform.python_version()}, librrd {librrd}"
        yield ok(NAME, f"{told}, SQLite {'.'.join(map(str, sqlite))}, {libraries}")


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version."""
    return tuple(int(part) for part in text.split(".") if part.isdigit())
