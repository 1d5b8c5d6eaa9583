"""gunicorn's log, handed to ours: in our form, and masked like all else."""

from __future__ import annotations

from gunicorn.config import Config
from gunicorn.glogging import Logger


class GunicornLog(Logger):
    """What gunicorn has to tell, told by the handler that this process has set up."""

    def setup(self, cfg: Config) -> None:
        """Take its own handlers away again, and let the root's have what comes."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
