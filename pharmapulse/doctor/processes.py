"""The processes: whether the collector is up to date, and what each says of itself."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Sequence

from collector.metrics import STALE_SECONDS
from domain.batch import Heartbeat
from domain.errors import LiveUnavailableError
from domain.health import Report, decode_report
from pharmapulse import wiring
from pharmapulse.config import Config
from pharmapulse.doctor.finding import Finding, House, fail, ok, several, span, warn
from pharmapulse.places import OFFSETS

COLLECTOR, HEALTH = "collector", "processes"
_ANY = ("0.0.0.0", "::", "")  # noqa: S104 (compared, not listened on)
_TIMEOUT_SECONDS = 3.0


def check_collector(house: House) -> Iterable[Finding]:
    """The collector's watermark, and who holds it back."""
    start = f"pharmapulse run --config {house.file}, or: systemctl restart pharmapulse-collector"
    if not house.places.ledger.exists():
        yield warn(COLLECTOR, "no collector has run here yet", start)
        return
    clock = wiring.clock(house.config)[0]
    try:
        live = wiring.live(house.config)
        mark, beats = live.complete_up_to(), live.sources()
    except LiveUnavailableError as error:
        yield fail(COLLECTOR, str(error), start)
        return
    yield judged(mark, beats, clock.now())


def judged(mark: float | None, beats: Sequence[Heartbeat], now: float) -> Finding:
    """Whether a watermark is fresh, and if not, whose doing that is."""
    late = [
        f"{beat.agent}/{source.source}" if now - beat.at <= STALE_SECONDS else f"{beat.agent} (silent)"
        for beat in beats
        for source in beat.sources
        if source.watermark is None or now - source.watermark > STALE_SECONDS
    ]
    whose = f": {', '.join(dict.fromkeys(late))}" if late else ""
    mend = "Start the log watchers that are named; one that is retired: docs/data.md"
    if mark is None:
        return fail(COLLECTOR, f"answers, and nothing is complete yet{whose or ': no log watcher was heard'}", mend)
    if now - mark > STALE_SECONDS:
        return fail(COLLECTOR, f"complete only up to {span(now - mark)} ago{whose}", mend)
    return ok(COLLECTOR, f"complete up to {now - mark:.0f} s ago; {several(len(beats), 'log watcher')} heard")


def check_health(house: House) -> Iterable[Finding]:
    """What each process that this configuration has says of itself."""
    silent = []
    for process, (address, port) in expected(house.config).items():
        report, problem = ask(address, port)
        if problem == "refused":
            silent.append(f"{process} ({port})")
        elif report is None or report.process != process:
            other = problem or f"is {report.process if report else 'no process of ours'}"
            yield fail(HEALTH, f"{process}: what listens on port {port} {other}",
                       f"Stop it (ss -ltnp 'sport = :{port}'), or choose another web.port")  # fmt: skip
        else:
            yield told(report, port)
    if silent:
        yield warn(HEALTH, f"not running here: {', '.join(silent)}", f"pharmapulse run --config {house.file}")


def expected(config: Config) -> dict[str, tuple[str, int]]:
    """The processes of a configuration, and where each answers."""
    settings = config.settings
    listens = {"dashboard": settings.web.listen, "status-page": settings.status.listen,
               "deferred": settings.deferred.listen}  # fmt: skip
    without = {"logwatch": not settings.sources, "deferred": not settings.deferred.targets}
    return {
        process: ("127.0.0.1" if listens.get(process, "") in _ANY else listens[process], settings.web.port + offset)
        for process, offset in OFFSETS.items()
        if not without.get(process, False)
    }


def ask(address: str, port: int) -> tuple[Report | None, str]:
    """What a process reports at `/readyz`; else what is wrong with the answer, "refused" where nobody listens."""
    connection = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"127.0.0.1:{port}"})
        response = connection.getresponse()
        return decode_report(response.read(1 << 20)), ""
    except ConnectionRefusedError:
        return None, "refused"
    except (OSError, http.client.HTTPException) as error:
        return None, f"does not answer: {error}"
    finally:
        connection.close()


def told(report: Report, port: int) -> Finding:
    """A process's own report as a finding."""
    if report.status == "ok":
        return ok(HEALTH, f"{report.process} ({port}) is ready")
    bad = "; ".join(f"{check.name}: {check.reason}" for check in report.checks if not check.ok)
    return fail(HEALTH, f"{report.process} ({port}) does not do its work: {bad or 'it says no more from here'}",
                "Mend what it names; its log tells more: journalctl -u pharmapulse*")  # fmt: skip
