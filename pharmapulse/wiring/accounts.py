"""Accounts as the command line reaches them, and their one-time links."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dashboard.access.passwords import LINK_HOURS, new_secret
from domain.access import EVERYTHING, User
from domain.clock import SystemClock
from pharmapulse.config import Config
from pharmapulse.wiring.stores import state

if TYPE_CHECKING:
    from domain.ports import AccessStore

FIRST_NAME = "ops"


@contextmanager
def access(config: Config) -> Iterator[AccessStore]:
    """The accounts of a site."""
    from store.access import SqlAccess

    kept = state(config)
    try:
        yield SqlAccess(kept.engine)
    finally:
        kept.close()


def address_of(config: Config, port: int | None = None) -> str:
    """How people open the dashboard: by its first name, over HTTPS where a proxy stands before it."""
    web = config.settings.web
    port = web.port if port is None else port
    if not web.hosts:
        return f"http://127.0.0.1:{port}"
    host = web.hosts[0]
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}" if web.proxies else f"http://{host}:{port}"


def make_link(config: Config, store: AccessStore, user: User, port: int | None = None) -> str:
    """A one-time link of an account; older ones of it are void. It is told once and kept nowhere."""
    secret = new_secret()
    # Accounts go by the real time, also where the site's clock is set to a replay.
    store.add_link(user, secret, SystemClock().now() + LINK_HOURS * 3_600)
    return f"{address_of(config, port)}/welcome/{secret}"


def tell_first_link(config: Config, port: int) -> None:
    """Where no account exists yet, make the first and tell its one-time link on the terminal.

    Only on a terminal, to whoever sits there: what a service says is kept in journals, and a link opens everything.
    """
    if config.settings.web.guests == "local" or not sys.stderr.isatty():
        return
    with access(config) as store:
        if store.users():
            return
        user = store.add_user(FIRST_NAME, "ops", EVERYTHING, SystemClock().now())
        link = make_link(config, store, user, port)
    sys.stderr.write(
        "pharmapulse: no account exists yet. "
        f'Open this once, within {LINK_HOURS} hours, to be "{FIRST_NAME}":\n{link}\n'
    )
