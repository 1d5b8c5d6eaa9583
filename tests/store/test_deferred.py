"""Deferred calls on disk: durable, sealed, in order for each key, known again, destroyed when delivered."""

from __future__ import annotations

import base64
import os
import re
import resource
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from domain.deferred import Call
from domain.errors import ConfigError, StoreError
from store.deferred import RECEIPT_DAYS, SqliteDeferred, open_deferred
from store.deferred_tables import SCRIPTS
from store.keys import KEY_BYTES, KeyRing, load_keys, make_key
from store.looking import look_at_key
from store.vault import KeyFile

NOW = 1_795_000_000.0
SECRET = "patient 50010199928"


def call(number: int, key: str = "", known: str = "", target: str = "dpp") -> Call:
    return Call(
        target, "POST", f"/x/{number}", (("Content-Type", "text/xml"),), key, known, f"{SECRET} {number}".encode()
    )


def opened(folder: Path, *targets: str, key_file: str = "") -> SqliteDeferred:
    rings = {name: load_keys(name, key_file, folder / "keys" / f"{name}.key") for name in targets or ("dpp",)}
    return open_deferred(folder / "queue.db", rings)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteDeferred]:
    with closing(opened(tmp_path, "dpp", "raotd")) as store:
        yield store


def due(store: SqliteDeferred, now: float = NOW, target: str = "dpp") -> list[bytes]:
    return [store.open(waiting).body for waiting in store.due(target, now, 100)]


class TestCalls:
    def test_what_goes_in_comes_out(self, store: SqliteDeferred) -> None:
        (receipt,) = store.put([call(1, "k", "i")], NOW)
        assert (receipt.target, receipt.state, receipt.accepted) == ("dpp", "waiting", NOW)
        (waiting,) = store.due("dpp", NOW, 10)
        assert store.open(waiting) == call(1, "k", "i")
        assert waiting.receipt == receipt.id
        assert store.receipt(receipt.id) == receipt
        assert store.receipt("another") is None

    def test_without_an_idempotency_key_it_is_known_by_its_receipt(self, store: SqliteDeferred) -> None:
        (receipt,) = store.put([call(1)], NOW)
        assert store.open(store.due("dpp", NOW, 1)[0]).idempotency_key == receipt.id

    def test_it_survives_a_new_opening(self, tmp_path: Path) -> None:
        with closing(opened(tmp_path)) as store:
            store.put([call(1, "k", "i")], NOW)
        with closing(opened(tmp_path)) as store:
            assert due(store) == [call(1).body]

    def test_a_call_sent_twice_is_one(self, store: SqliteDeferred) -> None:
        first, again, other = store.put([call(1, "", "i"), call(1, "", "i"), call(3, "", "j")], NOW)
        assert first == again != other
        assert store.put([call(4, "", "i", "raotd")], NOW)[0].id != first.id
        store.delivered(store.due("dpp", NOW, 1), NOW + 5)
        (later,) = store.put([call(1, "", "i")], NOW + 6)
        assert (later.id, later.state, later.delivered) == (first.id, "delivered", NOW + 5)
        assert store.status(["dpp"], NOW)[0].waiting == 1

    def test_another_call_under_the_same_key_is_told_and_not_kept(self, store: SqliteDeferred) -> None:
        first, other, new = store.put([call(1, "", "i"), call(2, "", "i"), call(3, "", "j")], NOW)
        assert (first.same, other.same, new.same) == (True, False, True)
        assert due(store) == [call(1).body, call(3).body]
        store.bury(store.due("dpp", NOW, 1)[0], "HTTP 400", NOW)
        assert [store.put([call(n, "", "i")], NOW)[0].same for n in (1, 2)] == [True, False]
        assert store.put([call(2, "", "i", "raotd")], NOW)[0].same

    def test_what_each_attempt_has_of_its_own_is_not_compared(self, store: SqliteDeferred) -> None:
        def sent(*headers: tuple[str, str]) -> bool:
            return store.put([replace(call(1, "", "i"), headers=headers)], NOW)[0].same

        assert sent(("Authorization", "Bearer 1"), ("Traceparent", "1"), ("X-Own", "1"), ("X-Request-Id", "1"))
        assert sent(("X-Own", "1"), ("Authorization", "Bearer 2"), ("Traceparent", "2"))
        assert not sent(("X-Own", "2"))

    def test_of_each_lane_only_the_first_may_go(self, store: SqliteDeferred) -> None:
        store.put([call(n, key) for n, key in enumerate(["a", "a", "b", "", "a", "", "b"])], NOW)
        assert due(store) == [call(n).body for n in (0, 2, 3, 5)]
        first, second, free, other = store.due("dpp", NOW, 10)
        store.delivered([first, free], NOW)
        assert due(store) == [call(n).body for n in (1, 2, 5)]
        store.bury(second, "HTTP 400", NOW)
        store.delivered([other], NOW)
        assert due(store) == [call(n).body for n in (1, 6)]

    def test_a_lane_waits_with_its_first(self, store: SqliteDeferred) -> None:
        store.put([call(0, "a"), call(1, "a"), call(2, "b")], NOW)
        store.failed(store.due("dpp", NOW, 1)[0], "HTTP 503", NOW + 10)
        assert due(store) == [call(2).body]
        assert due(store, NOW + 10) == [call(0).body, call(2).body]
        assert store.due("dpp", NOW + 10, 1)[0].attempts == 1

    def test_targets_keep_to_themselves(self, store: SqliteDeferred) -> None:
        store.put([call(0, "a"), call(1, "a", "", "raotd")], NOW)
        assert (due(store), due(store, target="raotd"), due(store, target="else")) == (
            [call(0).body], [call(1).body], [],
        )  # fmt: skip

    def test_a_held_target_lets_nothing_out(self, store: SqliteDeferred) -> None:
        store.put([call(0), call(1, target="raotd")], NOW)
        store.hold("dpp", "restart", "ops", NOW)
        store.hold("dpp", "restart, still", "somebody", NOW + 60)
        assert (due(store), len(due(store, target="raotd"))) == ([], 1)
        (status,) = store.status(["dpp"], NOW)
        assert (status.held, status.held_by, status.held_since, status.reason) == (
            True, "somebody", NOW, "restart, still",
        )  # fmt: skip
        store.resume("dpp")
        assert len(due(store)) == 1
        assert not store.status(["dpp"], NOW)[0].held

    def test_settled_twice_counts_once(self, store: SqliteDeferred) -> None:
        store.put([call(0), call(1)], NOW)
        first, second = store.due("dpp", NOW, 2)
        for _ in range(2):
            store.delivered([first], NOW)
            store.bury(second, "HTTP 400", NOW)
        store.failed(first, "late", NOW + 9)
        (status,) = store.status(["dpp"], NOW)
        assert (status.waiting, status.delivered, status.dead, status.oldest) == (0, 1, 1, None)
        assert status.rate == pytest.approx(1 / 60)
        assert store.status(["dpp"], NOW + 120)[0].rate == 0

    def test_status_of_a_target_that_was_never_used(self, store: SqliteDeferred) -> None:
        (status,) = store.status(["new"], NOW)
        assert (status.waiting, status.held, status.oldest) == (0, False, None)

    def test_what_was_settled_a_week_ago_is_forgotten(self, store: SqliteDeferred) -> None:
        kept, dead, _ = store.put([call(0, "", "i"), call(1, "", "j"), call(2, "", "k")], NOW)
        first, second, _ = store.due("dpp", NOW, 3)
        store.delivered([first], NOW)
        store.bury(second, "HTTP 400", NOW)
        assert store.tidy(NOW + RECEIPT_DAYS * 86_400 - 1) == 0
        assert store.receipt(dead.id) is not None
        assert store.tidy(NOW + RECEIPT_DAYS * 86_400 + 1) == 2
        assert (store.receipt(kept.id), store.receipt(dead.id)) == (None, None)
        assert store.status(["dpp"], NOW)[0].waiting == 1
        assert store.put([call(5, "", "i")], NOW)[0].id != kept.id

    def test_the_pulse(self, store: SqliteDeferred, tmp_path: Path) -> None:
        assert store.pulsed() is None
        store.pulse(NOW)
        with closing(open_deferred(tmp_path / "queue.db", {})) as looking:
            assert looking.pulsed() == NOW

    def test_who_only_looks_needs_no_key(self, store: SqliteDeferred, tmp_path: Path) -> None:
        store.put([call(0)], NOW)
        with closing(open_deferred(tmp_path / "queue.db", {})) as looking:
            assert looking.status(["dpp"], NOW)[0].waiting == 1
            looking.hold("dpp", "", "ops", NOW)
            with pytest.raises(StoreError, match="no key is at hand for dpp"):
                looking.put([call(1)], NOW)
        assert not due(store)

    def test_threads_and_processes_share_it(self, store: SqliteDeferred, tmp_path: Path) -> None:
        def put(of: SqliteDeferred, name: str) -> None:
            for number in range(20):
                of.put([call(number, name, f"{name}{number}")], NOW)

        with closing(opened(tmp_path, "dpp")) as other:
            threads = [threading.Thread(target=put, args=(store if n % 2 else other, f"t{n}")) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert store.status(["dpp"], NOW)[0].waiting == 80
        for number in range(20):
            heads = store.due("dpp", NOW, 10)
            assert [store.open(waiting).path for waiting in heads] == [f"/x/{number}"] * 4
            store.delivered(heads, NOW)

    def test_gateway_and_drain_may_make_it_at_once(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from tests.store.test_deferred import opened; "
            "print('ready', flush=True); sys.stdin.readline(); opened(Path(sys.argv[1])).close()"
        )
        started = [
            subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]  # fmt: skip
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        told = [process.communicate("\n")[1] for process in started]
        assert (told, [process.returncode for process in started]) == ([""] * 4, [0] * 4)


class TestKeys:
    def test_nothing_is_readable_on_disk(self, tmp_path: Path, store: SqliteDeferred) -> None:
        store.put([call(n, f"key of {SECRET}", f"known {SECRET} {n}") for n in range(50)], NOW)
        on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert len(on_disk) > 10_000
        assert SECRET.encode() not in on_disk
        assert (tmp_path / "queue.db").stat().st_mode & 0o077 == 0
        assert (tmp_path / "keys" / "dpp.key").stat().st_mode & 0o077 == 0

    def test_delivery_destroys_key_and_content(self, tmp_path: Path, store: SqliteDeferred) -> None:
        store.put([call(n) for n in range(50)], NOW)
        with closing(sqlite3.connect(tmp_path / "queue.db")) as database:
            sealed = [part for row in database.execute("SELECT wrapped, content FROM contents") for part in row]
        waiting = store.due("dpp", NOW, 50)
        store.delivered(waiting, NOW)
        with pytest.raises(StoreError, match="is not here any more"):
            store.open(waiting[0])
        store.tidy(NOW)
        on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert len(sealed) == 100
        assert not [part for part in sealed if part in on_disk]

    @pytest.mark.parametrize("column", ["wrapped", "content"])
    def test_what_was_changed_on_disk_is_not_opened(self, tmp_path: Path, store: SqliteDeferred, column: str) -> None:
        store.put([call(0)], NOW)
        with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as database:
            ((value,),) = database.execute(f"SELECT {column} FROM contents")
            database.execute(f"UPDATE contents SET {column} = ?", (value[:-1] + bytes([value[-1] ^ 1]),))
        with pytest.raises(StoreError, match="changed on disk"):
            due(store)

    def test_a_content_in_another_calls_place_is_not_opened(self, tmp_path: Path, store: SqliteDeferred) -> None:
        store.put([call(0), call(1)], NOW)
        with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as database:
            database.execute("UPDATE calls SET receipt = receipt || '0'")
        with pytest.raises(StoreError, match="changed on disk"):
            due(store)

    def test_a_key_is_replaced_while_calls_wait(self, tmp_path: Path) -> None:
        file = tmp_path / "keys" / "dpp.key"
        with closing(opened(tmp_path)) as store:
            (first,) = store.put([call(0, "lane", "i")], NOW)
        old = file.read_text()
        new = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        file.write_text(f"# since November\n{new}\n\n{old}")
        with closing(opened(tmp_path)) as store:
            assert store.put([call(9, "lane", "i")], NOW)[0].id == first.id
            store.put([call(1, "lane", "j")], NOW)
            assert due(store) == [call(0).body]
            assert store.rewrap("dpp") == 1
            assert store.rewrap("dpp") == 0
        file.write_text(f"{new}\n")
        with closing(opened(tmp_path)) as store:
            for number in range(2):
                assert due(store) == [call(number).body]
                store.delivered(store.due("dpp", NOW, 1), NOW)

    def test_a_lost_key_is_told_with_the_mend(self, tmp_path: Path) -> None:
        opened(tmp_path).close()
        (tmp_path / "keys" / "dpp.key").unlink()
        with closing(opened(tmp_path)) as store:  # another key lies there now
            assert re.search(r"dpp\.key: the key [0-9a-f]{16} is missing.*Put it back", store.apart()["dpp"])

    def test_a_target_without_its_key_stands_apart_and_the_others_go_on(self, tmp_path: Path) -> None:
        files = {name: KeyFile("", tmp_path / "keys" / f"{name}.key") for name in ("dpp", "raotd")}
        with closing(open_deferred(tmp_path / "queue.db", files)) as store:
            assert not store.apart()
            store.put([call(0, "lane"), call(1, target="raotd")], NOW)
        lost = tmp_path / "keys" / "dpp.key"
        kept = lost.rename(tmp_path / "backup.key")
        assert "give the target another name" in look_at_key(tmp_path / "queue.db", "dpp", files["dpp"])
        with closing(open_deferred(tmp_path / "queue.db", files)) as store:
            assert list(store.apart()) == ["dpp"]
            assert "Put it back from a backup" in store.apart()["dpp"]
            assert not lost.exists(), "no fresh key for calls it could not open"
            refused: tuple[Callable[[], object], ...] = (
                lambda: store.put([call(2)], NOW), lambda: due(store), lambda: store.rewrap("dpp"),
            )  # fmt: skip
            for work in refused:
                with pytest.raises(StoreError, match="is gone"):
                    work()
            assert due(store, target="raotd") == [call(1).body]
            assert store.put([call(3, target="raotd")], NOW)[0].same
            assert store.status(["dpp"], NOW)[0].waiting == 1
        kept.rename(lost)
        assert not look_at_key(tmp_path / "queue.db", "dpp", files["dpp"])
        with closing(open_deferred(tmp_path / "queue.db", files)) as store:
            assert not store.apart()
            assert due(store) == [call(0).body]

    def test_a_key_that_all_may_read_or_nobody_gave_sets_its_target_apart(self, tmp_path: Path) -> None:
        files = {"dpp": KeyFile("", tmp_path / "dpp.key"), "raotd": KeyFile("credential:raotd", tmp_path / "none")}
        make_key(tmp_path / "dpp.key")
        (tmp_path / "dpp.key").chmod(0o644)
        with closing(open_deferred(tmp_path / "queue.db", files)) as store:
            assert "chmod o=" in store.apart()["dpp"]
            assert "LoadCredential" in store.apart()["raotd"]

    def test_a_key_that_cannot_be_written_stops_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text("a file where the directory should be")
        with pytest.raises(StoreError, match="cannot be written"):
            open_deferred(tmp_path / "queue.db", {"dpp": KeyFile("", tmp_path / "keys" / "dpp.key")})

    def test_an_old_key_taken_out_too_early_hinders_no_other_call(self, tmp_path: Path) -> None:
        file = tmp_path / "keys" / "dpp.key"
        one, two, three = (base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() for _ in range(3))
        file.parent.mkdir()
        for number, text in enumerate((one, f"{two}\n{one}")):
            file.write_text(text)
            file.chmod(0o600)
            with closing(opened(tmp_path)) as store:
                store.put([call(number)], NOW)
        file.write_text(f"{three}\n{two}")
        with closing(opened(tmp_path)) as store:
            with pytest.raises(StoreError, match="Put it back, below"):
                store.rewrap("dpp")
            assert store.open(store.due("dpp", NOW, 9)[1]).body == call(1).body
        file.write_text(f"{three}\n{one}")
        with closing(opened(tmp_path)) as store:
            assert store.rewrap("dpp") == 1
            assert due(store) == [call(0).body, call(1).body]

    @pytest.mark.parametrize(
        ("text", "told"), [("", "holds no key"), ("# none\n", "holds no key"), ("secret!\n", "line 1 is no key"),
                           (base64.b64encode(bytes(16)).decode(), "line 1 is no key")],
    )  # fmt: skip
    def test_a_file_that_holds_no_key(self, tmp_path: Path, text: str, told: str) -> None:
        file = tmp_path / "own.key"
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(StoreError, match=told) as caught:
            load_keys("dpp", str(file), tmp_path / "made")
        assert "secret!" not in str(caught.value)

    def test_a_key_that_all_may_read_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "own.key"
        make_key(file)
        file.chmod(0o644)
        with pytest.raises(StoreError, match="chmod o="):
            load_keys("dpp", str(file), tmp_path / "made")

    def test_a_key_file_that_is_named_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="cannot be read"):
            load_keys("dpp", str(tmp_path / "none.key"), tmp_path / "made")
        assert not (tmp_path / "none.key").exists()

    def test_a_credential_of_systemd(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make_key(tmp_path / "dpp-key")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        with closing(opened(tmp_path / "data", key_file="credential:dpp-key")) as store:
            store.put([call(0)], NOW)
        assert not (tmp_path / "data" / "keys").exists()
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        with pytest.raises(ConfigError, match="LoadCredential"):
            opened(tmp_path / "data", key_file="credential:dpp-key")

    def test_a_key_is_made_once(self, tmp_path: Path) -> None:
        make_key(tmp_path / "a.key")
        first = (tmp_path / "a.key").read_bytes()
        make_key(tmp_path / "a.key")
        assert (tmp_path / "a.key").read_bytes() == first
        assert [path.name for path in tmp_path.iterdir()] == ["a.key"]

    def test_another_targets_key_opens_nothing(self) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = KeyRing("dpp", [key], "file").seal("1", b"content")
        assert KeyRing("dpp", [key], "file").unseal("1", sealed) == b"content"
        for target, receipt in (("raotd", "1"), ("dpp", "2")):
            with pytest.raises(StoreError):
                KeyRing(target, [key], "file").unseal(receipt, sealed)
        with pytest.raises(StoreError, match="is missing"):
            KeyRing("dpp", [bytes(KEY_BYTES)], "file").unseal("1", sealed)
        with pytest.raises(StoreError, match="changed on disk"):
            KeyRing("dpp", [key], "file").unseal("1", replace(sealed, content=sealed.wrapped))


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """While this lasts no file of this process grows beyond `most` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_is_told_and_heals(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        (first,) = store.put([call(0, "lane", "i")], NOW)
        large = replace(call(1, "lane", "j"), body=os.urandom(3_000_000))
        with full_disk(1_000_000), pytest.raises(StoreError, match=r"queue\.db"):
            store.put([call(2, "lane", "k"), large], NOW)
        assert store.status(["dpp"], NOW)[0].waiting == 1
        again, _, _ = store.put([call(0, "lane", "i"), call(2, "lane", "k"), large], NOW)
        assert again.id == first.id
        for body in (call(0).body, call(2).body, large.body):
            assert due(store) == [body]
            store.delivered(store.due("dpp", NOW, 1), NOW)


def made_of(database: sqlite3.Connection) -> list[str]:
    """The statements that make a database's tables."""
    return sorted(row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))


def test_a_file_of_the_version_before_is_brought_forward(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        (old,) = store.put([call(0, "lane", "i")], NOW)
    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as database:
        made = made_of(database)
        database.execute("ALTER TABLE calls DROP COLUMN digest")
        database.execute("PRAGMA user_version = 1")
        with closing(sqlite3.connect(":memory:")) as first:
            first.executescript(SCRIPTS[0])
            assert [" ".join(text.split()) for text in made_of(database)] == [
                " ".join(text.split()) for text in made_of(first)
            ], "the tables are those of version 1"
    with closing(opened(tmp_path)) as store:
        assert due(store) == [call(0).body]
        (again,) = store.put([call(5, "", "i")], NOW)
        assert (again.id, again.same) == (old.id, True), "what came in before cannot be compared"
        assert [store.put([call(n, "", "j")], NOW)[0].same for n in (1, 2)] == [True, False]
    with closing(sqlite3.connect(tmp_path / "queue.db")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(SCRIPTS),)
        assert made_of(database) == made
    assert not list(tmp_path.glob("*.before-*")), "a copy would keep keys that are to be destroyed"


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        opened(tmp_path)
