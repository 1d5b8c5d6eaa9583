"""`logwatch --status`: from the process that runs, from what it kept, and what of it is amiss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from domain.batch import Accounting, Position, SourceState, Trouble
from domain.clock import ManualClock
from domain.redact import has_patient
from domain.troubles import codes_words, skew_words, source_amiss, trouble_words
from logwatch.metrics import TROUBLES, health
from logwatch.stats import FileFigures, SourceFigures, Stats
from logwatch.status import Status, resting, running
from pharmapulse.health import HealthServer
from pharmapulse.logwatch_status import ask, in_words
from tests.cli.call import CONFIG
from tests.cli.call import ask as ask_command
from tests.dashboard.traffic import ZONE
from tests.logwatch.watching import START, Site, calls
from tests.system.support import free_port, wait_for

PARTS = Accounting(lines=1_000, events=980, malformed=15, pending=5, bytes=90_000)
LOST = Trouble(kind="lost", file="/var/log/calls-50010199928.log", since=START - 60, bytes=4_096)
FILE = FileFigures(path="/var/log/calls.log", state="open", offset=90_000, size=91_000, unread_bytes=1_000,
                   accounting=PARTS, behind_seconds=90.0)  # fmt: skip
FINE = SourceFigures("calls", PARTS, START - 2, 1, 0, files=1, each=(FILE,))


def stats(*sources: SourceFigures, **more: object) -> Stats:
    return Stats(sources=sources, looked=START - 1, **more)  # type: ignore[arg-type]


def words(status: Status) -> str:
    return "\n".join(in_words(status, ZONE))


def test_all_is_well() -> None:
    status = running("agent", stats(FINE), START)
    assert status.amiss == ()
    told = words(status)
    assert told.startswith("The log watcher agent runs, as of 10:36:11; 0 batches to be handed over.\nNothing is")
    assert "1,000 = 980 events + 15 malformed + 5 pending" in told
    assert "/var/log/calls.log" in told


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (running("agent", stats(FINE, not_kept="disk full"), START), "nothing is kept: disk full"),
        (running("agent", stats(FINE, not_handed_over="nobody there"), START), "nothing is handed over: nobody there"),
        (running("agent", stats(FINE, held_back="no room"), START), "nothing is read: no room"),
        (running("agent", Stats(), START), "did not come round since it began"),
        (running("agent", stats(FINE), START + 90), "did not come round for 91 s"),
        (running("agent", stats(SourceFigures("calls", PARTS, START - 2, 1, 7, troubles=(LOST,))), START),
         "calls: /var/log/calls-[patient].log: bytes were lost that were never read (4,096 bytes). Rotate by renaming"),
        (running("agent", stats(SourceFigures("calls", PARTS, START - 2, 1, 9_000, behind_seconds=700)), START),
         "calls: 9,000 bytes wait to be read, the oldest for 700 s"),
        (running("agent", stats(SourceFigures("calls", PARTS, START - 200, 1, 0)), START),
         "complete only up to 200 s ago"),
        (running("agent", stats(SourceFigures("calls", PARTS, START, 1, 0, skew_seconds=-120.2)), START),
         "clock that writes its lines is 2\u00a0min behind"),
        (running("agent", stats(SourceFigures("calls", Accounting(lines=1), START, 1, 0)), START), "do not add up"),
    ],
)  # fmt: skip
def test_what_is_amiss_is_said_with_the_mend(status: Status, said: str) -> None:
    assert any(said in one for one in status.amiss), status.amiss
    assert not has_patient(words(status))


def test_every_trouble_has_words_and_a_figure() -> None:
    assert set(TROUBLES) == set(get_args(get_type_hints(Trouble)["kind"]))
    for kind in TROUBLES:
        assert trouble_words(msgspec.structs.replace(LOST, kind=kind))
    assert trouble_words(msgspec.structs.replace(LOST, detail="4,096 bytes are gone")).endswith("4,096 bytes are gone")


def test_small_things_are_not_amiss_and_codes_are_listed() -> None:
    state = SourceState(source="calls", watermark=START, accounting=PARTS, skew_seconds=12, unknown_codes={"X": 4})
    assert source_amiss(state, START) == []
    assert skew_words(12) == "the clock that writes its lines is 12\u00a0s ahead of the log watcher’s"
    assert codes_words({f"C{n}": n for n in range(1, 9)}) == "C8 (8), C7 (7), C6 (6), C5 (5), C4 (4) and 3 more"


def test_what_a_watcher_kept_that_does_not_run() -> None:
    def position(path: str) -> Position:
        return Position(source="calls", path=path, identity=f"1-1-{path}", offset=500, accounting=PARTS)

    sizes = {"/a.log": 700, "/b.log.gz": 100}
    kept = [position("/gone.log"), position("/b.log.gz"), position("/a.log")]
    status = resting("agent", ["calls", "other"], {"calls": PARTS}, kept, (3, 999), sizes.get, START)
    calls, other = status.sources
    assert [(one.path, one.state, one.unread_bytes) for one in calls.each] == [
        ("/a.log", "asleep", 200), ("/b.log.gz", "asleep", 0), ("/gone.log", "gone", 0),
    ]  # fmt: skip
    assert (calls.files, calls.unread_bytes, calls.accounting, other.accounting) == (2, 200, PARTS, Accounting())
    assert "does not run" in status.amiss[0]
    assert "3 batches wait" in status.amiss[1]


def test_the_process_itself_is_asked(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls.log", calls(0, 20))
        site.tick()
        site.tick(3)
        port = free_port()
        with HealthServer(health(site.agent, ManualClock(site.clock.now())), port):
            status = wait_for("the status", lambda: ask(port, "agent"), 10)
            assert ask(port, "another") is None
        assert ask(port, "agent") is None
        [source] = status.sources
        assert (status.running, source.accounting.events, source.files) == (True, 20, 1)
        assert [Path(one.path).name for one in source.each] == ["calls.log"]


def test_the_command_tells_it_also_to_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "pharmapulse.toml"
    config.write_text(f"{CONFIG}[web]\nport = {free_port()}\n")
    watch = ("logwatch", "--config", str(config))
    never = ask_command(capsys, *watch, "--status")
    assert (never.code, never.line.startswith("no log watcher has run here yet")) == (2, True)
    (tmp_path / "calls.log").write_bytes(calls(0, 7))
    assert ask_command(capsys, *watch, "--once").code == 0
    told = ask_command(capsys, *watch, "--status", "--json")
    assert told.code == 1
    status = json.loads(told.out)
    assert (status["running"], status["sources"][0]["accounting"]["events"]) == (False, 7)
    assert "does not run" in ask_command(capsys, *watch, "--status").out
