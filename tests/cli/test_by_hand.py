"""Bundles from the command line: what is said, in which form, with which exit code; the documented walk."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.call import LINE, Answer, ask
from tests.docs.reading import ROOT, blocks
from tests.docs.test_command_line import words_of
from tests.system.patients import Search

NISS = "50010199928"
AGENT = """\
[site]
name = "Our site"
data = "data"
[agent]
name = "hub-a"
[transport]
url = "bundle:../stick"
[[sources]]
name = "calls"
paths = ["calls.log*"]
format = "hub-calls"
hub = "dpp"
"""
COLLECTOR = """\
[site]
name = "Our site"
data = "data"
"""


class Places:
    """A hub's machine, a collector's, and a stick between them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.stick, self._capsys = folder / "stick", capsys
        self.agent, self.collector = folder / "hub" / "pharmapulse.toml", folder / "collector" / "pharmapulse.toml"
        for file, content in ((self.agent, AGENT), (self.collector, COLLECTOR)):
            file.parent.mkdir()
            file.write_text(content)
        self.stick.mkdir()
        self._lines = 0

    def count(self, lines: int = 10) -> None:
        """Lines are written, each for a patient, and counted: one more batch waits."""
        with (self.agent.parent / "calls.log").open("a") as log:
            log.writelines(LINE.replace("\n", f" patient={NISS}\n") for _ in range(lines))
        self._lines += lines
        assert ask(self._capsys, "logwatch", "--once", "--config", str(self.agent)).code == 0

    def hub(self, *words: str) -> Answer:
        return ask(self._capsys, "logwatch", *words, "--config", str(self.agent))

    def home(self, *words: str) -> Answer:
        return ask(self._capsys, "collector", *words, "--config", str(self.collector))

    def booked(self) -> int:
        """The calls that the collector booked."""
        assert self.home("--once").code == 0
        from store.ledger import open_ledger

        with closing(open_ledger(self.collector.parent / "data" / "ledger")) as ledger:
            return int(ledger.cells(0, 1 << 40)["calls"].sum())

    @property
    def bundles(self) -> list[Path]:
        return sorted(self.stick.glob("*.ppx"))


@pytest.fixture
def places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Places:
    return Places(tmp_path, capsys)


def test_the_walk_of_the_document(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    places.count()
    chapter = (ROOT / "docs" / "transport.md").read_text().split("\n## ")
    told = next(text for text in chapter if text.startswith("A closed environment"))
    shown = [block.text for block in blocks("sh") if block.document.name == "transport.md" and block.text in told]
    lines = "".join(shown).splitlines()
    assert len(lines) == 4
    for line in lines:
        _, command, *words = words_of(line.removeprefix(".venv/bin/").strip())
        config = places.agent if command == "logwatch" else places.collector
        words = [str(config) if word == "pharmapulse.toml" else word for word in words]
        assert ask(capsys, command, *(word.replace("/media/stick", str(places.stick)) for word in words)).code == 0
    assert places.booked() == 10


def test_it_is_told_what_was_taken_what_is_missing_and_what_arrived(places: Places) -> None:
    for _ in range(3):
        places.count()
        told = json.loads(places.hub("export", "--json").out)
        assert [bundle["batches"] for bundle in told["bundles"]] == [1]
    first, second, third = places.bundles
    incarnation = told["bundles"][0]["incarnation"]
    answer = places.home("import", str(third), str(first))
    assert answer.code == 1
    assert answer.out.splitlines() == [
        f"{third}: 1 new, 0 known",
        f"{first}: 1 new, 0 known",
        f"agent hub-a, incarnation {incarnation}: 2 is missing",
    ]
    receipt = places.stick / "receipt.json"
    told = json.loads(places.home("import", "--json", "--receipt", str(receipt), str(third)).out)
    assert [(taken["new"], taken["known"]) for taken in told["bundles"]] == [(0, 1)]
    assert told["missing"] == [{"agent": "hub-a", "incarnation": incarnation, "sequences": [[2, 2]]}]
    answer = places.hub("receipt", str(receipt))
    assert (answer.code, answer.out.splitlines()) == (
        0,
        ["batches 1, 3 arrived", "batch 2 was exported and has not arrived: logwatch export --again"],
    )
    again = places.hub("export", "--again", "--to", str(places.stick / "again.ppx"))
    assert "again.ppx: batch 2, " in again.out
    assert places.home("import", str(places.stick / "again.ppx")).code == 0
    assert places.home("import", str(second)).out == f"{second}: 0 new, 1 known\n"
    assert places.booked() == 30


def test_patients_stay_where_they_are(places: Places) -> None:
    places.count()
    assert places.hub("export").code == 0
    assert places.home("import", str(places.stick), "--receipt", str(places.stick / "receipt.json")).code == 0
    search = Search([NISS])
    for folder in (places.stick, places.agent.parent / "data", places.collector.parent / "data"):
        for path in folder.rglob("*"):
            if path.is_file():
                search.file(path)
    assert search.findings == []
    assert search.looked_at["bundles"] == 1
    assert search.looked_at["batches"] >= 3  # in the outbox, in the bundle, in the spool


def test_a_damaged_bundle_is_one_line_and_the_others_are_taken(places: Places) -> None:
    places.count()
    assert places.hub("export").code == 0
    places.count()
    assert places.hub("export", "--to", str(places.stick / "z.ppx")).code == 0
    bad = places.stick / "z.ppx"
    bad.write_bytes(bad.read_bytes()[:-7])
    answer = places.home("import", str(places.stick))
    assert answer.code == 1
    assert answer.line.startswith(f"{bad}: damaged at byte ")
    assert answer.out.count(": 1 new") == 1
    told = json.loads(places.home("import", "--json", str(places.stick)).out)
    assert (len(told["bundles"]), len(told["wrong"])) == (1, 1)
    assert places.booked() == 10


def test_what_had_to_make_room_is_a_warning(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.carrying.Carrying.__init__.__defaults__", (1, 1))
    places.count()
    assert places.hub("export").err == ""
    places.count()
    answer = places.hub("export")
    assert answer.code == 0
    assert answer.line.startswith("batch 1 was exported long ago and no receipt ever came")


def test_wrong_use_names_the_mend(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (("export",), "there is no outbox yet"),
        (("export", "--to", str(places.stick / "none")), "there is no such directory. Make it, or name a file"),
        (("export", "--most-bytes", "0"), "--most-bytes"),
        (("receipt",), "name the receipt"),
        (("receipt", "none.json"), "none.json: No such file"),
    ):
        answer = places.hub(*words)
        assert said in answer.line
        assert answer.code == (1 if said.startswith("there is no outbox") else 2)
    places.count()
    assert "nothing waits" not in places.hub("export").out
    (places.stick / "there.ppx").touch()
    assert "is there already" in places.hub("export", "--to", str(places.stick / "there.ppx")).line
    (places.stick / "r.json").write_text("{}")
    assert "not a receipt" in places.hub("receipt", str(places.stick / "r.json")).line
    assert "say what is taken in" in places.home("import").line
    assert "none.ppx: No such file" in places.home("import", "none.ppx").line
    places.agent.write_text(AGENT.replace("bundle:../stick", "spool:../spool"))
    assert "say where bundles are put" in places.hub("export").line
    assert places.hub("export", "--to", str(places.stick)).out.startswith("nothing waits: the log watcher hands over")


def test_another_agents_receipt_says_nothing_of_ours(places: Places) -> None:
    places.count()
    assert places.hub("export").code == 0
    receipt = places.stick / "receipt.json"
    assert places.home("import", str(places.stick), "--receipt", str(receipt)).code == 0
    with closing(sqlite3.connect(places.agent.parent / "data" / "agent" / "outbox.db")) as database:
        database.execute("UPDATE agent SET incarnation = '00ff00ff00ff00ff'")
        database.commit()
    answer = places.hub("receipt", str(receipt))
    assert (answer.code, "says nothing of agent hub-a, incarnation 00ff00ff00ff00ff" in answer.out) == (1, True)
