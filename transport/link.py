"""One connection to a broker with one channel, held in a thread of its own.

The thread answers the broker's heartbeats whatever the rest of the process is at (a tick of the collector may take
minutes), and connects again, with a growing pause, when the connection is lost. Other threads ask it to do something
on the channel and wait for the answer; while there is no channel they are told at once why.
"""

from __future__ import annotations

import concurrent.futures
import functools
import logging
import random
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pika  # type: ignore[import-untyped] # pika ships no types
from pika.exceptions import (  # type: ignore[import-untyped]
    AMQPError,
    ChannelClosed,
    ConnectionClosed,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    StreamLostError,
)

from domain.errors import PharmapulseError, TransportError

T = TypeVar("T")
# What is done on the channel: it settles the future, at once or when the broker answers.
Work = Callable[[Any, "concurrent.futures.Future[T]"], None]

CONNECT_SECONDS = 10.0
HEARTBEAT_SECONDS = 30
# How long the broker may take to open a channel and make what is missing, and to answer a farewell.
PREPARE_SECONDS = 30.0
CLOSE_SECONDS = 1.5
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0

_log = logging.getLogger(__name__)
# What becomes of the connection is told here, in one line; pika tells it in a dozen, with tracebacks.
logging.getLogger("pika").setLevel(logging.CRITICAL)


class _Connection(pika.SelectConnection):  # type: ignore[misc] # pika ships no types
    """A connection that can be dropped where its other end answers nothing any more, not even that it is closed."""

    def drop(self, reason: str) -> None:
        """End it here, without a word to the other end."""
        if not self.is_closed:
            self._terminate_stream(StreamLostError(reason))


class Link:
    """The connection. `prepare` gets each new channel and a function to call once that is ready to be used.

    `lost` is called, in the link's thread, when a channel that was ready is gone. `connections` counts those made.
    """

    def __init__(
        self,
        parameters: Callable[[], pika.ConnectionParameters],
        prepare: Callable[[Any, Callable[[], None]], None],
        lost: Callable[[], None],
        to: str,
    ) -> None:
        self._parameters, self._prepare, self._lost, self._to = parameters, prepare, lost, to
        self._changed = threading.Condition()
        self._connection: Any = None
        self._channel: Any = None
        self._problem: str | None = None  # why there is no channel; None before the first attempt has ended
        self._reason: str | None = None  # why this attempt ended
        self._blocked = ""
        self._futures: set[concurrent.futures.Future[Any]] = set()
        self._closing = threading.Event()
        self.connections = 0
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._thread.start()

    def ask(self, work: Work[T], seconds: float) -> T:
        """Do something on the channel and wait for what comes of it. Raises TransportError."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with self._changed:
            # Only the first connection is waited for; later the caller has better things to do.
            self._changed.wait_for(lambda: self._channel is not None or self._problem is not None, 2 * CONNECT_SECONDS)
            if self._channel is None:
                raise TransportError(f"{self._to}: {self._problem or 'no connection yet'}")
            if self._blocked:
                raise TransportError(f"{self._to} takes nothing for now: {self._blocked}")
            self._futures.add(future)
            self._connection.ioloop.add_callback_threadsafe(functools.partial(self._work, work, self._channel, future))
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError as error:
            problem = f"no answer within {seconds:.0f} s"
            # Whatever it is at, a new connection finds it out sooner.
            self._tell(functools.partial(self._drop, problem))
            raise TransportError(f"{self._to}: {problem}") from error
        finally:
            with self._changed:
                self._futures.discard(future)

    def tell(self, channel: Any, work: Callable[[], None]) -> None:
        """Do something on a channel soon, unless it is gone: then what it was about comes again by itself."""
        with self._changed:
            if channel is self._channel and channel is not None:
                self._connection.ioloop.add_callback_threadsafe(functools.partial(self._try, channel, work))

    def close(self) -> None:
        """Do what was told, close the connection and end the thread."""
        self._closing.set()
        self._tell(self._hang_up)
        self._thread.join(CLOSE_SECONDS)
        self._tell(functools.partial(self._drop, "no answer to our farewell"))
        self._thread.join(CLOSE_SECONDS)

    def _tell(self, work: Callable[[], None]) -> None:
        with self._changed:
            if self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(work)

    # -- in the link's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._closing.is_set():
            before = self.connections
            self._hold()
            # Apart from each other: all agents lose the broker at the same moment.
            share = 0.5 + random.random()  # noqa: S311 (nothing secret)
            pause = FIRST_PAUSE if self.connections > before else min(2 * pause, LONGEST_PAUSE)
            self._closing.wait(pause * share)

    def _hold(self) -> None:
        """Connect, and stay until the connection is over."""
        self._reason = None
        try:
            parameters = self._parameters()
        except PharmapulseError as error:
            self._over(str(error))
            return
        connection = _Connection(
            parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._ended,
            on_close_callback=self._ended,
        )
        connection.add_on_connection_blocked_callback(self._block)
        connection.add_on_connection_unblocked_callback(self._unblock)
        with self._changed:
            self._connection = connection
            if self._closing.is_set():
                connection.ioloop.add_callback_threadsafe(self._hang_up)
        try:
            connection.ioloop.start()
        except (AMQPError, OSError) as error:
            self._over(explained(error))
        finally:
            self._over("the connection is lost")
            with self._changed:
                self._connection = None
            connection.ioloop.close()

    def _opened(self, connection: Any) -> None:
        def too_late() -> None:
            if self._channel is None:
                self._drop(f"its queues are not ready after {PREPARE_SECONDS:.0f} s")

        with self._changed:
            if self._problem is not None:
                self._problem = "connected again, and its queues are not ready yet"
        connection.ioloop.call_later(PREPARE_SECONDS, too_late)
        connection.channel(on_open_callback=self._opened_channel)

    def _opened_channel(self, channel: Any) -> None:
        channel.add_on_close_callback(self._closed_channel)
        channel.add_on_cancel_callback(lambda _: channel.close(0, "the broker cancelled our consumer"))
        self._prepare(channel, functools.partial(self._ready, channel))

    def _ready(self, channel: Any) -> None:
        with self._changed:
            told, self._problem, self._channel = self._problem, None, channel
            self.connections += 1
            self._changed.notify_all()
        if told is not None:
            _log.warning("%s: connected again", self._to)

    def _closed_channel(self, _channel: Any, error: Exception) -> None:
        """Without its channel the connection is of no use."""
        self._over(explained(error))
        self._hang_up()

    def _ended(self, connection: Any, error: BaseException) -> None:
        self._over(explained(error))
        connection.ioloop.stop()

    def _over(self, reason: str) -> None:
        """There is no channel any more: whoever waits for an answer is told why. An attempt's first reason stays."""
        with self._changed:
            was_ready, self._channel, self._blocked = self._channel is not None, None, ""
            self._reason = self._problem = self._reason or reason
            futures, self._futures = self._futures, set()
            self._changed.notify_all()
        for future in futures:
            fail(future, f"{self._to}: {self._reason}")
        if was_ready:
            self._lost()
            if not self._closing.is_set():
                _log.warning("%s: %s; connecting again", self._to, self._reason)

    def _hang_up(self) -> None:
        connection = self._connection
        if connection is None or connection.is_closed:
            return
        if not connection.is_closing:
            connection.close()

    def _drop(self, reason: str) -> None:
        self._over(reason)
        if self._connection is not None:
            self._connection.drop(reason)

    def _block(self, _connection: Any, frame: Any) -> None:
        """The broker is short of memory or disk: what is written now would pile up on our side."""
        with self._changed:
            self._blocked = frame.method.reason or "it is short of memory or disk"
            futures, self._futures = self._futures, set()
        for future in futures:
            fail(future, f"{self._to} takes nothing for now: {self._blocked}")

    def _unblock(self, _connection: Any, _frame: Any) -> None:
        with self._changed:
            self._blocked = ""

    def _work(self, work: Work[T], channel: Any, future: concurrent.futures.Future[T]) -> None:
        try:
            work(channel, future)
        except AMQPError as error:
            fail(future, f"{self._to}: {explained(error)}")

    def _try(self, channel: Any, work: Callable[[], None]) -> None:
        if channel.is_open:
            work()


def fail(future: concurrent.futures.Future[Any], problem: str) -> None:
    """Settle a future that still waits with a TransportError."""
    if not future.done():
        future.set_exception(TransportError(problem))


def succeed(future: concurrent.futures.Future[T], result: T) -> None:
    """Settle a future that still waits."""
    if not future.done():
        future.set_result(result)


def explained(error: BaseException) -> str:
    """What went wrong, out of the errors that pika wraps one in the other."""
    inner: Any = error
    while inner is not None:
        error = inner
        wrapped = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args]
        inner = next((one for one in reversed(wrapped) if isinstance(one, BaseException)), None)
    if isinstance(error, ProbableAuthenticationError):
        return "it does not know this user with this password; look at transport.url and transport.password_file"
    if isinstance(error, ProbableAccessDeniedError):
        return "this user has no access to that virtual host; look at transport.url and at the user's permissions"
    if isinstance(error, (ChannelClosed, ConnectionClosed)):
        return str(error.reply_text)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__
