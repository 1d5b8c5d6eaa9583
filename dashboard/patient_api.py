"""How many distinct patients the hubs see, for ops' machines."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from dashboard import here
from dashboard.guard import json_answer, problem
from dashboard.windows import asked_window
from domain.errors import LiveUnavailableError, UsageError

_MOST_SECONDS = 25 * 3_600  # the longest day


def add_to(api: Blueprint) -> None:
    """Add the address."""

    @api.get("/api/v1/patients")
    def patients() -> Response:
        site = here.site()
        if site.view.least:
            abort(403, "Patients are counted for ops.")
        window = asked_window(request.args.to_dict(), site.clock.now(), site.zone)
        if window.seconds > _MOST_SECONDS:
            raise UsageError("patients are counted for at most a day at once: ask day by day")
        try:
            hours = site.live.patients(window.start, window.end)
        except LiveUnavailableError as error:
            return problem(503, str(error))
        return json_answer({"from": window.start, "to": window.end, "hours": list(hours)})
