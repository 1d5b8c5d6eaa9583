"""`pharmapulse logwatch`: watch the log files of a configuration."""

from __future__ import annotations

import argparse
import sys
from zoneinfo import ZoneInfo

from logwatch.status import encode
from pharmapulse import by_hand, wiring
from pharmapulse.config import Config
from pharmapulse.logwatch_status import in_words, status_of
from pharmapulse.options import add_config, add_once, config_of
from pharmapulse.process import allow_many_files, begin, stop_event

EPILOG = """\
examples:
  pharmapulse logwatch --config pharmapulse.toml
  pharmapulse logwatch --config pharmapulse.toml --once
  pharmapulse logwatch --config pharmapulse.toml --status
  pharmapulse logwatch --config pharmapulse.toml --status --json
  pharmapulse logwatch export --config pharmapulse.toml --to /media/stick
  pharmapulse logwatch export --config pharmapulse.toml --to /srv/mail/out --most-bytes 10000000
  pharmapulse logwatch receipt /media/stick/receipt.json --config pharmapulse.toml
  pharmapulse logwatch export --config pharmapulse.toml --to /media/stick --again

--status tells where every line went, from the log watcher that runs or from what it kept, and exits with 1 while
anything is amiss.
export writes what waits into bundles, which somebody carries to the collector (pharmapulse collector import), also
beside the log watcher that runs; receipt takes note of what arrived there.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the command takes."""
    parser.add_argument("action", nargs="?", choices=("export", "receipt"), help="what to do instead of watching")
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help="receipt: what collector import wrote")
    add_config(parser)
    add_once(parser, "read what is there to its end, hand it over and stop")
    parser.add_argument("--status", action="store_true", help="tell where every line went, and what is amiss")
    parser.add_argument("--to", default="", metavar="DIR", help="export: where bundles are put, or one file (.ppx)")
    parser.add_argument(
        "--most-bytes", type=int, default=by_hand.MOST_BYTES, metavar="N", help="export: no larger bundles (1 GiB)"
    )
    parser.add_argument("--again", action="store_true", help="export: also what no receipt has confirmed")
    parser.add_argument("--json", action="store_true", help="write what a machine reads")


def run(options: argparse.Namespace) -> int:
    """Watch until stopped, or tell how the watching goes."""
    if options.status:
        return _status(config_of(options), as_json=options.json)
    begin("logwatch")
    allow_many_files()
    config = config_of(options)
    if options.action:
        return by_hand.export(options, config) if options.action == "export" else by_hand.receipt(options, config)
    running = wiring.agent(config)
    try:
        if options.once:
            running.agent.drain()
        else:
            stop = stop_event()
            with wiring.agent_health(config, running):
                running.agent.run(running.waker, stop.is_set)
    finally:
        running.close()
    return 0


def _status(config: Config, *, as_json: bool) -> int:
    status = status_of(config)
    if as_json:
        sys.stdout.write(f"{encode(status).decode()}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in in_words(status, ZoneInfo(config.settings.site.zone)))
    return 1 if status.amiss else 0
