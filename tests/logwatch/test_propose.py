"""Sources and formats that are proposed for logs nobody has declared."""

from __future__ import annotations

import fnmatch
import random
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from domain.codes import SHIPPED
from domain.formats import Format, Picked
from domain.redact import has_patient
from logwatch.catalog import shipped
from logwatch.examples import failures
from logwatch.propose.page import page
from logwatch.propose.paths import groups
from logwatch.propose.proposal import Proposal, propose, shared
from logwatch.propose.times import writing_of
from logwatch.propose.toml import inline
from tests.logwatch.some import NOW

PATIENTS = ("50010199928", "64022999971", "00010199974")
PHARMACIES = ("00000196", "00004255", "00012371", "00123427")
CODES = ("TIP_200", "TIP_200", "TIP_200", "TIP_999", "ERR200009")
OPERATIONS = ("registerData", "updateData", "getPharmacyDetails", "deleteData")
BEGIN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def lines(write: Callable[[random.Random, datetime], str], count: int = 200) -> list[str]:
    chance = random.Random(4)
    return [write(chance, BEGIN + timedelta(seconds=number)) for number in range(count)]


def proposals(texts: dict[str, list[str]]) -> list[Proposal]:
    """What is proposed for some files, where no others are."""
    found = groups(texts, lambda pattern: fnmatch.filter(texts, pattern))
    return [one for group in found for one in propose(group, texts, shipped(), SHIPPED, NOW)]


def only(text: Sequence[str]) -> Proposal:
    (found,) = proposals({"/logs/mine.log": list(text)})
    return found


def checked(found: Proposal) -> Format:
    """The format that is proposed, after it went through TOML and its examples were run."""
    written = tomllib.loads(page([found], 1, []))
    assert not has_patient(str(written))
    form = msgspec.convert(written["formats"][found.name], Format)
    assert form.examples
    assert failures(form, SHIPPED, "formats.mine", NOW) == []
    assert found.fit is not None
    assert found.fit.explained > 0.99
    assert "endpoint" in found.fit.keys
    return form


def picked(chance: random.Random) -> tuple[str, str, str, str, int]:
    return (
        chance.choice(OPERATIONS), chance.choice(PHARMACIES), chance.choice(CODES), chance.choice(PATIENTS),
        chance.randrange(20, 900),
    )  # fmt: skip


def json_line(chance: random.Random, at: datetime) -> str:
    operation, pharmacy, code, patient, took = picked(chance)
    told = {
        "when": f"{at:%d/%m/%Y %H:%M:%S}", "level": "INFO",
        "call": {"operation": operation, "durationMs": took, "resultCode": code}, "apb": pharmacy,
        "subject": patient, "text": f"asked for {patient}", "ok": True, "size": chance.randrange(9999),
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def test_json_with_a_time_in_a_layout_of_its_own() -> None:
    form = checked(only(lines(json_line)))
    assert (form.kind, form.time and form.time.layout) == ("json", "%d/%m/%Y %H:%M:%S")
    fields = form.fields
    assert (fields.endpoint, fields.duration_ms, fields.code) == (
        "call.operation", "call.durationMs", "call.resultCode",
    )  # fmt: skip
    assert (fields.pharmacy, fields.patient) == ("apb", "subject")


def test_pairs_of_other_names_than_the_shipped_ones() -> None:
    def write(chance: random.Random, at: datetime) -> str:
        operation, pharmacy, code, patient, took = picked(chance)
        return (
            f"timestamp={at.timestamp():.3f} action={operation} pharma={pharmacy} rc={code} took={took * 1000}us "
            f'host=srv-{chance.randrange(3)} agent=softa/4.{chance.randrange(4)} note="for {patient}"'
        )

    form = checked(only(lines(write)))
    assert (form.kind, form.fields.endpoint, form.fields.pharmacy, form.fields.code) == (
        "logfmt", "action", "pharma", "rc",
    )  # fmt: skip
    assert form.fields.duration_us == Picked(field="took", match="^([0-9.]+) ?us$")
    assert form.fields.vendor == Picked(field="agent", match="^([^/ ]+)")
    assert form.fields.server == "host"


@pytest.mark.parametrize(("delimiter", "headed"), [(";", True), ("\t", True), (",", False), ("|", False)])
def test_delimited_values_with_and_without_their_names(delimiter: str, headed: bool) -> None:
    def write(chance: random.Random, at: datetime) -> str:
        operation, pharmacy, code, _, took = picked(chance)
        values = (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}", f"be.hub.{operation}", pharmacy, code, f"{took} ms", "free")
        return delimiter.join(values)

    heading = delimiter.join(("Day", "Hour", "Operation", "APB", "Code", "Elapsed", "Remark"))
    form = checked(only([heading] * headed + lines(write)))
    assert form.kind == "delimited"
    assert form.time is not None
    if headed:
        assert (form.header, form.time.field, form.fields.endpoint) == ("first", "Day Hour", "Operation")
    else:
        assert form.fields.pharmacy in form.header
        assert all(word in form.header for word in form.time.field.split())
    assert form.fields.duration_ms == Picked(
        field="Elapsed" if headed else "c6", match="^([0-9.]+) ?ms$"
    )  # fmt: skip


def test_free_text_with_what_can_be_picked_out_of_it() -> None:
    def write(chance: random.Random, at: datetime) -> str:
        operation, pharmacy, code, patient, took = picked(chance)
        rest = f"took {took} ms for {pharmacy}, code={code}, patient {patient}" if chance.random() < 0.9 else "idle"
        return f"{at:%d.%m.%Y %H:%M:%S},123 INFO [worker-{chance.randrange(9)}] be.hub.{operation} - {rest}"

    form = checked(only(lines(write)))
    assert (form.kind, form.time and form.time.layout) == ("regex", "%d.%m.%Y %H:%M:%S")
    assert isinstance(form.fields.duration_ms, Picked)
    assert isinstance(form.fields.pharmacy, Picked)
    assert isinstance(form.fields.code, Picked)
    assert form.fields.endpoint == "endpoint"


def test_lines_that_go_on_are_joined() -> None:
    def write(chance: random.Random, at: datetime) -> str:
        operation, pharmacy, code, _, took = picked(chance)
        line = f"{at:%d-%m-%Y %H:%M:%S} be.hub.{operation} code={code} apb={pharmacy} took={took}ms"
        return f"{line}\n\tat be.Trace\nCaused by: nothing" if code == "TIP_999" else line

    form = checked(only("\n".join(lines(write)).split("\n")))
    assert form.join is not None
    assert form.join.starts.startswith(r"^\d\d\-\d\d\-")


def test_a_log_in_docker() -> None:
    def write(chance: random.Random, at: datetime) -> str:
        operation, _, code, _, took = picked(chance)
        inner = f"time={at:%Y-%m-%dT%H:%M:%SZ} op={operation} code={code} dur_ms={took}\n"
        return msgspec.json.encode({"log": inner, "stream": "stdout", "time": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}).decode()

    form = checked(only(lines(write)))
    assert (form.kind, form.inner, form.inner_field) == ("json", "logfmt", "log")
    assert form.fields.endpoint in ("op", "log.op")


def test_the_unit_of_a_duration_by_the_times_of_start_and_end() -> None:
    def write(chance: random.Random, at: datetime) -> str:
        took = chance.randrange(100, 90_000)
        end = int(at.timestamp()) * 10**9
        return f"{chance.choice(OPERATIONS)},{end - took * 1_000},{end},{took}"

    form = checked(only(["OperationName,StartNano,EndNano,Duration", *lines(write)]))
    assert (form.fields.duration_us, form.time and form.time.field) == ("Duration", "EndNano")


def test_a_shipped_format_is_taken_where_it_fits() -> None:
    line = "ts={:%Y-%m-%dT%H:%M:%SZ} server=dpp-02 op={} client=softa version=4 apb={} code={} dt={}"
    found = only(lines(lambda chance, at: line.format(at, *picked(chance)[:3], 7)))
    assert (found.name, found.form) == ("hub-calls", None)


def test_logs_that_are_declared_alike_share_a_format() -> None:
    found = shared(proposals({"/logs/a.json": lines(json_line), "/logs/b.json": lines(json_line)}))
    assert [one.name for one in found] == ["a", "a"]
    assert list(tomllib.loads(page(found, 2, []))["formats"]) == ["a"]


def test_nothing_is_proposed_for_a_poem() -> None:
    found = only(["The woods are lovely, dark and deep,", "But I have promises to keep,"] * 50)
    assert (found.fit, found.form) == (None, None)
    assert "none can be proposed" in page([found], 1, [])


def test_files_of_one_log_are_one_source() -> None:
    there = [
        "/var/log/dpp/calls.log", "/var/log/dpp/calls.log.1", "/var/log/dpp/calls.log.2.gz",
        "/var/log/dpp/calls-2026-11-20.log.zst", "/var/log/tip-01/app.log", "/var/log/tip-02/app.log",
        "/var/log/trace/08_43_trace.csv.gz", "/var/log/trace/08_44_trace.csv.gz",
        "/var/log/nginx/access.log", "/var/log/nginx/access.log-expected.json",
    ]  # fmt: skip
    found = {one.name: one for one in groups(there[:-1], lambda pattern: fnmatch.filter(there, pattern))}
    assert set(found) == {"dpp-calls", "tip-app", "trace", "nginx-access"}
    assert found["trace"].patterns == ("/var/log/trace/*_trace.csv*",)
    assert found["dpp-calls"].patterns == ("/var/log/dpp/calls.log*", "/var/log/dpp/calls-*.log*")
    assert found["dpp-calls"].hub == found["tip-app"].hub == "dpp"
    assert found["tip-app"].patterns == ("/var/log/tip-*/app.log*",)
    assert found["tip-app"].server == r"(tip\-[0-9]+)"
    assert "/var/log/nginx/access.log*" not in found["nginx-access"].patterns


def test_the_server_is_found_in_the_names_of_files() -> None:
    line = "ts={:%Y-%m-%dT%H:%M:%SZ} op={} apb={} code={} dt={}"
    text = lines(lambda chance, at: line.format(at, *picked(chance)[:3], 7))
    (found,) = proposals({"/logs/dpp-01-calls.log": text, "/logs/dpp-02-calls.log": text})
    form = checked(found)
    assert form.fields.server == Picked(file=r"(dpp\-[0-9]+)")
    assert found.group.patterns == ("/logs/dpp-*-calls.log*",)


def test_files_of_a_group_that_are_written_otherwise_are_sources_of_their_own() -> None:
    calls = lines(lambda chance, at: f"ts={at:%Y-%m-%dT%H:%M:%SZ} op={picked(chance)[0]} code=OK dt=7")
    access = lines(lambda _, at: f'::1 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /x HTTP/1.1" 200 12')
    found = proposals({"/logs/app.log": calls, "/logs/app.log.1": access})
    assert [one.group.patterns for one in found] == [("/logs/app.log",), ("/logs/app.log.1",)]
    assert found[1].name == "access"


@pytest.mark.parametrize(
    ("token", "layout"),
    [
        ("2026-11-22T10:36:12.123Z", ""), ("22/11/2026 10:36:12", "%d/%m/%Y %H:%M:%S"),
        ("22.11.2026 10:36", "%d.%m.%Y %H:%M"), ("20261122103612", "%Y%m%d%H%M%S"),
        ("11/22/2026 10:36:12", "%m/%d/%Y %H:%M:%S"), ("22 nov. 2026 10:36:12", ""),
        ("1795340171913", ""),
    ],
)  # fmt: skip
def test_how_a_time_is_written(token: str, layout: str) -> None:
    found = writing_of([token] * 5, NOW + 86_400)
    assert found is not None
    assert found.layout in (layout, "%d %b %Y %H:%M:%S")


@pytest.mark.parametrize("token", ["87", "50010199928", "00012371", "3.14", "getData", "10:36:12", "TIP_200"])
def test_what_is_no_time(token: str) -> None:
    assert writing_of([token] * 5, NOW) is None


@pytest.mark.parametrize("value", ["plain", "it's", r"\d+", "'\\\"", "tab\t", "\x7f", "né", "", "a\nb"])
def test_strings_survive_being_written(value: str) -> None:
    assert tomllib.loads(f"x = {inline(value)}")["x"] == value
    assert tomllib.loads(f"x = {inline({value: [value, 1, True]})}")["x"] == {value: [value, 1, True]}
