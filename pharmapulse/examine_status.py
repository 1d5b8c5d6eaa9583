"""What is checked of `[status]` beyond its types."""

from __future__ import annotations

import ipaddress
import math

from domain.errors import ConfigError
from domain.settings import StatusSettings

# A document is written every few seconds and judged up to a little before: less would flicker.
LEAST_STALE_SECONDS = 10


def examine(settings: StatusSettings) -> None:
    """Raises ConfigError with the place."""
    if not LEAST_STALE_SECONDS <= settings.stale_seconds < math.inf:
        problem = "is too little" if settings.stale_seconds < LEAST_STALE_SECONDS else "is no such number"
        raise ConfigError(
            f"{settings.stale_seconds} {problem}", path="status.stale_seconds",
            mend=f"Write {LEAST_STALE_SECONDS} or more",
        )  # fmt: skip
    try:
        ipaddress.ip_address(settings.listen)
    except ValueError as error:
        raise ConfigError(
            f'"{settings.listen}" is not an address to listen on', path="status.listen",
            mend='Write one such as "127.0.0.1" (this machine only) or "0.0.0.0" (all of its addresses)',
        ) from error  # fmt: skip
