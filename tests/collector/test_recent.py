"""The lines that agents show: kept once, the newest of each endpoint and code, within a bound, asked over the wire."""

from __future__ import annotations

from pathlib import Path

from collector.live import LiveServer
from collector.recent import MOST_CHARACTERS, MOST_LINES, RecentLines
from domain.batch import Accounting, Heartbeat, RecentLine, SourceState
from tests.collector.world import INCARNATION, World
from transport.live import LiveClient


def line(at: int, endpoint: str = "tell", code: str = "OK", source: str = "calls", text: str = "a=0") -> RecentLine:
    return RecentLine(
        at_us=at * 1_000_000, hub="dpp", endpoint=endpoint, code=code, klass="ok", text=text, source=source
    )  # fmt: skip


def beat(*lines: RecentLine, at: float = 1.0, agent: str = "agent") -> Heartbeat:
    state = SourceState(source="calls", watermark=at, accounting=Accounting())
    return Heartbeat(version=1, agent=agent, incarnation=INCARNATION, sequence=0, at=at, sources=(state,), recent=lines)


def test_a_heartbeat_that_is_heard_twice_shows_its_lines_once_and_goes_on_without_them() -> None:
    kept = RecentLines(5)
    heartbeats = [beat(line(1), line(2)), beat(line(3), agent="other")]
    for _ in range(3):
        passed = kept.hear(heartbeats)
        assert [one.recent for one in passed] == [(), ()]
    assert [one.at_us // 1_000_000 for one in kept.find()] == [3, 2, 1]
    kept.hear([beat(line(4), at=2.0)])
    assert len(kept) == 4


def test_the_newest_of_each_endpoint_and_code_stay() -> None:
    kept = RecentLines(2)
    kept.hear([beat(*(line(at, endpoint, code) for at in range(9) for endpoint in ("a", "b") for code in ("x", "y")))])
    assert len(kept) == 8
    assert [one.at_us // 1_000_000 for one in kept.find(endpoint="a", code="x")] == [8, 7]
    assert {one.endpoint for one in kept.find(hub="dpp", code="y")} == {"a", "b"}
    assert kept.find(hub="recipe") == kept.find(source="other") == []
    assert len(kept.find(limit=3)) == 3
    assert not RecentLines(0).hear([beat(line(1))])[0].recent


def test_what_is_kept_is_bounded_and_the_longest_unheard_goes_first() -> None:
    kept = RecentLines(100)
    for at in range(MOST_LINES + 50):
        kept.keep(line(at, endpoint=f"op{at % 500}"))
    assert len(kept) == MOST_LINES
    kept.keep(line(9_999, endpoint="op7"))
    assert any(one.endpoint == "op7" for one in kept.find(limit=1))
    for at in range(200):
        kept.keep(line(at, endpoint="long", text="x" * 20_000))
    found = kept.find(limit=MOST_LINES)
    assert sum(len(one.text) for one in found) <= MOST_CHARACTERS
    assert {one.endpoint for one in found} == {"long"}


def test_lines_come_from_the_agent_to_whoever_asks_the_collector(tmp_path: Path) -> None:
    world = World(tmp_path)
    server = LiveServer(world.collector, tmp_path / "live.sock")
    server.start()
    client = LiveClient(tmp_path / "live.sock")
    world.sender.beat(beat(line(5), line(6, endpoint="ask", code="ERR"), at=world.clock.now()))
    world.collector.tick()
    assert client.recent() == (line(6, endpoint="ask", code="ERR"), line(5))
    assert client.recent(hub="dpp", endpoint="ask", code="ERR", source="calls", limit=1) == (line(6, "ask", "ERR"),)
    assert client.recent(endpoint="nothing") == ()
    assert [one.recent for one in client.sources()] == [()], "lines are asked for, not passed on with every question"
    server.close()
