"""The watermark, from heartbeats alone."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from collector.watermark import Watermark
from domain.batch import Accounting, Heartbeat, SourceState, Trouble


def beat(agent: str, *marks: float | None, sequence: int = 1) -> Heartbeat:
    sources = tuple(
        SourceState(source=f"s{i}", watermark=mark, accounting=Accounting()) for i, mark in enumerate(marks)
    )
    return Heartbeat(version=1, agent=agent, incarnation="0" * 16, sequence=sequence, at=0.0, sources=sources)


def held_up_to(last: int) -> Callable[[str, str, int], bool]:
    return lambda agent, incarnation, sequence: sequence <= last


def test_the_earliest_source_of_all_agents_counts() -> None:
    watermark = Watermark()
    watermark.hear([beat("a", 100, 90), beat("b", 95)], held_up_to(1))
    assert watermark.complete_up_to == 90


def test_a_source_that_was_never_read_to_its_end_holds_back() -> None:
    watermark = Watermark()
    watermark.hear([beat("a", 100, None)], held_up_to(1))
    assert watermark.complete_up_to is None
    watermark.hear([beat("a", 100, 80)], held_up_to(1))
    assert watermark.complete_up_to == 80


def test_a_source_of_which_no_file_was_ever_found_holds_nothing_back() -> None:
    watermark = Watermark()
    heard = beat("a", 100, None)
    absent = Trouble(kind="absent", file="", since=1.0)
    sources = (heard.sources[0], msgspec.structs.replace(heard.sources[1], troubles=(absent,)))
    watermark.hear([msgspec.structs.replace(heard, sources=sources)], held_up_to(1))
    assert watermark.complete_up_to == 100


def test_a_heartbeat_whose_batches_are_missing_does_not_count_yet() -> None:
    watermark = Watermark()
    watermark.hear([beat("a", 100)], held_up_to(1))
    watermark.hear([beat("a", 200, sequence=5)], held_up_to(4))
    assert watermark.complete_up_to == 100
    assert watermark.heard == (beat("a", 200, sequence=5),)
    watermark.hear([beat("a", 200, sequence=5)], held_up_to(5))
    assert watermark.complete_up_to == 200


def test_an_agent_heard_whose_batches_never_came_holds_back() -> None:
    watermark = Watermark()
    watermark.hear([beat("a", 100), beat("b", 100, sequence=9)], held_up_to(1))
    assert watermark.complete_up_to is None


def test_it_never_moves_backwards() -> None:
    watermark = Watermark(500.0)
    watermark.hear([beat("a", 100)], held_up_to(1))
    assert watermark.complete_up_to == 500
    watermark.hear([beat("a", 600)], held_up_to(1))
    watermark.hear([beat("a", 600), beat("b", 300)], held_up_to(1))
    assert watermark.complete_up_to == 600


def test_an_agent_without_sources_says_nothing() -> None:
    watermark = Watermark()
    watermark.hear([beat("a")], held_up_to(1))
    assert watermark.complete_up_to is None
    watermark.hear([beat("a"), beat("b", 50)], held_up_to(1))
    assert watermark.complete_up_to == 50
