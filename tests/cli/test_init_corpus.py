"""`init` on real logs of others: what is proposed is loaded, its examples hold, and it reads the lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.codes import SHIPPED
from domain.redact import has_patient
from logwatch.examples import failures
from logwatch.line_at import first_lines
from logwatch.propose.proposal import LOOK_LINES, fit_of
from pharmapulse.config import load
from tests.cli.call import ask
from tests.logwatch.some import NOW

CORPUS = Path(os.environ.get("PHARMAPULSE_CORPUS") or Path(__file__).resolve().parents[3] / "shared") / "logs"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the real logs are not at {CORPUS}"),
]
# A log, the format that is proposed ("" for one of its own), and keys that it must give.
LOGS: tuple[tuple[str, str, set[str]], ...] = (
    ("access-apache/filebeat/apache/access/test.log", "access", {"endpoint", "code"}),
    ("access-haproxy/nagiosplugin/haproxy.log", "haproxy-http", {"endpoint", "code", "duration", "hub"}),
    ("access-iis/filebeat/iis/access/test.log", "iis", {"endpoint", "code", "duration"}),
    ("access-proxies/lnav/logfile_cloudflare.1", "", {"endpoint", "code"}),
    ("app-java/elastic-examples-kafka0/server.log", "kafka", {"endpoint"}),
    ("app-json/filebeat/kibana/log/log.624.log", "kibana", {"endpoint", "code", "duration"}),
    ("app-json/hl/cafe.log", "", {"endpoint", "code"}),
    ("app-json/hl/kitchen-sink.log", "", set()),
    ("app-logfmt/loki-drain/agent-logfmt.txt", "", {"endpoint", "duration"}),
    ("app-logfmt/loki-drain/ingester-logfmt.txt", "", set()),
    ("edge-cases/ops-agent/parse_regex_complex/input.log", "", set()),
    ("faults-trainticket/2023-01-29/08_43_trace.csv.gz", "", {"endpoint", "duration", "server"}),
    ("traffic/splunk-tutorial-8days/vendor_sales_vendor_sales.log.gz", "", {"code"}),
)


@pytest.mark.parametrize(("log", "form", "keys"), LOGS, ids=[log for log, _, _ in LOGS])
def test_a_real_log(log: str, form: str, keys: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (CORPUS / log).is_file():
        pytest.skip(f"{log} is not among the real logs here")
    out = tmp_path / "pharmapulse.toml"
    assert ask(capsys, "init", str(CORPUS / log), "--out", str(out)).code == 0
    assert not has_patient(out.read_text())
    config = load(out)
    (source,) = config.settings.sources
    assert source.format == (form or source.name)
    assert not failures(config.formats[source.format], SHIPPED, source.format, NOW)
    answer = ask(capsys, "check", "--config", str(out))
    assert answer.code == 0, answer.out
    lines = first_lines(CORPUS / log).decode("utf-8", "replace").split("\n")[:LOOK_LINES]
    fit = fit_of(config.formats[source.format], lines, NOW)
    assert fit.explained > 0.85
    assert keys <= fit.keys
