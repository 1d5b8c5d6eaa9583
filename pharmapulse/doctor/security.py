"""Who may look and listen: guests, addresses, accounts, and the rights on files that hold secrets."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from domain.settings import Settings
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, warn
from pharmapulse.doctor.stores import state_file
from store.looking import count_users

NAME, SECRETS = "security", "secrets"
_CREDENTIAL = "credential:"


def check(house: House) -> Iterable[Finding]:
    """Accounts, guests, and what listens beyond this machine."""
    file = state_file(house)
    users = count_users(file) if file.exists() else None
    found = list(judged(house.config.settings, users, os.geteuid(), house.file))
    yield from found
    if not found:
        yield ok(NAME, f"{several(users or 0, 'account')}; guests: {house.config.settings.web.guests}")


def judged(settings: Settings, users: int | None, caller: int, file: str) -> Iterable[Finding]:
    """What is not as it should be."""
    web = settings.web
    if not users:
        # Without accounts nobody from elsewhere can log in either; guests of this machine may look.
        worse = warn if is_loopback(web.listen) else fail
        yield worse(NAME, "there is no account yet", f"pharmapulse users add NAME --role ops --config {file}")
    elif web.guests == "local":
        yield warn(NAME, "whoever is on this machine may read all pages without an account",
                   'web.guests = "until-accounts", or "none"')  # fmt: skip
    if not is_loopback(web.listen) and not web.proxies:
        yield warn(NAME, f"the dashboard listens on {web.listen} without TLS: passwords travel in the clear",
                   "Put a web server with TLS in front: web.listen = \"127.0.0.1\", web.proxies = 1")  # fmt: skip
    if not is_loopback(settings.deferred.listen) and settings.deferred.targets:
        yield warn(NAME, f"the gateway listens on {settings.deferred.listen} without TLS: medical data travel in the "
                   "clear", 'Put a web server with TLS in front: deferred.listen = "127.0.0.1"')  # fmt: skip
    if caller == 0:
        yield warn(NAME, "this is root: a user of its own can do less harm",
                   "useradd --system pharmapulse, and run all as that user")  # fmt: skip


def is_loopback(address: str) -> bool:
    """Whether an address to listen on is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def check_secrets(house: House) -> Iterable[Finding]:
    """The rights on files that hold secrets, and secrets that stand where they should not."""
    wrong = looked = 0
    for setting, path in secret_files(house):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            wrong += 1
            yield fail(SECRETS, f"{setting}: {path} is not there", "Write it, or take the setting out")
            continue
        looked += 1
        if bad := open_to_others(setting, path, mode):
            wrong += 1
            yield bad
    mode = house.config.file.stat().st_mode
    if mode & 0o004 and any(person.urls for person in house.config.settings.people):
        wrong += 1
        yield warn(SECRETS, f"{house.file} may be read by everybody, and holds people's URLs",
                   f"chmod o= {house.file}, or move those with secrets into urls_file")  # fmt: skip
    if not wrong:
        yield ok(
            SECRETS, f"{several(looked, 'file')} for this user and its group only" if looked else "no files of them"
        )


def open_to_others(setting: str, path: Path, mode: int) -> Finding | None:
    """What is wrong with a secret's rights; None where nothing is."""
    if mode & 0o007:
        return fail(SECRETS, f"{setting}: {path} is open to everybody ({stat.S_IMODE(mode):o})", f"chmod 600 {path}")
    if mode & 0o020:
        return warn(SECRETS, f"{setting}: {path} may be changed by its group ({stat.S_IMODE(mode):o})",
                    f"chmod 600 {path}")  # fmt: skip
    return None


def secret_files(house: House) -> Iterator[tuple[str, Path]]:
    """Every file of the configuration that holds a secret, by its setting, and those that were made beside the data."""
    settings, base = house.config.settings, house.config.file.parent
    named = {
        "transport.password_file": settings.transport.password_file,
        "transport.token_file": settings.transport.token_file,
        "transport.key_file": settings.transport.key_file,
        "agent.site_key_file": settings.agent.site_key_file,
        **{f"people.{person.name}.urls_file": person.urls_file for person in settings.people},
        **{f"deferred.targets.{target.name}.key_file": target.key_file for target in settings.deferred.targets},
    }
    for setting, name in named.items():
        if name and not name.startswith(_CREDENTIAL):
            yield setting, base / name
    keys = house.places.deferred / "keys"
    made = [house.places.web_secret, house.places.site_key, *(sorted(keys.glob("*.key")) if keys.is_dir() else ())]
    for path in made:
        if path.exists():
            yield path.name, path
