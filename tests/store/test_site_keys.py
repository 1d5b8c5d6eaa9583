"""The site key: the same days for all who have a copy, none of a day that is over for a week, nothing left of it."""

from __future__ import annotations

import base64
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import store.site_keys
from domain.clock import ManualClock
from domain.errors import ConfigError, StoreError
from domain.patients import KEY_BYTES
from store.site_keys import DAY, KEPT_DAYS, MOST_AHEAD, SiteKey, SiteKeys, open_site_keys, read_site_key

NOON = 1_772_409_600.0 + DAY / 2
TODAY = int(NOON // DAY)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent" / "site.key"


def test_a_key_is_made_for_this_user_alone_and_found_again(path: Path, clock: ManualClock) -> None:
    keys = open_site_keys(path, clock, make=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    days = range(TODAY - KEPT_DAYS, TODAY + 3)
    made = [keys.key_of(day) for day in days]
    assert len(set(made)) == len(days)
    assert all(key is not None and len(key) == KEY_BYTES for key in made)
    again = open_site_keys(path, clock, make=True)
    assert [again.key_of(day) for day in days] == made
    assert sorted(one.name for one in path.parent.iterdir()) == ["site.key", "site.key.lock"]


def test_agents_with_copies_of_one_file_agree_for_ever(tmp_path: Path, path: Path, clock: ManualClock) -> None:
    first = open_site_keys(path, clock, make=True)
    copy = tmp_path / "site.key"
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o600)
    late = ManualClock(NOON)
    second = open_site_keys(copy, late, make=False)
    for days in range(0, 60, 3):
        clock.advance(3 * DAY)
        if days % 4:
            late.advance(clock.now() - late.now())
        for day in range(int(late.now() // DAY), int(clock.now() // DAY) + 2):
            ours, theirs = first.key_of(day), second.key_of(day)
            assert ours is None or ours == theirs


def test_days_that_are_over_for_a_week_cannot_be_hashed_any_more(path: Path, clock: ManualClock) -> None:
    keys = open_site_keys(path, clock, make=True)
    key = keys.key_of(TODAY)
    clock.advance(KEPT_DAYS * DAY)
    assert keys.key_of(TODAY) == key
    assert keys.key_of(TODAY - 1) is None
    clock.advance(DAY)
    assert keys.key_of(TODAY) is None
    assert keys.key_of(TODAY + 1) is not None
    assert open_site_keys(path, clock, make=True).key_of(TODAY) is None
    # Also with a clock that is set back: what is destroyed stays so.
    clock.advance(-5 * DAY)
    assert keys.key_of(TODAY) is None


def test_nothing_on_disk_leads_back_to_a_destroyed_day(path: Path, clock: ManualClock) -> None:
    keys = open_site_keys(path, clock, make=True)
    old = read_site_key(path)
    inode = path.stat().st_ino
    with path.open("rb") as held:  # the old file's own blocks, which a copy of the disk would show
        for _ in range(3):
            clock.advance(DAY)
            keys.key_of(TODAY)
        assert set(held.read()) == {0}
    assert path.stat().st_ino != inode
    now = read_site_key(path)
    assert now.day == TODAY + 3 - KEPT_DAYS
    assert now == old.forward(now.day)
    for file in path.parent.iterdir():
        data = file.read_bytes()
        assert all(base64.b64encode(old.forward(day).secret) not in data for day in range(old.day, now.day))


def test_a_day_far_ahead_is_not_derived(path: Path, clock: ManualClock) -> None:
    keys = open_site_keys(path, clock, make=True)
    assert keys.key_of(TODAY + MOST_AHEAD) is not None
    assert keys.key_of(TODAY + MOST_AHEAD + 1) is None
    assert keys.key_of(10**12) is None
    assert keys.key_of(-5) is None


def test_two_processes_that_share_a_file_move_it_once(path: Path, clock: ManualClock) -> None:
    one, two = (open_site_keys(path, clock, make=True) for _ in range(2))
    clock.advance(2 * DAY)
    first = one.key_of(TODAY + 2)
    inode = path.stat().st_ino
    assert two.key_of(TODAY + 2) == first
    assert path.stat().st_ino == inode


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(Path, "hardlink_to"), (os, "open"), (os, "fsync"), (Path, "replace"), (store.site_keys, "sync_directory"),
     (store.site_keys, "wipe_file"), (Path, "unlink")],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
@pytest.mark.parametrize("at", [1, 2])
def test_killed_at_each_step_the_key_stays_and_the_old_one_goes(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, at: int, after: bool
) -> None:
    keys = open_site_keys(path, clock, make=True)
    old = read_site_key(path)
    clock.advance(DAY)
    original: Callable[..., Any] = getattr(owner, name)
    count = 0

    def killing(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == at and not after:
            raise Killed
        result = original(*args, **kwargs)
        if count == at:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killing)
        try:
            keys.key_of(TODAY)
        except Killed:
            count = -100
    again = open_site_keys(path, clock, make=True)
    assert again.key_of(TODAY) == old.forward(TODAY).key()
    assert again.key_of(old.day) is None
    assert sorted(one.name for one in path.parent.iterdir()) == ["site.key", "site.key.lock"]
    assert read_site_key(path) == old.forward(old.day + 1)


def test_what_cannot_be_destroyed_is_told_not_used_and_tried_again(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keys = open_site_keys(path, clock, make=True)
    before = path.read_bytes()
    clock.advance(DAY)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(os, "fsync", full)
        assert keys.key_of(TODAY - KEPT_DAYS) is None
        assert keys.key_of(TODAY) is not None
        assert len(caplog.records) == 1
        clock.advance(61)
        assert keys.key_of(TODAY) is not None
        assert len(caplog.records) == 2
        assert "No space left" in caplog.text
        assert base64.b64encode(read_site_key(path).secret).decode() not in caplog.text
    assert path.read_bytes() == before
    clock.advance(61)
    assert keys.key_of(TODAY) is not None
    assert read_site_key(path).day == TODAY + 1 - KEPT_DAYS


def test_a_named_file_that_is_missing_is_not_made(path: Path, clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match=r"there is no site key. Copy the one of another agent"):
        open_site_keys(path, clock, make=False)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"secret\n", b"pharmapulse-site-key-2 2026-03-02 " + b"A" * 44 + b"\n",
     b"pharmapulse-site-key-1 2026-13-02 " + b"A" * 43 + b"=\n",
     b"pharmapulse-site-key-1 2026-03-02 " + b"A" * 42 + b"==\n", "é".encode()],
    ids=["empty", "something else", "newer", "no day", "short", "no ascii"],
)  # fmt: skip
def test_a_file_that_is_none_is_told_without_what_it_holds(path: Path, clock: ManualClock, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="site key") as told:
        open_site_keys(path, clock, make=True)
    assert "AAAA" not in str(told.value)
    assert "secret" not in str(told.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_is_refused(path: Path, clock: ManualClock, mode: int) -> None:
    open_site_keys(path, clock, make=True)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        SiteKeys(path, clock)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        open_site_keys(tmp_path / "file" / "site.key", clock, make=True)


def test_a_days_key_tells_nothing_of_the_next_secret() -> None:
    key = SiteKey(5, bytes(32))
    assert key.key() not in (key.forward(6).secret[:KEY_BYTES], key.secret[:KEY_BYTES], key.forward(6).key())
