"""`pharmapulse users`: who may see and do what."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from dashboard.access.passwords import LINK_HOURS, new_secret
from domain.access import EVERYTHING, Ability, AuditEntry, Role, Scope, Token, User
from domain.clock import SystemClock
from domain.errors import UsageError
from domain.ports import AccessStore
from domain.redact import has_patient
from pharmapulse.config import Config
from pharmapulse.options import add_config, check_hub, config_of
from pharmapulse.user import user_name
from pharmapulse.wiring.accounts import access, make_link

EPILOG = """\
examples:
  pharmapulse users add anna --role ops --config pharmapulse.toml
  pharmapulse users add apolline --role partner --vendor apolline --config pharmapulse.toml
  pharmapulse users add ehealth --role partner --all --config pharmapulse.toml
  pharmapulse users link anna --config pharmapulse.toml
  pharmapulse users role apolline --role partner --vendor apolline --hub dpp --config pharmapulse.toml
  pharmapulse users disable apolline --config pharmapulse.toml
  pharmapulse users list --config pharmapulse.toml --json
  pharmapulse users token grafana --role partner --hub dpp --ability read --days 90 --config pharmapulse.toml
  pharmapulse users token connectors --role partner --hub dpp --ability defer --config pharmapulse.toml
  pharmapulse users revoke-token 3 --config pharmapulse.toml
  pharmapulse users audit --config pharmapulse.toml

ops read and change everything. Partners read the hubs (--hub) and vendors (--vendor) they are given, or everything
(--all), and are told no counts under five. A token with the ability to defer does so for the
hubs it is given. A link or a token is shown once; only its hash is kept.
"""
TOKEN_DAYS = 365
TOKEN_PREFIX = "pharmapulse_"  # noqa: S105 (what tokens begin with, so that a lost one is known for what it is)
_ACTIONS = ("add", "link", "role", "disable", "enable", "list", "token", "tokens", "revoke-token", "audit")
_NAMELESS = frozenset({"list", "tokens", "audit"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,62}")
_TAKEN = frozenset({"guest", "pharmapulse", "unknown"})


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="the account, or the token's name or number"
    )
    add_config(parser)
    parser.add_argument("--role", choices=("ops", "partner"), help="what it may do")
    parser.add_argument("--hub", action="append", default=[], metavar="H", help="a hub that a partner reads")
    parser.add_argument("--vendor", action="append", default=[], metavar="V", help="a vendor that a partner reads")
    parser.add_argument("--all", action="store_true", help="a partner reads everything")
    parser.add_argument("--ability", action="append", choices=("read", "defer"), help="what a token is for (read)")
    parser.add_argument(
        "--days", type=int, default=TOKEN_DAYS, metavar="N", help=f"how long a token lives ({TOKEN_DAYS}; 0: for ever)"
    )
    parser.add_argument("--most", type=int, default=200, metavar="N", help="audit: how many entries (200)")
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Do it, and tell what came of it."""
    config = config_of(options)
    if bool(options.name) == (options.action in _NAMELESS):
        raise UsageError(f"users {options.action}: " + ("takes no name" if options.name else "name whom or what"))
    with access(config) as store:
        return _DOES[options.action](options, config, store)


def _add(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    name = _new_name(options.name)
    role, scope = _role(options), _scope(options, config)
    if store.user(name) is not None:
        raise UsageError(f'there is an account "{name}" already. users link makes it a link, users role changes it')
    user = store.add_user(name, role, scope, SystemClock().now())
    _note(store, "added an account", f"{name}: {_may(role, scope)}")
    return _tell_link(options, config, store, user)


def _link(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    user = _known(store, options.name)
    if user.disabled is not None:
        raise UsageError(f'"{user.name}" is disabled. Enable it first: pharmapulse users enable {user.name}')
    _note(store, "made a one-time link", user.name)
    return _tell_link(options, config, store, user)


def _change_role(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    user, role, scope = _known(store, options.name), _role(options), _scope(options, config)
    store.change_user(replace(user, role=role, scope=scope))
    _note(store, "changed an account", f"{user.name}: {_may(role, scope)}")
    return _say(f"{user.name}: {_may(role, scope)}")


def _disable(options: argparse.Namespace, _config: Config, store: AccessStore) -> int:
    user = _known(store, options.name)
    store.change_user(replace(user, disabled=SystemClock().now()))
    _note(store, "disabled an account", user.name)
    return _say(f"{user.name} is disabled; it is logged out everywhere")


def _enable(options: argparse.Namespace, _config: Config, store: AccessStore) -> int:
    user = _known(store, options.name)
    store.change_user(replace(user, disabled=None))
    # One that was begun in the moment of the disabling must not live again.
    store.end_sessions(user)
    _note(store, "enabled an account", user.name)
    return _say(f"{user.name} may log in again")


def _list(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    found = store.users()
    if options.json:
        return _json([_user_json(user) for user in found])
    moment = _moments(config)
    rows = [(user.name, _state(user), _may(user.role, user.scope), f"since {moment(user.made)}") for user in found]
    return _table(rows, "no account exists yet: pharmapulse users add NAME --role ops makes the first")


def _token(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    abilities: frozenset[Ability] = frozenset(options.ability or ["read"])
    name, role = _new_name(options.name), _role(options)
    if options.days < 0:
        raise UsageError(f"--days {options.days}: write how many days the token lives, or 0 for ever")
    scope = _scope(options, config)
    now, secret = SystemClock().now(), f"{TOKEN_PREFIX}{new_secret()}"
    expires = now + options.days * 86_400 if options.days else None
    token = store.add_token(name, secret, role, scope, abilities, now, expires)
    _note(store, "made a token", f"{token.id} {name}: {' and '.join(sorted(abilities))}; {_may(role, scope)}")
    if options.json:
        return _json(_token_json(token) | {"secret": secret})
    until = f"until {_moments(config)(expires)}" if expires is not None else "until it is revoked"
    sys.stderr.write(f"pharmapulse: token {token.id}, {until}; it is shown this once:\n")
    return _say(secret)


def _tokens(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    found = store.tokens()
    if options.json:
        return _json([_token_json(token) for token in found])
    moment, now = _moments(config), SystemClock().now()
    rows = [
        (str(token.id), token.name, _token_state(token, now), " ".join(sorted(token.abilities)),
         _may(token.role, token.scope), f"used {moment(token.last_used)}" if token.last_used else "never used")
        for token in found
    ]  # fmt: skip
    return _table(rows, "there are no tokens")


def _revoke(options: argparse.Namespace, _config: Config, store: AccessStore) -> int:
    number = int(options.name) if re.fullmatch(r"[0-9]{1,9}", options.name) else 0
    if not store.revoke_token(number, SystemClock().now()):
        raise UsageError(f'"{options.name}" is no number of a valid token. pharmapulse users tokens lists them')
    _note(store, "revoked a token", str(number))
    return _say(f"token {number} is void")


def _audit(options: argparse.Namespace, config: Config, store: AccessStore) -> int:
    if options.most < 1:
        raise UsageError(f"--most {options.most}: write 1 or more")
    found = store.audit(options.most)
    if options.json:
        return _json(
            [{"at": one.at, "who": one.who, "action": one.action, "what": one.what, "address": one.address}
             for one in found]
        )  # fmt: skip
    moment = _moments(config)
    return _table(
        [(moment(one.at), one.who, one.action, one.what, one.address) for one in found], "nothing was noted yet"
    )


_DOES: dict[str, Callable[[argparse.Namespace, Config, AccessStore], int]] = {
    "add": _add, "link": _link, "role": _change_role, "disable": _disable, "enable": _enable, "list": _list,
    "token": _token, "tokens": _tokens, "revoke-token": _revoke, "audit": _audit,
}  # fmt: skip


def _new_name(asked: str) -> str:
    name = asked.strip().lower()
    if not _NAME.fullmatch(name) or name in _TAKEN or has_patient(name):
        raise UsageError(f'"{asked}" cannot be a name. Write small letters, digits and . _ @ + -, such as anna')
    return name


def _known(store: AccessStore, name: str) -> User:
    user = store.user(name.strip().lower())
    if user is None:
        known = ", ".join(one.name for one in store.users()) or "none"
        raise UsageError(f'there is no account "{name}". There are: {known}')
    return user


def _role(options: argparse.Namespace) -> Role:
    if options.role is None:
        raise UsageError(f"users {options.action}: say what it may do with --role ops or --role partner")
    role: Role = options.role
    return role


def _scope(options: argparse.Namespace, config: Config) -> Scope:
    some = bool(options.hub or options.vendor)
    if options.role == "ops":
        if some or options.all:
            raise UsageError("ops see everything: leave out --hub, --vendor and --all, or write --role partner")
        return EVERYTHING
    if some == options.all:
        what = "either --all or --hub and --vendor" if some else "--hub H, --vendor V or --all"
        raise UsageError(f"say what the partner reads: {what}")
    for hub in options.hub:  # of one that is not there they would see nothing, and nobody would know why
        check_hub(hub, config.settings)
    return EVERYTHING if options.all else Scope(hubs=frozenset(options.hub), vendors=frozenset(options.vendor))


def _tell_link(options: argparse.Namespace, config: Config, store: AccessStore, user: User) -> int:
    link = make_link(config, store, user)
    if options.json:
        return _json({"name": user.name, "link": link, "hours": LINK_HOURS})
    sys.stderr.write(f"pharmapulse: {user.name} opens this once, within {LINK_HOURS} hours, and chooses a password:\n")
    return _say(link)


def _note(store: AccessStore, action: str, what: str) -> None:
    store.write_audit(AuditEntry(SystemClock().now(), user_name(), action, what, "the command line"))


def _may(role: Role, scope: Scope) -> str:
    if role == "ops":
        return "ops"
    if scope.everything:
        return "partner, reads everything"
    parts = [f"hub {hub}" for hub in sorted(scope.hubs)] + [f"vendor {vendor}" for vendor in sorted(scope.vendors)]
    return f"partner, reads {', '.join(parts) or 'nothing'}"


def _state(user: User) -> str:
    if user.disabled is not None:
        return "disabled"
    return "active" if user.password_hash else "has not used its link"


def _token_state(token: Token, now: float) -> str:
    if token.revoked is not None:
        return "revoked"
    return "over" if token.expires is not None and token.expires <= now else "valid"


def _scope_json(scope: Scope) -> dict[str, object]:
    return {"everything": scope.everything, "hubs": sorted(scope.hubs), "vendors": sorted(scope.vendors)}


def _user_json(user: User) -> dict[str, object]:
    return {
        "name": user.name, "role": user.role, "scope": _scope_json(user.scope), "made": user.made,
        "has_password": user.password_hash != "", "disabled": user.disabled,
    }  # fmt: skip


def _token_json(token: Token) -> dict[str, object]:
    return {
        "token": token.id, "name": token.name, "role": token.role, "scope": _scope_json(token.scope),
        "abilities": sorted(token.abilities), "made": token.made, "expires": token.expires, "revoked": token.revoked,
        "last_used": token.last_used,
    }  # fmt: skip


def _moments(config: Config) -> Callable[[float], str]:
    zone = ZoneInfo(config.settings.site.zone)
    return lambda time: f"{datetime.fromtimestamp(time, zone):%Y-%m-%d %H:%M}"


def _json(body: object) -> int:
    return _say(msgspec.json.encode(body).decode())


def _say(text: str) -> int:
    sys.stdout.write(f"{text}\n")
    return 0


def _table(rows: Sequence[tuple[str, ...]], none: str) -> int:
    """Columns as wide as their widest cell; `none` where there are no rows."""
    if not rows:
        return _say(none)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        _say("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
