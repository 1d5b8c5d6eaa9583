"""Which files are opened now, and which wait."""

from __future__ import annotations

from pathlib import Path

from logwatch.fingerprint import Seen
from logwatch.looking import is_put_by, root_of
from logwatch.opening import OLD_NS, Found, choose, in_order

NOW = 10 * OLD_NS


def found(name: str, age: float, size: int = 1) -> Found:
    """A file that was last written to so many times ten minutes ago."""
    return Path(name), Seen(size, NOW - int(age * OLD_NS), 0)


def names(files: object) -> list[str]:
    return [str(path) for path, _ in files]  # type: ignore[attr-defined]


def test_what_may_be_live_comes_first_and_the_oldest_of_the_rest() -> None:
    fresh = [found("a", 0), found("b", 0.9), found("c", 1.1), found("d", 5), found("e", 9)]
    choice = choose(fresh, NOW, 3, 9)
    assert names(choice.now) == ["a", "b", "e"]
    assert names(choice.later) == ["d", "c"]
    assert not choice.crowded_by_live


def test_the_newest_of_too_many_live_ones() -> None:
    choice = choose([found("a", 0.2), found("b", 0.1), found("c", 0)], NOW, 2, 9)
    assert names(choice.now) == ["b", "c"]
    assert names(choice.later) == ["a"]
    assert choice.crowded_by_live


def test_old_ones_leave_room_for_what_may_come() -> None:
    choice = choose([found("a", 0), found("b", 3), found("c", 2)], NOW, 5, 1)
    assert names(choice.now) == ["a", "b"]
    choice = choose([found("a", 0), found("b", 3)], NOW, -2, 1)
    assert names(choice.now) == []
    assert names(choice.later) == ["a", "b"]


def test_originals_before_copies_and_the_longest_first() -> None:
    fresh = [found("a.gz", 0, 99), found("b", 0, 5), found("c", 0, 7)]
    assert names(choose(fresh, NOW, 9, 9).now) == ["c", "b", "a.gz"]


def test_where_one_goes_on_in_the_next_the_oldest_is_first_and_the_rest_holds_back() -> None:
    choice = in_order([found("a", 0), found("b", 3), found("c", 2)], 2)
    assert names(choice.now) == ["b", "c"]
    assert names(choice.later) == ["a"]
    assert choice.crowded_by_live
    assert not in_order([found("a", 0)], 2).crowded_by_live


def test_names_that_say_that_a_file_was_rotated_away() -> None:
    there = {"/l/calls.log", "/l/calls.log.1", "/l/calls-2026.log"}
    put_by = ("calls.log.1", "calls.log.12", "calls.log-20261122", "calls.log.2026-11-22", "calls.log.1.2")
    assert all(is_put_by(Path(f"/l/{name}"), there) for name in put_by)
    live = ("calls.log", "calls-2026.log", "calls.logs", "calls.log.err", "other.log.1")
    assert not any(is_put_by(Path(f"/l/{name}"), there) for name in live)


def test_the_directory_under_which_all_lies_that_matches() -> None:
    assert root_of("/var/log/hub/*.log") == "/var/log/hub"
    assert root_of("/var/log/hub-*/calls") == "/var/log"
    assert root_of("/var/log/hub/calls.log") == "/var/log/hub"
    assert root_of("calls*") == "."
