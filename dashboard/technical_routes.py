"""The pages of technical figures: all of them, and one with its chart."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from dashboard import here
from dashboard.pages import common
from dashboard.technical import figure
from dashboard.windows import CHOICES, asked_window
from domain.series import FAMILIES, SeriesKey


def blueprint() -> Blueprint:
    """The pages of figures."""
    pages = Blueprint("figures", __name__)

    @pages.get("/figures")
    def figures() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        return render_template("figures.html", keys=site.keys(snapshot, "value"), **common(site, snapshot))

    @pages.get("/figure/<endpoint:path>")
    def of_one(path: str) -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        key = site.keys(snapshot, "value").get(path)
        if key is None:
            abort(404, f"No figure “{path}” has been seen in the logs.")
        window = asked_window(request.args.to_dict(), snapshot.now, site.zone)
        step = window.resolution(FAMILIES["value"], snapshot.now)
        rows = snapshot.read(SeriesKey("value", key), step, window.start, window.end)
        page = figure(key, rows, window, site.zone, snapshot.now)
        return render_template(
            "figure.html", page=page, window=window, choices=CHOICES, address=f"/api/v1/series/value/{path}",
            **common(site, snapshot),
        )  # fmt: skip

    return pages
