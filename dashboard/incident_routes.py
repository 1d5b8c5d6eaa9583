"""The pages of incidents and restarts, and what one may do there: take an incident up, and add a note to it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from alerts.lifecycle import acknowledged, moved, was_told
from dashboard import here
from dashboard.access.gate import note as audit
from dashboard.incident_page import incident_page, subject_of, window_around
from dashboard.incidents import LISTED_DAYS, Row, lasting_first, row
from dashboard.pages import common, data_url
from dashboard.recent import MOST, recent
from dashboard.restarts import restarts_page
from dashboard.site import Site
from domain.access import Who
from domain.deferred import QueueStatus
from domain.errors import UsageError
from domain.incident import Incident, JournalEntry, Telling
from domain.redact import has_patient
from domain.series import DAY
from domain.settings import Target

LONGEST_NOTE = 2_000
_SHOWN = 100
_LARGEST = 2**31 - 1  # of a number that a database can be asked for
_SAID = {
    "taken": "You took it up. Everybody sees so.",
    "noted": "The note is in the journal.",
    "late": "It changed meanwhile: this is how it stands now.",
}


def blueprint() -> Blueprint:
    """All pages of incidents and restarts."""
    pages = Blueprint("incidents", __name__)

    @pages.get("/incidents")
    def incidents() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        found = recent(site, snapshot, int(snapshot.now // DAY - LISTED_DAYS) * DAY)
        rows = [row(one, site.names, site.zone, snapshot.now) for one in lasting_first(found) if _listed(one)]
        lasting, past = [one for one in rows if one.is_open], [one for one in rows if not one.is_open]
        unfinished = () if site.restarts is None else site.restarts.unfinished()
        return render_template(
            "incidents.html", sentence=list_sentence(lasting), lasting=lasting, days=LISTED_DAYS,
            past=past[:_SHOWN], cut=len(past) > _SHOWN, restarts=len(unfinished),
            **common(site, snapshot),
        )  # fmt: skip

    @pages.get("/incident/<int:number>")
    def incident(number: int) -> str:
        site = here.site()
        found = known(site, number)
        snapshot = site.reader.snapshot()
        subject = subject_of(site, found)
        window = window_around(found, snapshot.now)
        who = here.who()
        return render_template(
            "incident.html", row=row(found, site.names, site.zone, snapshot.now), subject=subject, window=window,
            page=incident_page(site, snapshot, found, journal_for(site, found), tellings_for(site, found)),
            place_url=_place(found),
            may_change=who is not None and who.may_change, longest=LONGEST_NOTE,
            said=_SAID.get(request.args.get("said", "")),
            data_url="" if found.is_of_source else data_url(subject.series, window),
            **common(site, snapshot),
        )  # fmt: skip

    @pages.post("/incident/<int:number>/take")
    def take(number: int) -> AnyResponse:
        who, site = _changing()
        found = known(site, number)
        if found.state == "acknowledged":
            return _back(number, "taken" if found.acknowledged_by == who.name else "late")
        now = site.clock.now()
        kept = site.incidents.keep(acknowledged(found, who.name, now), found, "acknowledged", who.name, "", now)
        if kept is not None:
            audit("took up an incident", str(number), who.name)
        return _back(number, "late" if kept is None else "taken")

    @pages.post("/incident/<int:number>/note")
    def note(number: int) -> AnyResponse:
        who, site = _changing()
        found = known(site, number)
        text = checked_note(request.form.get("text", ""))
        now = site.clock.now()
        kept = site.incidents.keep(moved(found, "noted", now), found, "noted", who.name, text, now)
        if kept is not None:
            audit("noted at an incident", str(number), who.name)
        return _back(number, "late" if kept is None else "noted")

    @pages.get("/restarts")
    def restarts() -> str:
        site = here.site()
        snapshot = site.reader.snapshot()
        since = snapshot.now - LISTED_DAYS * DAY
        unfinished = () if site.restarts is None else site.restarts.unfinished()
        past = () if site.restarts is None else site.restarts.restarts(since, MOST)
        model = restarts_page(unfinished, past, queues_of(site), site.names, site.zone, snapshot.now, site.view.least)
        return render_template("restarts.html", page=model, days=LISTED_DAYS, **common(site, snapshot))

    return pages


def known(site: Site, number: int) -> Incident:
    """The incident of a number, where this view may see it; else a 404."""
    found = site.incidents.incident(number) if number <= _LARGEST else None
    if found is None:
        abort(404, f"There is no incident {number}.")
    return found


def journal_for(site: Site, incident: Incident) -> Sequence[JournalEntry]:
    """Its journal. Notes are what ops write for each other: partners are not shown them."""
    who = here.who()
    entries = site.incidents.journal(incident.id)
    if who is not None and who.role == "partner":
        return [entry for entry in entries if entry.event != "noted"]
    return entries


def tellings_for(site: Site, incident: Incident) -> Sequence[Telling]:
    """Who was told of it: names for ops only."""
    who = here.who()
    return () if who is None or who.role == "partner" else site.incidents.tellings(incident.id)


def queues_of(site: Site) -> Sequence[tuple[QueueStatus, Target]]:
    """How the queues stand of the targets whose hubs this view may see. Raises StoreError."""
    targets = {target.name: target for target in site.settings.deferred.targets}
    scope = site.view.scope
    return [
        (status, targets[status.target])
        for status in site.queues()
        if status.target in targets and scope.allows_hub(targets[status.target].hub)
    ]


def list_sentence(lasting: Sequence[Row]) -> str:
    """What the list says first."""
    firing = [one for one in lasting if one.word != "suspected"]
    if not firing:
        return "No incident lasts."
    if len(firing) == 1:
        by = f"{firing[0].by} took it up" if firing[0].by else "nobody took it up yet"
        return f"{firing[0].headline} since {firing[0].since}; {by}."
    alone = sum(1 for one in firing if not one.by)
    if not alone:
        return f"{len(firing)} incidents last; every one is taken up."
    return f"{len(firing)} incidents last; nobody took up {'any' if alone == len(firing) else alone} of them."


def checked_note(text: str) -> str:
    """A note as it may be kept. Raises UsageError."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise UsageError("the note is empty")
    if len(text) > LONGEST_NOTE:
        raise UsageError(f"the note has {len(text):,} characters, and at most {LONGEST_NOTE:,} are kept")
    if has_patient(text):
        raise UsageError("the note holds a patient's number; write it without")
    return text


def _place(incident: Incident) -> str:
    """The page of its measuring point, or of its source."""
    if incident.is_of_source:
        agent, _, source = incident.endpoint.partition("/")
        return url_for("sources.of_one", agent=agent, source=source)
    if incident.endpoint:
        return url_for("pages.endpoint", hub=incident.hub, name=incident.endpoint)
    return url_for("pages.hub", hub=incident.hub)


def _listed(incident: Incident) -> bool:
    """A suspicion that came to nothing is no incident to read about."""
    return incident.is_open or was_told(incident)


def _changing() -> tuple[Who, Site]:
    """Who makes a change, and the site in their view; a 403 for whoever only reads."""
    who = here.who()
    if who is None or not who.may_change:
        abort(403, "This account reads; changes are made by ops.")
    return who, here.site()


def _back(number: int, said: str) -> Response | AnyResponse:
    return redirect(url_for("incidents.incident", number=number, said=said), 303)
