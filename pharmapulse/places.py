"""Where everything is stored, and on which ports each process answers."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from domain.errors import ConfigError

_LONGEST_SOCKET = 100
# Each process's port, counted from `web.port`. The collector's, alerts' and log watcher's serve their health only,
# on this machine's own address.
OFFSETS = MappingProxyType(
    {"dashboard": 0, "status-page": 1, "deferred": 2, "collector": 3, "alerts": 4, "logwatch": 5}
)
HIGHEST_PORT = 65_535 - max(OFFSETS.values())


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are stored below `site.data`."""

    data: Path

    @property
    def outbox(self) -> Path:
        """The agent's checkpoint and waiting batches."""
        return self.data / "agent" / "outbox.db"

    @property
    def site_key(self) -> Path:
        """What patients are hashed under, where no other file is named."""
        return self.data / "agent" / "site.key"

    @property
    def spool(self) -> Path:
        """Batches on their way to the collector."""
        return self.data / "spool"

    @property
    def ledger(self) -> Path:
        """The book of cells."""
        return self.data / "ledger"

    @property
    def series(self) -> Path:
        """The RRD files."""
        return self.data / "series"

    @property
    def state(self) -> Path:
        """The database of state."""
        return self.data / "state.db"

    @property
    def web_secret(self) -> Path:
        """What signs the dashboard's forms."""
        return self.data / "web.key"

    @property
    def published(self) -> Path:
        """The document of the public page, in a directory of its own: all that the status page may read."""
        return self.data / "published" / "status.json"

    @property
    def alerts_lock(self) -> Path:
        """Held by the one process that judges."""
        return self.data / "alerts.lock"

    @property
    def deferred(self) -> Path:
        """The deferred calls and the keys that protect them."""
        return self.data / "deferred"

    @property
    def socket(self) -> Path:
        """The collector's socket; in a directory of this user's own where the data lies too deep for one."""
        path = self.data / "collector.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET:
            return path
        own = Path(tempfile.gettempdir()) / f"pharmapulse-{os.getuid()}"
        own.mkdir(mode=0o700, exist_ok=True)
        status = own.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise ConfigError(f"{own} is not this user's alone", path="site.data", mend="Choose a shorter path")
        return own / f"{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}.sock"
