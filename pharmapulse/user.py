"""Who calls the command: for what is noted with a name."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """The user of this machine who runs this process; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
