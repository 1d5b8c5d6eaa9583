"""The first page's model: every hub judged, the endpoints in trouble, and the answer as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.judge import Level, Minutes, State, failing_since, judge
from alerts.measure import judged_span, last_minutes
from dashboard import few
from dashboard import incidents as told
from dashboard.answer import Answer, Cause, Judged, compose, explaining, focus, worst_first
from dashboard.breakdown import Part, true_parts
from dashboard.data import Snapshot
from dashboard.few import shown_line, shown_minutes, shown_state
from dashboard.incidents import Row
from dashboard.lines import as_line, thin
from dashboard.names import Names
from dashboard.spark import Spark, spark
from dashboard.windows import Window, named_window
from domain import figures
from domain.incident import Incident
from domain.series import Key, SeriesKey

_LOOK_BACK = 86_400
_SPARK_STEP, _SPARK_POINTS = 300, 96


@dataclass(frozen=True, slots=True)
class HubRow:
    """A hub in the table; the number of the incident that lasts at it, 0 where none does."""

    key: str
    name: str
    does: str
    state: State
    minutes: Minutes
    spark: Spark
    incident: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """An endpoint that is not as usual."""

    judged: Judged
    minutes: Minutes
    incident: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """All of the first page. `lasting` are the incidents beside the one that the answer tells of."""

    answer: Answer
    hubs: tuple[HubRow, ...]
    troubles: tuple[Trouble, ...]
    lasting: tuple[Row, ...]


def overview(snapshot: Snapshot, names: Names, incidents: Sequence[Incident] = ()) -> Overview:
    """Judge every hub and endpoint and say what matters, in the words of the incidents of the last hours."""
    today = named_window("today", snapshot.now, snapshot.zone)
    hubs = tuple(
        _hub_row(snapshot, names, key[0], today, incidents)
        for key in sorted(snapshot.keys("hub"), key=lambda key: names.hub_order(key[0]))
    )
    endpoints = judged_endpoints(snapshot, names, snapshot.keys("endpoint"), incidents)
    judged = [Judged(row.key, row.name, "", row.state) for row in hubs]
    judged += [one.judged for one in endpoints.values()]
    about = focus(judged)
    cause = _cause(snapshot, names, about) if about is not None else None
    troubles = [endpoints[one.hub, one.endpoint] for one in worst_first(judged) if one.endpoint]
    number = told.number_at(incidents, about.hub, about.endpoint) if about is not None else 0
    incident = next((told.told(one, snapshot.zone, snapshot.now) for one in incidents if one.id == number), None)
    others = [one for one in told.lasting_first(incidents) if one.state in told.TOLD and one.id != number]
    rows = tuple(told.row(one, names, snapshot.zone, snapshot.now) for one in others)
    return Overview(compose(judged, about, cause, len(hubs), incident), hubs, tuple(troubles), rows)


def judged_endpoints(
    snapshot: Snapshot, names: Names, keys: tuple[Key, ...], incidents: Sequence[Incident] = ()
) -> dict[Key, Trouble]:
    """Each endpoint with its state now."""
    snapshot.open_rows("endpoint", 60)  # one question for all of them
    found = {}
    for key in keys:
        seen = last_minutes(snapshot, SeriesKey("endpoint", key))
        hub, endpoint = key
        state = shown_state(judge(seen, snapshot.bounds), seen, snapshot.least)
        state = told.settled(state, hub, endpoint, incidents, snapshot.complete_up_to)
        number = told.number_at(incidents, hub, endpoint)
        found[key] = Trouble(Judged(hub, names.hub(hub), endpoint, state), shown_minutes(seen, snapshot.least), number)
    return found


def _hub_row(
    snapshot: Snapshot, names: Names, hub: str, today: Window, incidents: Sequence[Incident]
) -> HubRow:  # fmt: skip
    series = SeriesKey("hub", (hub,))
    seen = last_minutes(snapshot, series)
    now = snapshot.read(series, _SPARK_STEP, today.start, today.end)
    week = snapshot.compared_rows(series, _SPARK_STEP, now.start, now.end, "last week")
    lines = [shown_line(thin(as_line(rows, snapshot.zone), _SPARK_POINTS), snapshot.least) for rows in (now, week)]
    state = shown_state(judge(seen, snapshot.bounds), seen, snapshot.least)
    state = told.settled(state, hub, "", incidents, snapshot.complete_up_to)
    number, shown = told.number_at(incidents, hub), shown_minutes(seen, snapshot.least)
    drawn = spark(lines[0], lines[1], today)
    return HubRow(hub, names.hub(hub), names.does(hub), state, shown, drawn, number)


def _cause(snapshot: Snapshot, names: Names, about: Judged) -> Cause | None:
    """Since when the failures last, which vendor and which code explain them. None where nothing fails."""
    span = judged_span(snapshot, "endpoint")
    if span is None or about.state.level not in (Level.FAILING, Level.SOME):
        return None
    step, _, end = span
    series = SeriesKey("endpoint", (about.hub, about.endpoint)) if about.endpoint else SeriesKey("hub", (about.hub,))
    rows = snapshot.read(series, step, end - _LOOK_BACK, end)
    since = failing_since(rows, about.state.level, snapshot.bounds)
    if since is None:
        return None
    window = Window("since", "", since, end)
    crossed = [
        key
        for key in snapshot.keys("endpoint_vendor")
        if key[0] == about.hub and about.endpoint in ("", key[1])
    ]  # fmt: skip
    snapshot.open_rows("endpoint_vendor", step)
    vendors = true_parts(snapshot, "endpoint_vendor", crossed, window, by=(2,))
    vendor, alike = explaining(vendors)
    codes = true_parts(snapshot, "code", [key for key in snapshot.keys("code") if key[0] == about.hub], window, by=(1,))
    code = _main_code(codes)
    return Cause(
        since=("at least " if since < end - _LOOK_BACK + 2 * step else "")
        + figures.moment(since, snapshot.zone, snapshot.now),
        failed=few.told(sum(part.technical for part in vendors), snapshot.least),
        vendor=vendor.key[0] if vendor else "",
        vendor_share=_share_told(vendor, snapshot.least) if vendor else float("nan"),
        vendors_alike=alike,
        code=code,
        side=names.code(code).side if code else "",
    )


def _share_told(vendor: Part, least: int) -> float:
    return figures.FEW if few.is_few(vendor.technical, least) else vendor.of_failures


def _main_code(codes: tuple[Part, ...]) -> str:
    """The code of most of the hub's technical failures; "" where none stands out."""
    return codes[0].key[0] if codes and codes[0].of_failures >= 0.5 else ""
