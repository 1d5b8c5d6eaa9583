"""A wrong configuration stops with its file, the place in it and the mend, in one line and with exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.call import CONFIG, ask

# What is wrong: the text of the file, the place that must be named, and words of the problem and of the mend.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "misspelt-setting": (CONFIG.replace("format =", "formt ="), "sources[0].formt", ("no setting", 'mean "format"')),
    "misspelt-table": (CONFIG + "[colector]\ngrace_seconds = 1\n", "colector", ("no setting", 'mean "collector"')),
    "unlike-any-setting": (CONFIG + "[zzzzqqqq]\n", "zzzzqqqq", ("no setting", "Take it out")),
    "setting-missing": (CONFIG.replace('name = "calls"\n', ""), "sources[0]", ('"name"', "Add name")),
    "site-missing": ("[web]\nport = 8080\n", "the file", ('"site"', "Add site")),
    "number-for-text": (CONFIG.replace('"Our site"', "5"), "site.name", ("Expected `str`", "int")),
    "text-for-number": (CONFIG + '[web]\nport = "80"\n', "web.port", ("Expected `int`", "str")),
    "text-for-list": (CONFIG.replace('["calls.log*"]', '"calls.log*"'), "sources[0].paths", ("array",)),
    "unknown-format": (CONFIG.replace('"hub-calls"', '"hub-cals"'), "sources[0].format", ("hub-cals", "hub-calls")),
    "bad-zone": (CONFIG.replace("[site]", '[site]\nzone = "Brussels"'), "site.zone", ("Brussels", "Europe/Brussels")),
    "bad-clock": (CONFIG.replace("[site]", '[site]\nclock = "fast"'), "site.clock", ("fast", "wall")),
    "bad-agent-name": (CONFIG + '[agent]\nname = "Our Agent"\n', "agent.name", ("Our Agent", "small letters")),
    "source-twice": (CONFIG + CONFIG.split("\n", 3)[3], "sources[1].name", ("calls", "its own name")),
    "no-paths": (CONFIG.replace('["calls.log*"]', "[]"), "sources[0].paths", ("no paths", "list")),
    "negative-grace": (CONFIG + "[collector]\ngrace_seconds = -1\n", "collector.grace_seconds", ("-1", "0 or more")),
    "tick-no-number": (CONFIG + "[agent]\ntick_seconds = nan\n", "agent.tick_seconds", ("nan", "0.05 or more")),
    "tick-without-end": (CONFIG + "[agent]\ntick_seconds = inf\n", "agent.tick_seconds", ("inf", "0.05 or more")),
    "negative-disorder": (CONFIG + "disorder = -1\n", "sources[0].disorder", ("-1", "0 or more")),
    "no-start": (CONFIG + 'start = "yesterday"\n', "sources[0].start", ("yesterday", '"end"')),
    "negative-wake": (CONFIG + "[agent]\nwake_seconds = -1\n", "agent.wake_seconds", ("-1", "0 or more")),
    "small-outbox": (CONFIG + "[agent]\noutbox_bytes = 1\n", "agent.outbox_bytes", ("1 is too little", "1048576")),
    "no-data": (CONFIG.replace('data = "data"', 'data = ""'), "site.data", ("no directory", "/var/lib")),
    "port-too-high": (CONFIG + "[web]\nport = 65535\n", "web.port", ("65535", "65530")),
    "other-transport": (CONFIG + '[transport]\nurl = "amqp://x"\n', "transport.url", ("amqp", "spool:")),
    "other-state": (CONFIG + '[state]\nurl = "redis://x"\n', "state.url", ("redis", "sqlite:")),
    "hub-twice": (CONFIG + '[[hubs]]\nkey = "a"\nname = "A"\n' * 2, "hubs[1].key", ('"a"', "Take one out")),
    "bad-pattern": (
        CONFIG + '[formats.own]\nkind = "logfmt"\nignore = ["(#"]\n[formats.own.time]\nfield = "ts"\n',
        "formats.own.ignore[0]", ("(#", "regular expression"),
    ),
    "unknown-kind": (CONFIG + '[formats.own]\nkind = "logfnt"\n', "formats.own.kind", ("logfnt", "logfmt")),
    "bad-format-zone": (
        CONFIG + '[formats.own]\nkind = "logfmt"\n[formats.own.time]\nfield = "ts"\nzone = "Mars"\n',
        "formats.own.time.zone", ("Mars", "Europe/Brussels"),
    ),
    "misspelt-in-a-format": (
        CONFIG + '[formats.own]\nkind = "logfmt"\nignor = []\n', "formats.own.ignor", ('mean "ignore"',)
    ),
    "unknown-mark": (
        CONFIG + '[formats.own]\nkind = "logfmt"\n[formats.own.time]\nfield = "ts"\nmarks = "middle"\n',
        "formats.own.time.marks", ("middle", 'Write "start" or "end"'),
    ),
    "unknown-class": (CONFIG + '[[codes]]\ncode = "X"\nclass = "bad"\n', "codes[0].class", ("bad", "technical")),
}  # fmt: skip


NO_TOML = {"lines.toml": b"ts=1 op=x\n", "open.toml": b'[site\nname = "x"', "bytes.toml": b"\xff\xfe\x00"}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("command", ["check", "logwatch"])
def test_what_is_wrong_is_told_with_place_and_mend(
    fault: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, place, words = WRONG[fault]
    file = tmp_path / f"{fault}.toml"
    file.write_text(text)
    answer = ask(capsys, command, "--config", str(file))
    assert answer.code == 2
    assert answer.out == ""
    assert answer.line.startswith(f"{file}: {place}: "), answer.line
    for word in words:
        assert word in answer.line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["check", "run", "logwatch", "collector", "dashboard"])
def test_no_such_file(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, command, "--config", str(tmp_path / "none.toml"))
    assert answer.code == 2
    assert answer.line.startswith(f"{tmp_path / 'none.toml'}: there is no such file")
    assert "--config" in answer.line


def test_no_toml_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (
        ("lines.toml", b"ts=1 op=x\n"),
        ("open.toml", b'[site\nname = "x"'),
        ("bytes.toml", b"\xff\xfe\x00"),
    ):
        (tmp_path / name).write_bytes(content)
        answer = ask(capsys, "check", "--config", str(tmp_path / name))
        assert answer.code == 2
        assert answer.line.startswith(f"{tmp_path / name}: ")
        assert "TOML" in answer.line


def test_a_directory_is_no_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, "check", "--config", str(tmp_path))
    assert answer.code == 2
    assert answer.line.startswith(f"{tmp_path}: ")
    assert "directory" in answer.line.lower()
    assert "Errno" not in answer.line


def test_nothing_to_watch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pharmapulse.toml"
    file.write_text("\n".join(CONFIG.splitlines()[:3]))
    answer = ask(capsys, "logwatch", "--once", "--config", str(file))
    assert answer.code == 2
    assert "sources" in answer.line
    assert "[[sources]]" in answer.line


def test_run_stops_where_nothing_can_be_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pharmapulse.toml"
    file.write_text(CONFIG.replace('data = "data"', 'data = "/proc/nowhere"'))
    answer = ask(capsys, "run", "--config", str(file), "--port", "8399")
    assert (answer.code, answer.line) == (1, "/proc/nowhere: No such file or directory")
