"""JSON lines: paths, numbers as they stand, lines within lines, and anything else malformed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.settings import Fields, Format, Join, TimeField
from logwatch.kinds.json import Json
from tests.logwatch.some import bounded, read_blocks


def kind(**declared: object) -> Json:
    return Json.of(Format(kind="json", **declared), "formats.x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("http.response.status_code", "200"),
        ("a.b", "longest"),
        ("tags.1", "y"),
        ("calls.0.ms", "1.50"),
        ("tags", '["x","y"]'),
        ("ok", "true"),
        ("path", "/x"),
        (".path", "/x"),
        ("method path", "GET /x"),
        ("response time", "7"),
        ("none", None),
        ("tags.7", None),
        ("tags.x", None),
        ("path.below", None),
        ("", None),
        ("missing gone", None),
    ],
)
def test_a_path_finds_what_stands_there(path: str, text: str | None) -> None:
    fields = kind().fields(
        '{"http.response":{"status_code":200},"a":{"b":"nested"},"a.b":"longest","tags":["x","y"],"path":"/x",'
        '"calls":[{"ms":1.50}],"ok":true,"none":null,"method":"GET","response time":7}'
    )
    assert fields is not None
    assert fields.get(path) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1761019957.9247544", "1761019957.9247544"),
        ("123456789012345678901", "123456789012345678901"),
        ("7.314e-05", "0.00007314"),
        ("1.5E3", "1500.0"),
        ("1e999999999", "1e999999999"),
        ("-0.5e1", "-5.0"),
        ("0.00", "0.00"),
    ],
)
def test_a_number_is_the_text_that_stands_there_without_an_exponent(written: str, text: str) -> None:
    fields = kind().fields(f'{{"n":{written}}}')
    assert fields is not None
    assert fields["n"] == text


@given(number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
@bounded(200)
def test_a_number_with_an_exponent_keeps_its_value(number: Decimal) -> None:
    fields = kind().fields(f'{{"n":{number:e}}}')
    assert fields is not None
    assert Decimal(fields["n"]) == number


@pytest.mark.parametrize(
    "line",
    ['["a"]', "1", "null", '{"a":1', '{"a":1} x', "{'a':1}", '{"a":NaN}', '{"a":"\\ud800"}', "[" * 9_000, "prefix: {}"],
)
def test_what_is_no_object_is_malformed(line: str) -> None:
    assert kind().fields(line) is None


def test_the_fields_of_the_line_within_stand_beside() -> None:
    docker = kind(inner="json", inner_field="log")
    inner = json.dumps({"time": "inner", "code": "TIP_200", "dt": 8})
    fields = docker.fields(json.dumps({"log": inner + "\n", "stream": "stdout", "time": "outer"}))
    assert fields is not None
    assert (fields["time"], fields["log.time"], fields["code"], fields["log.dt"]) == ("outer", "inner", "TIP_200", "8")
    assert set(fields) == {"log", "stream", "time", "code", "dt"}


def test_a_field_may_hold_a_line_of_a_shipped_format() -> None:
    fields = kind(inner="envoy", inner_field="message").fields(
        json.dumps({"message": '[2026-11-22T09:36:12.439Z] "GET / HTTP/1.1" 200 - 0 91 41 39 "-" "-" "-" "-" "-"'})
    )
    assert fields is not None
    assert (fields["request"], fields["duration"]) == ("GET / HTTP/1.1", "41")


@pytest.mark.parametrize("held", ["no access line", "", None, 5, {"a": 1}])
def test_a_line_whose_inside_cannot_be_read_is_malformed(held: object) -> None:
    assert kind(inner="access", inner_field="log").fields(json.dumps({"log": held})) is None


def test_pieces_that_docker_cut_are_malformed_each() -> None:
    line = '10.0.0.1 - - [22/Nov/2026:09:36:12 +0000] "GET /x HTTP/1.1" 200 12 "-" "%s"' % ("y" * 20_000)
    pieces = [line[:16_384], line[16_384:] + "\n"]
    docker = kind(inner="access", inner_field="log")
    assert [docker.fields(json.dumps({"log": piece, "stream": "stdout"})) for piece in pieces] == [None, None]
    assert docker.fields(json.dumps({"log": line + "\n", "stream": "stdout"})) is not None


def test_an_object_over_several_lines_is_one_event_where_lines_are_joined() -> None:
    content = b'{"t":"2026-11-22T09:36:12Z","op":"a",\n"trace":["x",\n"y"]}\n{"t":"2026-11-22T09:36:13Z","op":"b"}\n'
    form = Format(kind="json", time=TimeField(field="t"), fields=Fields(endpoint="op"), join=Join(starts=r"^\{"))
    read = read_blocks(form, [content], "small")
    assert (read.accounting.events, read.accounting.continuations, read.accounting.malformed) == (2, 2, 0)


@pytest.mark.parametrize(
    ("declared", "place"),
    [
        ({"inner": "access"}, "formats.x.inner"),
        ({"inner_field": "log"}, "formats.x.inner_field"),
        ({"inner": "nothing", "inner_field": "log"}, "formats.x.inner"),
        ({"inner": "iis", "inner_field": "log"}, "formats.x.inner"),
    ],
)
def test_a_wrong_declaration_is_told_with_its_place(declared: dict[str, str], place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**declared)
    assert caught.value.path == place


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ab. \0", max_size=4), below, max_size=3),
    max_leaves=12,
)


@given(line=st.binary(max_size=120) | VALUES.map(lambda value: json.dumps(value).encode()), cut=st.integers(0, 200))
@bounded(300)
def test_nothing_raises_on_any_bytes(line: bytes, cut: int) -> None:
    for one in (kind(), kind(join=Join(starts="^{")), kind(inner="json", inner_field="a")):
        for text in (line.decode("utf-8", "replace"), line[:cut].decode("utf-8", "replace")):
            fields = one.fields(text)
            if fields is not None:
                assert all(
                    isinstance(fields.get(name, ""), str) for name in (*fields, "a", "a.b", "a a.b", ".", "..", " ")
                )
