"""Keys: cleaned, made general, checked, and never with a patient in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.redact import has_patient
from domain.settings import Fields, Format, Picked, Template, TimeField
from logwatch.meaning import (
    LONGEST_KEY,
    LONGEST_US,
    UNUSABLE,
    clean,
    duration_meaning,
    endpoint_meaning,
    key_meaning,
    method_of,
    path_of,
    pharmacy_meaning,
)
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.samples import KEEP, LONGEST, Samples, shape
from tests.logwatch.some import FORMATS, NOW, bounded, read_blocks

PATIENTS = ("50010199928", "64022999971", "00010199974", "04022999904", "50210199971", "75523199910")
DISGUISES = (
    "{p}", "PatientId:{p}PatientIdType", "/subject/{p}/", "x{p}y", "{p}_{p}", "[{p}]", "ssin={p}", "a,{p},b", "é{p}é",
)  # fmt: skip
RUNAWAY = "(a|aa)+$"


def separated(number: str) -> list[str]:
    """A number as people write it."""
    yy, mm, dd, sequence, check = number[:2], number[2:4], number[4:6], number[6:9], number[9:]
    return [
        number, f"{yy}.{mm}.{dd}-{sequence}.{check}", f"{yy}{mm}{dd}-{sequence}-{check}",
        f"{yy}/{mm}/{dd}/{sequence}/{check}",
        f"{yy}_{mm}_{dd}_{sequence}_{check}",
    ]  # fmt: skip


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("key", ["op", "code", "client", "version", "server"])
def test_no_key_holds_a_patient_in_any_disguise(disguise: str, key: str) -> None:
    written = [form for patient in PATIENTS for form in separated(patient)]
    block = "".join(f"ts=1795340172 {key}={disguise.format(p=form)}\n" for form in written).encode()
    for way in ("small", "block"):
        read = read_blocks(FORMATS["hub-calls"], [block], way)
        assert read.accounting.events == len(written)
        kept = str(read.told())
        assert "[patient]" in kept
        assert not any(form in kept for form in written)


@pytest.mark.parametrize("patient", separated(PATIENTS[0]))
def test_no_request_holds_a_patient(patient: str) -> None:
    line = f'1.2.3.4 - {patient} [22/Nov/2026:10:36:12 +0100] "GET /a/{patient}/b?ssin={patient} HTTP/1.1" 200 1\n'
    form = Format(kind="access", fields=Fields(endpoint="request", server="user"), template=(Template(pattern="^$"),))
    for way in ("small", "block"):
        [event] = read_blocks(form, [line.encode()], way).events
        assert "GET /a/[patient]/b" in event
        assert patient not in str(event)


def test_what_a_template_glues_together_is_masked_too() -> None:
    meaning = endpoint_meaning("op", (Template(pattern="--", by=""),), "formats.x")
    assert meaning("a/500101--99928/b") == ("a/[patient]/b", False)


@given(st.text(max_size=300))
@bounded(200)
def test_a_clean_key_is_fit_to_be_stored(text: str) -> None:
    key, bad = clean(text)
    assert len(key) <= LONGEST_KEY + 20
    assert key == "" or key.isprintable() or not bad
    assert not has_patient(key)
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in key)


@pytest.mark.parametrize("text", ["x" * (LONGEST_KEY + 1), "a\x00b", "a\x1bb", "a\ufffdb", "a\u2028b", "a\x85b"])
def test_a_key_that_cannot_be_shown_is_unusable(text: str) -> None:
    assert clean(text) == UNUSABLE


def test_missing_keys_are_no_fault() -> None:
    for token in ("", "-"):
        assert clean(token) == ("", False)
        assert pharmacy_meaning("apb", "x")(token) == ("", False)
        assert endpoint_meaning("op", None, "x")(token) in (("", False), ("-", False))


@pytest.mark.parametrize("number", ["00012372", "0001237", "000123710", "0001237a", " 00012371", "٠٠٠١٢٣٧١"])
def test_a_pharmacy_that_is_none_is_unusable(number: str) -> None:
    assert pharmacy_meaning("apb", "x")(number) == UNUSABLE
    assert pharmacy_meaning("apb", "x")("00012371") == ("00012371", False)


@pytest.mark.parametrize(
    ("request_line", "endpoint"),
    [
        ("GET /history/apollo/ HTTP/1.0", "GET /history/apollo/"),
        ("get /a?x=1 HTTP/1.1", "GET /a"),
        ("GET /a;jsessionid=1 HTTP/1.1", "GET /a"),
        ("GET /subject/20261122/x HTTP/1.1", "GET /subject/{}/x"),
        ("GET /x/1b4e28ba-2fa1-11d2-883f-0016d3cca427/y HTTP/1.1", "GET /x/{}/y"),
        ("GET /v2/123/x HTTP/1.1", "GET /v2/123/x"),
        ("GET http://host:8080/a/b HTTP/1.1", "GET /a/b"),
        ("GET http://host HTTP/1.1", "GET /"),
        ("GET /to/http://host/a HTTP/1.1", "GET /to/http://host/a"),
        ("POST /a", "POST /a"),
        ("-", ""),
        ("\\x16\\x03\\x01", ""),
    ],
)
def test_a_request_becomes_method_and_path(request_line: str, endpoint: str) -> None:
    found, bad = endpoint_meaning("request", None, "x")(request_line)
    assert (found, bad) == (endpoint, not endpoint and request_line != "-")
    assert endpoint == "" or (method_of(request_line), path_of(request_line)) != ("", "")


@pytest.mark.parametrize(
    ("token", "factor", "us"),
    [
        ("87", 1_000, 87_000), ("0.125", 1_000_000, 125_000), ("12.5", 1_000, 12_500), ("0", 1, 0), ("-", 1, -1),
        ("-1", 1, -1), ("", 1, -1), ("0.0000019", 1_000_000, 1), (str(LONGEST_US), 1, LONGEST_US),
    ],
)  # fmt: skip
def test_durations(token: str, factor: int, us: int) -> None:
    assert duration_meaning("dt", factor * 1_000, "x")(token) == (us, False)


@pytest.mark.parametrize("token", ["x", "1e3", "+5", "1.", ".5", "1,5", "1.5", "٣", "9" * 16, str(LONGEST_US + 1)])
def test_durations_that_are_none(token: str) -> None:
    assert duration_meaning("dt", 1_000, "x")(token) == (-1, True)


def test_a_pattern_that_runs_away_is_stopped() -> None:
    spec = Picked(field="op", match=RUNAWAY)
    token = "a" * 60 + "b"
    assert key_meaning(spec, "x")(token) == UNUSABLE
    assert pharmacy_meaning(spec, "x")(token) == UNUSABLE
    assert endpoint_meaning(spec, None, "x")(token) == UNUSABLE
    assert duration_meaning(spec, 1_000, "x")(token) == (-1, True)
    assert endpoint_meaning("op", (Template(pattern=RUNAWAY),), "x")(token) == UNUSABLE


def test_an_ignore_pattern_that_runs_away_makes_the_line_malformed() -> None:
    form = Format(kind="logfmt", time=TimeField(field="ts"), ignore=(RUNAWAY,))
    read = read_blocks(form, [b"ts=1795340172 op=b\nts=1795340172 " + b"a" * 60 + b"b\n"], "small")
    assert (read.accounting.events, read.accounting.malformed) == (1, 1)


@pytest.mark.parametrize(
    ("form", "path"),
    [
        (Format(kind="logfmt", ignore=("(",)), "formats.x.ignore"),
        (
            Format(kind="logfmt", template=(Template(pattern="["),), fields=Fields(endpoint="op")),
            "formats.x.fields.endpoint.template",
        ),
        (Format(kind="logfmt", fields=Fields(vendor=Picked(field="c", match="*"))), "formats.x.fields.vendor.match"),
        (Format(kind="poetry"), "formats.x.kind"),
        (Format(kind="logfmt", time=TimeField(field="ts", zone="Europe/Brussel")), "formats.x.time.zone"),
    ],
)
def test_a_wrong_format_is_told_with_its_place(form: Format, path: str) -> None:
    with pytest.raises(ConfigError) as error:
        Reader(form, Registry(10), path="formats.x")
    assert error.value.path.startswith(path.rsplit(".", 1)[0])
    assert error.value.mend


@given(st.text(max_size=200))
@bounded(200)
def test_no_letter_or_digit_of_a_line_that_cannot_be_read_passes(line: str) -> None:
    kept = shape(line)
    assert set(kept) <= set("a0?…") | {chr(sign) for sign in range(32, 127) if not chr(sign).isalnum()}
    assert len(kept) <= LONGEST + 1


def test_samples_are_few_and_distinct() -> None:
    samples = Samples()
    for place in range(50):
        samples.add("x" * (place // 2))
    assert len(samples.shapes) == KEEP == len(set(samples.shapes))
    reader = Reader(FORMATS["hub-calls"], Registry(10))
    reader.read(b"Patient Jan 50010199928 (50.01.01-999.28)\n", NOW)
    assert reader.samples.shapes == ["aaaaaaa aaa 00000000000 (00.00.00-000.00)"]
