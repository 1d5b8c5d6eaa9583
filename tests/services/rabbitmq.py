"""A RabbitMQ of the tests' own: started as whoever runs them, killed and started again when a test asks for it.

A test module takes the fixture with `from tests.services.rabbitmq import rabbitmq`. Each worker of pytest-xdist that
comes to such a test starts a broker for itself (about 5 s, 120 MB), for tests kill it. PHARMAPULSE_TEST_AMQP
(`amqp://USER:PASSWORD@HOST:PORT/VHOST`) names one that runs already; that one is not killed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import pika  # type: ignore[import-untyped] # pika ships no types
import pytest
from pika.exceptions import AMQPError  # type: ignore[import-untyped]

from domain.settings import TransportSettings
from tests.services.certificates import Authority
from tests.system.support import free_port, wait_for

VARIABLE = "PHARMAPULSE_TEST_AMQP"
# Debian's own /usr/sbin/rabbitmq-server insists on the user rabbitmq.
PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
Role = Literal["agent", "collector"]


class Rabbit:
    """A broker that runs, and how to reach it."""

    def __init__(self, folder: Path, host: str, port: int, vhost: str, users: dict[Role, tuple[str, str]]) -> None:
        self.folder, self.host, self.port, self.vhost, self._users = folder, host, port, vhost, users

    def settings(self, role: Role, queue: str) -> TransportSettings:
        """What a configuration says to reach this broker as agent or as collector."""
        user, password = self._users[role]
        file = self.folder / f"{role}.password"
        file.write_text(f"{password}\n")
        url = f"amqp://{user}@{self.host}:{self.port}/{self.vhost.replace('/', '%2F')}"
        return TransportSettings(url=url, queue=queue, password_file=str(file))

    def connect(self) -> pika.BlockingConnection:
        """A connection as the collector's user, to look at what lies in the queues."""
        user, password = self._users["collector"]
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                self.host, self.port, self.vhost, pika.PlainCredentials(user, password), socket_timeout=5,
                stack_timeout=10, connection_attempts=1,
            )
        )  # fmt: skip

    def answers(self) -> bool:
        """Whether somebody can log in."""
        try:
            self.connect().close()
        except (AMQPError, OSError):
            return False
        return True

    def kill(self) -> None:
        """End the broker as a power cut does."""
        pytest.skip(f"the broker of {VARIABLE} is not ours to kill")

    def start(self, *, wait: bool = True) -> None:
        """Start it again on what it kept."""


class OwnRabbit(Rabbit):
    """A broker of this process, with TLS on a second port."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self.users: dict[Role, tuple[str, str]] = {
            "agent": ("agent", secrets.token_hex(8)), "collector": ("collector", secrets.token_hex(8)),
        }  # fmt: skip
        super().__init__(folder, "127.0.0.1", free_port(), "/", self.users)
        self.tls_port, self._distribution, self._epmd_port = free_port(), free_port(), free_port()
        self.authority = Authority(folder / "tls")
        self._write()
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))},
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # The process that is started is the virtual machine itself then, not a script that waits for it.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": f"test-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        # One that the broker starts by itself would stay after it.
        epmd = shutil.which("epmd") or "epmd"
        with (folder / "epmd.log").open("ab") as log:
            self._epmd = subprocess.Popen(
                [epmd, "-port", str(self._epmd_port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment,
            )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def _write(self) -> None:
        """The broker's configuration: two users with as little right as the documents give them."""
        own = self.authority.issue("broker")
        rights: dict[Role, dict[str, str]] = {
            "agent": {"configure": "^$", "write": r"^test-[0-9a-z]+$", "read": "^$"},
            "collector": dict.fromkeys(("configure", "write", "read"), r"^test-[0-9a-z]+(\..*)?$"),
        }
        definitions = {
            "vhosts": [{"name": "/"}],
            "users": [
                {"name": name, "password_hash": _hashed(password), "tags": "",
                 "hashing_algorithm": "rabbit_password_hashing_sha256"}
                for name, password in self.users.values()
            ],
            "permissions": [{"user": self.users[role][0], "vhost": "/", **of} for role, of in rights.items()],
        }  # fmt: skip
        files = {
            "definitions.json": json.dumps(definitions),
            "env.conf": "",
            "plugins": "[].\n",
            ".erlang.cookie": secrets.token_hex(16),
            "rabbitmq.conf": f"""\
listeners.tcp.1 = 127.0.0.1:{self.port}
listeners.ssl.1 = 127.0.0.1:{self.tls_port}
ssl_options.cacertfile = {self.authority.certificate}
ssl_options.certfile = {own.certificate}
ssl_options.keyfile = {own.key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
loopback_users = none
load_definitions = {self.folder / "definitions.json"}
disk_free_limit.absolute = 1MB
log.console.level = warning
""",
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)
        (self.folder / ".erlang.cookie").chmod(0o400)

    def tls_settings(self, role: Role, queue: str) -> TransportSettings:
        """The same over TLS, this broker's authority named."""
        plain = self.settings(role, queue)
        return TransportSettings(
            url=plain.url.replace("amqp://", "amqps://").replace(f":{self.port}/", f":{self.tls_port}/"),
            queue=queue, password_file=plain.password_file, ca_file=str(self.authority.certificate),
        )  # fmt: skip

    def start(self, *, wait: bool = True) -> None:
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
                cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until somebody can log in."""

        def up() -> bool:
            assert self._process is not None and self._process.poll() is None, self.said()
            return self.answers()

        wait_for("RabbitMQ to start", up, 60)

    def has_written_down(self, queue: str) -> bool:
        """Whether a queue is in the broker's own list of them, which it writes some seconds after it made it.

        One that is not is empty after a kill, and stands still (seen with 3.10.8).
        """
        [names] = (self.folder / "data").glob("*/quorum/*/names.dets")
        return queue.encode() in names.read_bytes()

    def control(self, *arguments: str) -> None:
        """`rabbitmqctl ARGUMENTS`, as the broker's own user."""
        control = shutil.which(str(Path(self._program).with_name("rabbitmqctl"))) or "rabbitmqctl"
        told = subprocess.run(
            [control, *arguments], env=self._environment, cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert told.returncode == 0, told.stdout + told.stderr

    def signal(self, number: signal.Signals) -> None:
        """Send the broker's process a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def said(self) -> str:
        return (self.folder / "broker.log").read_text(errors="replace")[-5_000:]

    def kill(self) -> None:
        if self._process is not None:
            # With the helpers it has started: they are all in its session.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._epmd.terminate()
        self._epmd.wait()


def _hashed(password: str) -> str:
    """A password as RabbitMQ keeps it: base64 of salt and SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _lacking(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: make test installs it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """A broker that runs, for all tests of this worker."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    named = os.environ.get(VARIABLE)
    if named:
        parts = urlsplit(named)
        user = (unquote(parts.username or ""), unquote(parts.password or ""))
        vhost = unquote(parts.path.removeprefix("/")) or "/"
        found = Rabbit(folder, parts.hostname or "", parts.port or 5672, vhost, {"agent": user, "collector": user})
        assert found.answers(), f"nobody answers at {VARIABLE}"
        yield found
        return
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None or shutil.which("epmd") is None:
        _lacking("RabbitMQ is not installed")
    assert program is not None
    own = OwnRabbit(program, folder)
    try:
        own.start()
        yield own
    finally:
        own.close()


@pytest.fixture
def own_rabbitmq(rabbitmq: Rabbit) -> OwnRabbit:
    """The same where it is ours: a test that kills it or needs its TLS is skipped elsewhere."""
    if not isinstance(rabbitmq, OwnRabbit):
        pytest.skip(f"the broker of {VARIABLE} is not ours")
    return rabbitmq


@pytest.fixture
def queue() -> str:
    """A queue's name that no other test has."""
    return f"test-{secrets.token_hex(6)}"
