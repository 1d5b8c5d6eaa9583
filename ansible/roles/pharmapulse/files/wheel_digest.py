"""Prints a digest of what a wheel installs: the product's files, not the times, modes and order of the archive.

Usage: wheel_digest.py WHEEL. Two builds of the same files give the same digest, whatever built them.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile

# They tell who built the wheel, and repeat what the other files are.
_ABOUT_THE_BUILD = (".dist-info/WHEEL", ".dist-info/RECORD")


def digest(wheel: str) -> str:
    """The digest of a wheel's files, in hexadecimal."""
    told = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(_ABOUT_THE_BUILD):
                told.update(f"{name}\0{hashlib.sha256(archive.read(name)).hexdigest()}\0".encode())
    return told.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(sys.argv[1]) + "\n")
