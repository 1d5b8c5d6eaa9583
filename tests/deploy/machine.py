"""A bare Debian to try the playbook on: a fresh root, booted in a container, reached by ssh."""

from __future__ import annotations

import configparser
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
# What a machine must have before ansible can reach it, and no more.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "ca-certificates", "openssh-server")
NEEDED = ("debootstrap", "systemd-nspawn", "ssh", "ssh-keygen", "curl")
# The one that `make setup` brings along where there is none.
OWN_UV = Path(__file__).parents[2] / ".venv-uv" / "bin" / "uv"
BOOT_SECONDS, STOP_SECONDS = 60.0, 30.0


def uv() -> str:
    """The command uv; empty where there is none."""
    return shutil.which("uv") or (str(OWN_UV) if OWN_UV.exists() else "")


def missing() -> str:
    """Why no machine can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    lacking = [program for program in NEEDED if shutil.which(program) is None]
    lacking += [] if uv() else ["uv"]
    return f"these are not installed: {', '.join(lacking)}" if lacking else ""


@dataclass(frozen=True)
class Machine:
    """A booted machine: where its root is, how it is called by ssh, what it inherits for pip."""

    root: Path
    home: Path
    port: int
    pip: Mapping[str, str]

    @property
    def ssh_options(self) -> list[str]:
        """Whom it is, and who we are."""
        return ["-o", f"UserKnownHostsFile={self.home}/known_hosts", "-o", "StrictHostKeyChecking=yes",
                "-o", f"IdentityFile={self.home}/key", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]  # fmt: skip

    def run(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command on it as root."""
        return subprocess.run(
            ["ssh", *self.ssh_options, "-p", str(self.port), "root@127.0.0.1", command],
            capture_output=True, text=True, check=check, timeout=120,
        )  # fmt: skip


def free_port(count: int = 1) -> int:
    """The first of some ports in a row that nobody listens on."""
    while True:
        with ExitStack() as held:
            first = 0
            try:
                for place in range(count):
                    one = held.enter_context(socket.socket())
                    one.bind(("127.0.0.1", first + place if first else 0))
                    first = first or one.getsockname()[1]
            except OSError:
                continue
            return first


@contextmanager
def booted() -> Iterator[Machine]:
    """A fresh machine; gone afterwards."""
    with _kept() as kept:
        yield from _booted(_bare(kept))


@contextmanager
def _kept() -> Iterator[Path]:
    """The directory of what is kept between tests, for one of them at a time: two machines would share their groups."""
    kept = Path(tempfile.gettempdir()) / f"pharmapulse-bare-{SUITE}"
    kept.mkdir(mode=0o700, exist_ok=True)
    status = kept.lstat()
    assert (status.st_uid, status.st_mode & 0o077) == (0, 0), f"{kept} is not root's alone"
    handle = os.open(kept, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield kept
    finally:
        os.close(handle)


def _booted(bare: Path) -> Iterator[Machine]:
    home = Path(tempfile.mkdtemp(prefix="pharmapulse-deploy-"))
    root = home / "root"
    try:
        subprocess.run(["cp", "-a", "--reflink=auto", bare, root], check=True)
        pip, shared = _package_index(root)
        machine = Machine(root, home, free_port(), pip)
        _allow_ssh(machine)
        command = ["systemd-nspawn", "--quiet", f"--directory={root}", "--boot", "--register=no", "--link-journal=no",
                   f"--machine=pharmapulse-{os.getpid()}", "--resolv-conf=copy-host", "--console=passive",
                   *(f"--bind-ro={path}" for path in shared)]  # fmt: skip
        if not Path("/run/systemd/system").exists():
            command.append("--keep-unit")  # nobody is there who would give it a unit of its own
        with (home / "console").open("wb") as console:
            container = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            _wait_for_ssh(machine, container)
            yield machine
        finally:
            container.send_signal(signal.SIGTERM)  # an orderly shutdown
            try:
                container.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                container.kill()
                container.wait()
    finally:
        shutil.rmtree(home)


def _bare(kept: Path) -> Path:
    """A bare root, made once on each machine and copied from then on."""
    bare = kept / "root"
    if not bare.exists():
        making = Path(tempfile.mkdtemp(dir=kept))
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, making / "root", _mirror()],
            check=True, capture_output=True,
        )  # fmt: skip
        (making / "root").rename(bare)
        making.rmdir()
    return bare


def _mirror() -> str:
    """The mirror that this machine has its own packages of the suite from, or Debian's."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    mirrors = (line.split() for line in told.stdout.splitlines())
    return next((uri for release, uri in mirrors if release == SUITE and "debian" in uri), MIRROR)


def _package_index(root: Path) -> tuple[dict[str, str], list[Path]]:
    """What pip is told on this machine, as environment for the other, and directories that both must see."""
    told: dict[str, str] = {}
    for file in (Path("/etc/pip.conf"), Path("~/.pip/pip.conf"), Path("~/.config/pip/pip.conf")):
        config = configparser.RawConfigParser()
        config.read(file.expanduser())
        if config.has_section("global"):
            told |= {f"PIP_{name.upper().replace('-', '_')}": value for name, value in config.items("global")}
    told |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if signers := told.get("PIP_CERT", os.environ.get("SSL_CERT_FILE", "")):
        told["PIP_CERT"] = "/usr/local/share/signers-of-the-index.pem"
        shutil.copy(signers, root / told["PIP_CERT"].lstrip("/"))
    paths = (Path(word.removeprefix("file://")) for name in told.keys() - {"PIP_CERT"} for word in told[name].split())
    # An index of files points to its neighbours: /srv/index/simple is of no use without the rest of /srv/index.
    places = {Path(*path.parts[:3]) for path in paths if path.is_absolute() and path.exists()}
    return told, sorted(places)


def _allow_ssh(machine: Machine) -> None:
    key = machine.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    ours = machine.root / "root/.ssh"
    ours.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(key.with_suffix(".pub"), ours / "authorized_keys")
    settings = f"Port {machine.port}\nListenAddress 127.0.0.1\nPermitRootLogin prohibit-password\nUseDNS no\n"
    (machine.root / "etc/ssh/sshd_config.d/deploy.conf").write_text(settings)
    theirs = (machine.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    (machine.home / "known_hosts").write_text(f"[127.0.0.1]:{machine.port} {theirs}")


def _wait_for_ssh(machine: Machine, container: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while machine.run("true", check=False).returncode:
        told = (machine.home / "console").read_text(errors="replace")[-2000:]
        assert container.poll() is None, f"the container ended:\n{told}"
        assert time.monotonic() < deadline, f"the machine does not answer:\n{told}"
        time.sleep(0.2)
