"""The state in SQLite: kept, migrated forward with a copy first, never opened by an older program."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

import store.state
from domain.errors import ConfigError, StoreError
from domain.series import SeriesKey
from store.state import REVISIONS, open_state
from store.tables import metadata

HUB, PAIR = SeriesKey("hub", ("dpp",)), SeriesKey("endpoint", ("dpp", 'a "é" b'))


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/state.sqlite"


def execute(tmp_path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / "state.sqlite")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_floors_and_progress_stay(tmp_path: Path) -> None:
    state = open_state(url(tmp_path))
    assert (state.floor(HUB), state.progress("fill")) == (0, None)
    state.set_floors({HUB: 5, PAIR: 6})
    state.set_floors({HUB: 7})
    state.set_floors({})
    state.set_progress("fill", 1, 10)
    state.set_progress("fill", 2, 10)
    state.close()
    state = open_state(url(tmp_path))
    assert (state.floor(HUB), state.floor(PAIR), state.progress("fill")) == (7, 6, (2, 10))
    assert state.floor(SeriesKey("vendor", ("dpp",))) == 0
    state.close()


def test_accounts_are_in_it_so_it_is_for_this_user_alone(tmp_path: Path) -> None:
    state = open_state(url(tmp_path))
    state.set_floors({HUB: 5})
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "data").iterdir()}
    assert modes == {0o600}
    state.close()


def test_many_floors_at_once(tmp_path: Path) -> None:
    state = open_state(url(tmp_path))
    floors = {SeriesKey("pharmacy", (f"{i:08}",)): i for i in range(1_500)}
    state.set_floors(floors)
    state.set_floors(floors)
    assert state.floor(SeriesKey("pharmacy", ("00001499",))) == 1_499
    state.close()


def test_threads_share_it(tmp_path: Path) -> None:
    state = open_state(url(tmp_path))

    def count(name: str) -> None:
        for i in range(20):
            state.set_progress(name, i + 1, 20)

    threads = [threading.Thread(target=count, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.progress(f"t{i}") for i in range(4)] == [(20, 20)] * 4
    state.close()


def test_the_known_revisions_are_those_of_the_scripts() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(store.state.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == REVISIONS


def test_the_migrations_give_the_tables_that_are_used(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    state = open_state(url(tmp_path))
    with state._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    state.close()


def test_the_tables_are_postgresql_as_well() -> None:
    for table in metadata.sorted_tables:
        assert f"CREATE TABLE {table.name} (" in str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


_NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "next", "%s"
def upgrade():
    op.create_table("later", sa.Column("x", sa.Integer))
"""


def test_an_older_database_is_copied_before_it_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = open_state(url(tmp_path))
    state.set_floors({HUB: 5})
    state.close()
    newer = tmp_path / "migrations"
    shutil.copytree(Path(store.state.__file__).parent / "migrations", newer)
    (newer / "versions" / "v9999_next.py").write_text(_NEXT % REVISIONS[-1])
    monkeypatch.setattr("store.state._MIGRATIONS", newer)
    monkeypatch.setattr("store.state.REVISIONS", (*REVISIONS, "next"))
    state = open_state(url(tmp_path))
    assert state.floor(HUB) == 5
    state.close()

    def tables(file: str) -> set[str]:
        with closing(sqlite3.connect(tmp_path / "data" / file)) as database:
            return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    assert tables("state.sqlite") - tables("state.sqlite.before-next") == {"later"}


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    open_state(url(tmp_path)).close()
    execute(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=f"has revision 9999, and this program knows up to {REVISIONS[-1]}"):
        open_state(url(tmp_path))


@pytest.mark.parametrize("bad", ["nonsense", "sqlite://", "sqlite:///:memory:", "oracle://x/y", "foo://x"])
def test_an_url_that_is_none_names_its_place(bad: str) -> None:
    with pytest.raises(ConfigError, match='Write "sqlite:///FILE"') as caught:
        open_state(bad)
    assert caught.value.path == "state.url"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "state.sqlite").write_bytes(b"x" * 5_000)
    with pytest.raises(StoreError, match="file is not a database"):
        open_state(url(tmp_path))


_KILLED = """
import os, sys
from alembic import op
import store.state
create = op.create_table
def dying(name, *columns, **options):
    if name == "progress":
        os.kill(os.getpid(), 9)
    return create(name, *columns, **options)
op.create_table = dying
store.state.open_state(sys.argv[1])
"""


def test_a_migration_killed_half_way_is_done_again(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", _KILLED, url(tmp_path)], capture_output=True, check=False)
    assert child.returncode == -9, child.stderr
    state = open_state(url(tmp_path))
    state.set_floors({HUB: 5})
    assert state.floor(HUB) == 5
    state.close()


_TOGETHER = """
import sys
from store.state import open_state
print("ready", flush=True)
sys.stdin.readline()
open_state(sys.argv[1]).close()
"""


def test_processes_of_a_first_start_open_it_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _TOGETHER, url(tmp_path)]
    together = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for process in together:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in together:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate()[1] for process in together]
    assert (told, [process.returncode for process in together]) == ([""] * 6, [0] * 6)


def test_the_agent_and_the_ledger_do_without_sqlalchemy() -> None:
    check = "import sys, store.outbox, store.ledger; sys.exit('sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
