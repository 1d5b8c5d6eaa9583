"""The command line called as `main` calls it, within the test's own process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pharmapulse.cli import call

LINE = "ts=2026-11-22T10:36:12.123+01:00 server=dpp-02 op=tip.registerData apb=00012371 code=TIP_200 dt=87\n"

CONFIG = """\
[site]
name = "Our site"
data = "data"
[[sources]]
name = "calls"
paths = ["calls.log*"]
format = "hub-calls"
hub = "dpp"
"""


@dataclass(frozen=True)
class Answer:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line that it said on standard error."""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("pharmapulse: "), self.err
        return self.err.removeprefix("pharmapulse: ").rstrip("\n")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """Call `pharmapulse ARGUMENTS`."""
    try:
        code = call(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    told = capsys.readouterr()
    assert "Traceback" not in told.err + told.out
    return Answer(code, told.out, told.err)
