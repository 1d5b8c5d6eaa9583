"""Accounts, links, sessions, tokens and the audit log: secrets work once and only as told, and are kept as hashes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.access import EVERYTHING, AuditEntry, Scope, User
from domain.errors import StoreError, UsageError
from store.access import SqlAccess
from store.state import SqlState, open_state

NOW = 1_000_000.0
DAY = 86_400.0
PART = Scope(hubs=frozenset({"dpp", "recipe"}), vendors=frozenset({"Cito & Co/2"}))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqlState]:
    opened = open_state(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


@pytest.fixture
def access(state: SqlState) -> SqlAccess:
    return SqlAccess(state.engine)


@pytest.fixture
def anna(access: SqlAccess) -> User:
    return access.add_user("anna", "ops", EVERYTHING, NOW)


def test_accounts_stay_with_their_scopes(access: SqlAccess, anna: User) -> None:
    partner = access.add_user("apolline", "partner", PART, NOW + 1)
    assert access.users() == [anna, partner]
    assert access.user("apolline") == partner
    assert access.user("nobody") is None
    access.change_user(replace(partner, role="ops", scope=EVERYTHING))
    assert access.user("apolline") == replace(partner, role="ops", scope=EVERYTHING)


@pytest.mark.usefixtures("anna")
def test_a_name_is_given_once(access: SqlAccess) -> None:
    with pytest.raises(UsageError, match='there is an account "anna" already'):
        access.add_user("anna", "partner", PART, NOW)
    assert [user.role for user in access.users()] == ["ops"]


def test_a_link_works_once_and_within_its_time(access: SqlAccess, anna: User) -> None:
    access.add_link(anna, "first", NOW + DAY)
    access.add_link(anna, "second", NOW + DAY)
    assert access.link_user("first", NOW) is None, "an older link is void"
    assert access.link_user("second", NOW) == anna
    assert access.link_user("second", NOW + DAY) is None
    assert access.use_link("second", "hash", NOW + DAY) is None
    assert access.use_link("second", "hash", NOW) == replace(anna, password_hash="hash")
    assert access.use_link("second", "other", NOW) is None
    assert access.user("anna") == replace(anna, password_hash="hash")


def test_a_link_ends_the_sessions_of_its_account_alone(access: SqlAccess, anna: User) -> None:
    other = access.add_user("other", "partner", PART, NOW)
    access.add_session(anna, "hers", NOW, NOW + DAY, "192.0.2.1")
    access.add_session(other, "theirs", NOW, NOW + DAY, "192.0.2.2")
    access.add_link(anna, "link", NOW + DAY)
    access.use_link("link", "hash", NOW)
    assert access.session_user("hers", NOW) is None
    assert access.session_user("theirs", NOW) == other


def test_a_link_is_used_by_one_of_many_at_once(access: SqlAccess, anna: User) -> None:
    access.add_link(anna, "link", NOW + DAY)
    opened: list[User | None] = []
    threads = [
        threading.Thread(target=lambda i=i: opened.append(access.use_link("link", f"hash {i}", NOW))) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [user for user in opened if user is not None]
    assert access.user("anna") == won


def test_sessions_end_when_they_are_over_or_ended(access: SqlAccess, anna: User) -> None:
    for name, hours in (("short", 1), ("long", 12), ("other", 12)):
        access.add_session(anna, name, NOW, NOW + hours * 3_600, f"address of {name}")
    assert access.session_user("short", NOW + 3_599) == anna
    assert access.session_user("short", NOW + 3_600) is None
    assert {one.address for one in access.sessions(anna, NOW + 3_600)} == {"address of long", "address of other"}
    access.end_session("long")
    assert access.session_user("long", NOW) is None
    assert access.end_sessions(anna, only=access.session_id("nothing")) == 0
    assert access.end_sessions(anna, only=access.session_id("other")) == 1
    assert access.session_user("other", NOW) is None
    access.add_session(anna, "again", NOW + DAY, NOW + 2 * DAY, "")
    assert access.end_sessions(anna) == 1, "sessions that were over had been cleared away"


def test_nobody_ends_the_session_of_another(access: SqlAccess, anna: User) -> None:
    other = access.add_user("other", "partner", PART, NOW)
    access.add_session(anna, "hers", NOW, NOW + DAY, "")
    assert access.end_sessions(other, only=access.session_id("hers")) == 0
    assert access.session_user("hers", NOW) == anna


def test_who_is_disabled_is_out_at_once_and_stays_out(access: SqlAccess, anna: User) -> None:
    access.add_session(anna, "session", NOW, NOW + DAY, "")
    access.add_link(anna, "link", NOW + DAY)
    access.change_user(replace(anna, disabled=NOW))
    access.add_session(anna, "begun in that moment", NOW, NOW + DAY, "")
    assert access.session_user("session", NOW) is None
    assert access.session_user("begun in that moment", NOW) is None
    assert access.link_user("link", NOW) is None
    access.change_user(anna)
    assert access.session_user("session", NOW) is None


def test_a_use_is_noted_once_a_minute(access: SqlAccess, anna: User) -> None:
    access.add_session(anna, "session", NOW, NOW + DAY, "")
    seen = []
    for after in (30, 60, 90, 150):
        access.session_user("session", NOW + after)
        seen.append(access.sessions(anna, NOW)[0].seen - NOW)
    assert seen == [0, 60, 60, 150]


def test_tokens_are_scoped_end_and_are_revoked(access: SqlAccess) -> None:
    read = access.add_token("grafana", "secret", "partner", PART, frozenset({"read"}), NOW, NOW + DAY)
    both = access.add_token("gateway", "other", "ops", EVERYTHING, frozenset({"defer", "read"}), NOW, None)
    assert access.tokens() == [read, both]
    assert access.token("secret", NOW) == read
    assert access.token("secret", NOW + DAY) is None
    assert access.token("other", NOW + 1_000 * DAY) == both
    assert access.token("nothing", NOW) is None
    assert access.revoke_token(read.id, NOW + 5)
    assert not access.revoke_token(read.id, NOW + 6), "it is void already"
    assert not access.revoke_token(99, NOW)
    assert access.token("secret", NOW) is None
    assert [token.revoked for token in access.tokens()] == [NOW + 5, None]
    assert access.tokens()[1].last_used == NOW + 1_000 * DAY


def test_secrets_are_kept_as_hashes(access: SqlAccess, anna: User, tmp_path: Path) -> None:
    access.add_link(anna, "the-link-s-secret", NOW + DAY)
    access.add_session(anna, "the-session-s-secret", NOW, NOW + DAY, "")
    access.add_token("grafana", "the-token-s-secret", "ops", EVERYTHING, frozenset({"read"}), NOW, None)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"grafana" in kept
    assert b"-s-secret" not in kept


@pytest.mark.parametrize("secret", ["", "\udcff\ud800", "a" * 100_000, "' OR 1=1 --", "\x00"])
def test_a_secret_of_any_text_is_only_unknown(access: SqlAccess, anna: User, secret: str) -> None:
    access.add_session(anna, "session", NOW, NOW + DAY, "")
    assert access.session_user(secret, NOW) is None
    assert access.link_user(secret, NOW) is None
    assert access.token(secret, NOW) is None


def test_the_audit_log_tells_the_newest_first_and_cuts_what_is_too_long(access: SqlAccess) -> None:
    for place in range(5):
        access.write_audit(AuditEntry(NOW + place, "anna", "login", f"{place}", "192.0.2.1"))
    assert [entry.what for entry in access.audit(3)] == ["4", "3", "2"]
    access.write_audit(AuditEntry(NOW, "a" * 300, "b" * 300, "c" * 3_000, "d" * 300))
    (entry,) = access.audit(1)
    assert [len(part) for part in (entry.who, entry.action, entry.what, entry.address)] == [100, 100, 1_000, 100]


def test_a_state_that_cannot_be_read_is_told(state: SqlState, access: SqlAccess) -> None:
    with state.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    with pytest.raises(StoreError, match="no such table: audit"):
        access.audit(1)
