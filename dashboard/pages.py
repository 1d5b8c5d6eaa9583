"""The pages for people: addresses in, HTML out. What they show is decided in overview, subject and lists."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.routing import PathConverter
from werkzeug.wrappers import Response as AnyResponse

from dashboard import here
from dashboard.data import Snapshot
from dashboard.lists import busiest_pharmacies, pharmacy_page, vendor_rows
from dashboard.recent import overview_now
from dashboard.site import Site
from dashboard.subject import Subject, page_model
from dashboard.windows import CHOICES, Window, asked_window
from domain import figures
from domain.series import FAMILIES, SeriesKey

_DOTS = re.compile(r"(?<![^/])(\.{1,2})(?![^/])")
_HIDDEN_DOTS = re.compile(r"(?<![^/])((?:%2E){1,2})(?![^/])")


class EndpointConverter(PathConverter):
    """An endpoint, or another name out of a log, inside an address.

    Browsers resolve `.` and `..` between slashes, so these travel hidden.
    """

    def to_url(self, value: object) -> str:
        """The name as a path."""
        hidden = _DOTS.sub(lambda match: match[1].replace(".", "%2E"), str(value))
        return quote(hidden, safe="/:@!$&'()*+,;=~")

    def to_python(self, value: str) -> str:
        """The name of a path."""
        return _HIDDEN_DOTS.sub(lambda match: match[1].replace("%2E", "."), value)


def blueprint() -> Blueprint:
    """All pages."""
    pages = Blueprint("pages", __name__)

    @pages.record_once
    def add_converter(state: object) -> None:
        state.app.url_map.converters["endpoint"] = EndpointConverter  # type: ignore[attr-defined] # BlueprintSetupState

    def window_of(site: Site, snapshot: Snapshot) -> Window:
        return asked_window(request.args.to_dict(), snapshot.now, site.zone)

    def show(site: Site, subject: Subject, snapshot: Snapshot, template: str = "subject.html") -> str:
        window = window_of(site, snapshot)
        model = page_model(site, snapshot, subject, window)
        return render_template(
            template, page=model, subject=subject, window=window, choices=CHOICES,
            first=_local_input(window.start, site), last=_local_input(min(window.end, int(snapshot.now)), site),
            data_url=data_url(subject.series, window), **common(site, snapshot),
        )  # fmt: skip

    def known(site: Site, snapshot: Snapshot, family: str, *key: str) -> SeriesKey:
        series = SeriesKey(family, key)
        if not site.knows(snapshot, series):
            what = FAMILIES[family].dimensions[-1]
            abort(404, f"No {what} “{key[-1]}” has been seen in the logs.")
        return series

    @pages.get("/")
    def now() -> str | AnyResponse:
        site = here.site()
        scope = site.view.scope
        if not (scope.everything or scope.hubs) and scope.vendors:
            return redirect(url_for("pages.vendors"))  # no hub is theirs to see: this is their first page
        snapshot = site.reader.snapshot()
        return render_template("overview.html", page=overview_now(site, snapshot), **common(site, snapshot))

    @pages.get("/hub/<hub>")
    def hub(hub: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        series = known(site, snapshot, "hub", hub)
        return show(site, Subject(series, site.names.hub(hub), site.names.does(hub)), snapshot)

    @pages.get("/hub/<hub>/endpoint/<endpoint:name>")
    def endpoint(hub: str, name: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        vendor = request.args.get("vendor", "")
        if vendor:
            # Looked for by itself: a vendor's partner reads what it sends to an endpoint, and not the whole of that.
            series = known(site, snapshot, "endpoint_vendor", hub, name, vendor)
            return show(site, Subject(series, f"{name}, {vendor}", site.names.hub(hub)), snapshot)
        series = known(site, snapshot, "endpoint", hub, name)
        return show(site, Subject(series, name, site.names.hub(hub)), snapshot)

    @pages.get("/vendors")
    def vendors() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        rows = site.models.get(("vendors", site.stamp(snapshot, 60)), lambda: vendor_rows(snapshot))
        return render_template("vendors.html", rows=rows, **common(site, snapshot))

    @pages.get("/vendor/<endpoint:vendor>")
    def vendor(vendor: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        return show(site, Subject(known(site, snapshot, "vendor", vendor), vendor, "software"), snapshot)

    @pages.get("/pharmacies")
    def pharmacies() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        query, page = request.args.get("q", "").strip()[:40], request.args.get("page", 1, type=int)
        found = site.models.get(
            ("pharmacies", query, page, site.stamp(snapshot, 300)),
            lambda: pharmacy_page(snapshot, tuple(site.keys(snapshot, "pharmacy").values()), query, page),
        )
        busiest = site.models.get(("busiest", site.stamp(snapshot, 30)), lambda: busiest_pharmacies(snapshot))
        return render_template("pharmacies.html", found=found, query=query, busiest=busiest, **common(site, snapshot))

    @pages.get("/pharmacy/<pharmacy>")
    def pharmacy(pharmacy: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        series = known(site, snapshot, "pharmacy", pharmacy)
        return show(site, Subject(series, f"Pharmacy {pharmacy}", site.names.pharmacy_place(pharmacy)), snapshot)

    @pages.get("/favicon.ico")
    def favicon() -> Response:
        return Response(status=302, headers={"Location": url_for("static", filename="icon.svg")})

    return pages


def common(site: Site, snapshot: Snapshot) -> dict[str, object]:
    """What the frame of every page shows."""
    complete = snapshot.complete_up_to
    return {
        "newest_entry": site.newest_entry,
        "complete": None if complete is None else _complete(complete, snapshot),
        "live_answers": snapshot.live_answers,
        "history": site.history(),
        "kept": _kept_range(),
    }


def _complete(time: float, snapshot: Snapshot) -> str:
    """`10:42:10`, with the day where it is not today's."""
    text = figures.clock_time(time, snapshot.zone)
    day, today = (figures.day(when, snapshot.zone, snapshot.now) for when in (time, snapshot.now))
    return text if day == today else f"{text} on {day}"


def _kept_range() -> dict[str, str]:
    """The range of this page, for its links further down."""
    return {name: request.args[name] for name in ("range", "from", "to") if request.args.get(name)}


def _local_input(time: int, site: Site) -> str:
    """A time as an input of type datetime-local wants it."""
    return f"{datetime.fromtimestamp(time, site.zone):%Y-%m-%dT%H:%M}"


def data_url(series: SeriesKey, window: Window) -> str:
    """Where the page's script reads the figures under the pointer."""
    asked = {"from": str(window.start), "to": str(window.end)}
    compare = ",".join(name.removeprefix("last ") for name in window.comparisons)
    path = url_for("api.series", family=series.family, path="/".join(series.key))
    return f"{path}?{urlencode({**asked, 'compare': compare})}"
