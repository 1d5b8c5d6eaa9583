"""Lines that may be looked at: which are chosen, and that nothing of a patient is in them, however it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import RecentLine
from domain.redact import has_patient
from domain.settings import Fields, Format, Join, Pair, TimeField
from logwatch.catalog import shipped
from logwatch.masking import LONGEST_SHOWN, masked, shown_key
from logwatch.reader import Reader
from logwatch.recent import LATEST_SECONDS, MOST_FAILING, MOST_OTHER, STALE_SECONDS, Recent
from logwatch.registry import Registry
from tests.logwatch.watching import START, Site, call

PATIENTS = ("50010199928", "64022999971", "00010199974", "50210199971")
CALL = "ts={ts:.3f} op={op} client=softa apb=00000196 code={code} dt={dt} {more}\n"


class Bench:
    """A reader and what it gathers."""

    def __init__(self, form: Format | None = None) -> None:
        registry = Registry(300)
        self.reader = Reader(form or shipped()["hub-calls"], registry, fixed={"hub": "dpp"})
        self.recent = Recent(registry)

    def look(self, text: str, now: float = START) -> None:
        block = text.encode()
        self.recent.look("calls", self.reader, block, self.reader.read(block, now), now)

    def shown(self, text: str, now: float = START) -> Sequence[RecentLine]:
        self.look(text, now)
        return self.recent.take()


def line(op: str = "tip.registerData", code: str = "TIP_200", dt: object = 87, more: str = "", ago: float = 0.0) -> str:
    return CALL.format(ts=START - ago, op=op, code=code, dt=dt, more=more)


def test_what_was_understood_stands_and_the_rest_is_its_shape() -> None:
    [seen] = Bench().shown(line(more="ssin=50010199928 note=Jan7 /subject/50010199928/"))
    assert (seen.source, seen.hub, seen.endpoint, seen.code, seen.klass) == (
        "calls", "dpp", "tip.registerData", "TIP_200", "ok",
    )  # fmt: skip
    assert seen.text == (
        "ts=2026-11-22T10:36:12.000+01:00 op=tip.registerData client=softa apb=00000196 code=TIP_200 dt=87 "
        "aaaa=00000000000 aaaa=aaa0 /aaaaaaa/00000000000/"
    )


def test_an_access_line_shows_its_endpoint_and_not_what_it_was_asked_for() -> None:
    bench = Bench(shipped()["access-d"])
    [seen] = bench.shown(
        '192.0.2.7 - jan [22/Nov/2026:10:36:12 +0100] "GET /dpp/patient/50010199928/x?ssin=50010199928 HTTP/1.1" '
        '503 12 "-" "softa/4.1" 87000\n'
    )
    assert (
        seen.text == '000.0.0.0 - aaa [22/Nov/2026:10:36:12 +0100] "GET /dpp/patient/{}/x" 503 00 "-" "aaaaa/0.0" 87000'
    )
    assert seen.klass == "technical"


def test_a_key_that_was_cleaned_stands_in_its_tokens_place() -> None:
    form = Format(kind="logfmt", fields=Fields(endpoint="op", vendor="client", code="code"), time=TimeField(field="ts"))
    [seen] = Bench(form).shown("ts=2026-11-22T10:36:12+01:00 op=tell client=v50010199928 code=50010199929\n")
    assert seen.text == "ts=2026-11-22T10:36:12+01:00 op=tell client=v[patient] code=00000000000"
    assert seen.code == "50010199929", "as it is counted; the line shows less than that"


def test_a_part_of_a_field_shows_alone() -> None:
    assert masked("says op 12 to Jan", [shown_key("", "op 12", "op")]) == "aaaa op 00 aa aaa"  # type: ignore[list-item]
    assert masked("x=11 y=1", [shown_key("y", "1", "1")]) == "a=00 y=1"  # type: ignore[list-item]
    assert masked("a 1 b", [shown_key("y", "1", "1")]) == "a 0 a", "one character stands anywhere"  # type: ignore[list-item]
    assert masked("v" * 3_000, []) == "a" * LONGEST_SHOWN + "…"


def test_the_last_of_each_endpoint_and_code_and_failing_ones_first() -> None:
    text = "".join(line(dt=place) for place in range(50)) + line(code="TIP_999", dt=50)
    seen = Bench().shown(text)
    assert sorted((one.code, "dt=49" in one.text or "dt=50" in one.text) for one in seen) == [
        ("TIP_200", True), ("TIP_999", True),
    ]  # fmt: skip


def test_lines_between_two_heartbeats_are_bounded_and_none_crowds_out_the_others() -> None:
    bench = Bench()
    shown: dict[str, set[str]] = {"technical": set(), "ok": set()}
    for turn in range(150):
        for part in range(4):
            codes = [(f"op{n}", code) for n in range(part * 10, part * 10 + 10) for code in ("TIP_200", "TIP_999")]
            bench.look("".join(line(op=op, code=code) for op, code in codes), START + 2 * turn)
        seen = bench.recent.take()
        for klass, most in (("technical", MOST_FAILING), ("ok", MOST_OTHER)):
            mine = [one.endpoint for one in seen if one.klass == klass]
            assert len(mine) <= most
            shown[klass] |= set(mine)
        if 2 * turn == LATEST_SECONDS:
            assert len(shown["technical"]) == 40, "each that fails within a minute"
    assert len(shown["ok"]) == 40


def test_a_line_far_back_in_its_block_is_not_looked_for() -> None:
    [seen] = Bench().shown(line(op="far") + line(op="near") * 1 + "# nothing\n" * 7_000 + line(op="end"))
    assert seen.endpoint == "end"


def test_old_lines_and_lines_nobody_took_are_not_recent() -> None:
    bench = Bench()
    assert not bench.shown(line(ago=7_200))
    bench.look(line(op="first"))
    bench.look(line(op="second"), START + STALE_SECONDS)
    assert [one.endpoint for one in bench.recent.take()] == ["second"]


def test_the_right_lines_are_found_among_others_and_in_large_blocks() -> None:
    text = "".join(f"# no call {place}\n{line(op=f'op{place % 7}', dt=place)}noise\n" for place in range(4_000))
    seen = Bench().shown(text)
    assert len(seen) == 7
    assert sorted((one.endpoint, one.text.partition("dt=")[2].strip()) for one in seen) == sorted(
        (f"op{place % 7}", str(place)) for place in range(3_993, 4_000)
    )


def test_lines_of_a_file_that_names_its_columns() -> None:
    text = "#Fields: date time cs-method cs-uri-stem sc-status time-taken\n" + "".join(
        f"2026-11-22 09:36:1{n} GET /a/{n} 200 {n}5\n" for n in range(3)
    )
    [*_, seen] = Bench(shipped()["iis"]).shown(text)
    assert seen.text.startswith("2026-11-22 09:36:12 GET /a/2 200 25")


def test_an_event_of_several_lines_is_shown_as_one_text() -> None:
    form = Format(kind="logfmt", fields=Fields(endpoint="op", code="code"), time=TimeField(field="ts"),
                  join=Join(starts="^ts="))  # fmt: skip
    [seen] = Bench(form).shown(
        "ts=2026-11-22T10:36:12+01:00 op=tell\n  at be.Class 50010199928\n  code=TIP_999 x\n"
        "ts=2026-11-22T10:36:12+01:00 op=tell code=TIP_999\n"
    )
    assert seen.text == "ts=2026-11-22T10:36:12+01:00 op=tell code=TIP_999"
    [seen] = Bench(form).shown("ts=2026-11-22T10:36:12+01:00 op=tell\n  at be.Class 50010199928\n  code=TIP_999 x\n")
    assert seen.text == "ts=2026-11-22T10:36:12+01:00 op=tell\n  aa aa.aaaaa 00000000000\n  code=TIP_999 a"


def test_a_pattern_that_runs_away_holds_nothing_up() -> None:
    form = Format(kind="regex", pattern=r"^(?P<time>\S+) (?P<op>(a+)+)$", fields=Fields(endpoint="op"))
    assert not Bench(form).shown(f"2026-11-22T10:36:12+01:00 {'a' * 40}!\n")


def test_calls_written_as_two_lines_show_their_end() -> None:
    form = Format(kind="pair", inner="hub-calls", pair=Pair(id="uid", starts=" start ", ends=" end "))
    seen = Bench(form).shown(line(more="uid=x start ") + line(dt=3, more="uid=x end "))
    assert all("end" not in one.text for one in seen)


disguise = st.sampled_from([
    lambda n: n, lambda n: f"{n[:2]}.{n[2:4]}.{n[4:6]}-{n[6:9]}.{n[9:]}", lambda n: f"{n[:6]}-{n[6:]}",
    lambda n: f"{n[:6]} {n[6:9]} {n[9:]}", lambda n: f"PatientId{n}PatientIdType", lambda n: f"/subject/{n}/",
    "-".join, lambda n: n[::-1], lambda n: n[:-1], lambda n: f"{n}1",
    lambda n: f"{n[:5]}{n[6]}{n[5]}{n[7:]}",
])  # fmt: skip
number = st.sampled_from(PATIENTS) | st.from_regex(r"[0-9]{11}", fullmatch=True)
place_of = st.sampled_from(["more", "op", "code", "dt", "client"])
around = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=12)


@given(number, disguise, place_of, around, around)
def test_no_number_of_a_patient_is_shown_however_it_is_written(
    number: str, disguise: object, where: str, before: str, after: str
) -> None:
    planted = f"{before}{disguise(number)}{after}"  # type: ignore[operator]
    fields = {"op": "tell", "client": "softa", "code": "TIP_200", "dt": "87", "more": ""} | {where: planted}
    text = (
        f"ts={START:.3f} op={fields['op']} client={fields['client']} apb=00000196 code={fields['code']} "
        f"dt={fields['dt']} note={fields['more']}\n"
    )
    for seen in Bench().shown(text):
        assert not has_patient(seen.text)
        # What is not of our own making (the time, the pharmacy) holds no run of so many digits either.
        rest = seen.text.replace("2026-11-22T10:36:12.000+01:00", "").replace("00000196", "")
        digits = re.sub(r"[^1-9]", "", rest.replace("TIP_200", "").replace("87", ""))
        assert len(digits) < 10, seen.text


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_format_shows_its_examples_without_anything_undeclared(name: str) -> None:
    form = shipped()[name]
    for example in form.examples:
        bench = Bench(form)
        block = example.line.encode() + b"\n"
        reading = bench.reader.read(block, START)
        now = float(reading.events.time_us[-1]) / 1e6 if len(reading.events) else START
        bench.recent.look("s", bench.reader, block, reading, now)
        for seen in bench.recent.take():
            assert seen.text
            assert not has_patient(seen.text)


def test_heartbeats_carry_lines_once_and_none_where_none_are_wanted(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.append("calls.log", call(7))
        site.tick()
        [seen] = site.heartbeat().recent
        assert (seen.source, seen.hub, seen.endpoint, seen.code) == ("calls", "dpp", "op7", "TIP_200")
        site.tick(2)
        assert site.heartbeat().recent == ()
    other = tmp_path / "other"
    other.mkdir()
    with Site(other, recent_lines=0) as site:
        site.append("calls.log", call(7))
        site.tick()
        assert site.heartbeat().recent == ()
