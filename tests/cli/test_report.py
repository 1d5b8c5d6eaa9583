"""`analyse --html`: one page that needs nothing else, shows the figures, and no patient."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from domain.redact import has_patient
from tests.cli.call import LINE, ask

PATIENT = "50010199928"
OWN = """\
[site]
name = "Our site"
data = "data"
zone = "Europe/Brussels"
[formats.mine]
kind = "logfmt"
time = { field = "ts" }
fields = { endpoint = "op", pharmacy = "apb", code = "code", duration_ms = "dt", patient = "niss" }
"""


def log(file: Path, count: int = 600) -> Path:
    begin = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    patients = ("50010199928", "64022999971", "00010199974")
    with file.open("w") as out:
        for number in range(count):
            code = "TIP_999" if number % 40 == 0 else "ERR200009" if number % 25 == 0 else "TIP_200"
            out.write(
                f"ts={begin + timedelta(seconds=10 * number):%Y-%m-%dT%H:%M:%SZ} op=tip.op{number % 30} apb=00012371 "
                f"code={code} dt={20 + number % 300} niss={patients[number % 3]} uri=/s/{PATIENT}/<script>\n"
            )
        out.write(f"rubbish {PATIENT} <b>\n")
    return file


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (tmp_path / "mine.toml").write_text(OWN)
    out = tmp_path / "report.html"
    options = ("--config", str(tmp_path / "mine.toml"), "--format", "mine", "--html", str(out))
    answer = ask(capsys, "analyse", str(log(tmp_path / "calls.log")), *options)
    assert (answer.code, answer.err) == (0, "")
    assert "601 lines" in answer.out
    return out.read_text()


def test_the_page_needs_nothing_but_itself(text: str) -> None:
    page = Page(text)
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "a", "object", "form"}
    outside = {"href", "src", "action", "style", "onclick", "onload"}
    assert not [attrs for _, attrs in page.tags if outside & {name.lower() for name in attrs}]
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    css = re.search("<style>(.*)</style>", text, re.DOTALL)
    assert css is not None
    digest = base64.b64encode(hashlib.sha256(css[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"


def test_the_page_tells_what_analyse_found(text: str) -> None:
    words = " ".join("".join(Page(text).words).split())
    assert "600 calls in calls.log; 15 failed technically (2.5 %)." in words
    assert "601 lines, read as mine" in words
    assert "tip.op1" in words
    assert "and 10 more" in words
    assert "From Sun 22 Nov 2026 09:00:00 to Sun 22 Nov 2026 10:39:50, Europe/Brussels." in words
    assert "1 malformed" in words
    assert "3 distinct patients, about" in re.sub(r"(\d)(distinct)", r"\1 \2", words)
    for title in ("Calls a minute", "Failures", "Latency", "How long calls took", "Endpoints", "Codes", "Pharmacies"):
        assert title in words


def test_no_patient_and_no_markup_of_a_line_gets_there(text: str) -> None:
    assert not has_patient(text)
    assert "<b>" not in text.split("</ul>")[-1]
    assert "aaaaaaa 00000000000 &lt;a&gt;" in text


def test_a_log_of_one_moment_has_a_page_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.log").write_text(LINE)
    answer = ask(capsys, "analyse", str(tmp_path / "calls.log"), "--html", str(tmp_path / "out.html"), "--json")
    assert (answer.code, answer.err) == (0, "")
    assert "1 call in calls.log" in (tmp_path / "out.html").read_text()


def test_lines_without_a_call_have_a_page_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.log").write_text("nothing\n")
    out = tmp_path / "out.html"
    answer = ask(capsys, "analyse", str(tmp_path / "calls.log"), "--format", "hub-calls", "--html", str(out))
    assert (answer.code, answer.err) == (0, "")
    assert "No line is a call." in out.read_text()


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "calls.log").write_text(LINE)
    answer = ask(capsys, "analyse", str(tmp_path / "calls.log"), "--html", str(tmp_path / "no" / "out.html"))
    assert (answer.code, answer.out) == (1, "")
    assert str(tmp_path / "no" / "out.html") in answer.line
