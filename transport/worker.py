"""gunicorn's threads, held against callers who never end what they begin to send (`transport.hearing`)."""

from __future__ import annotations

from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from transport.hearing import BODY_SECONDS, HEAD_SECONDS, Hearing


class PromptWorker(ThreadWorker):
    """A worker with threads whose callers have to be prompt. What is answered may take as long as it likes."""

    head_seconds, body_seconds = HEAD_SECONDS, BODY_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hearing = Hearing()

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it, in a thread."""
        self._hearing.begin(conn.sock, self.head_seconds)
        try:
            return super().handle(conn)
        finally:
            self._hearing.end()

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request whose headers are read."""
        self._hearing.more(self.body_seconds)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """End what takes too long: the worker's loop comes by here every second."""
        super().murder_pending()
        self._hearing.let_go()
