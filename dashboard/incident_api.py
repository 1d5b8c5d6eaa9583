"""Incidents and restarts for machines, and what open pages ask for that hold no stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from flask import Blueprint, Response, request

from alerts.lifecycle import was_told
from dashboard import here
from dashboard.few import is_few
from dashboard.guard import json_answer
from dashboard.incident_routes import journal_for, known, queues_of, tellings_for
from dashboard.incidents import LISTED_DAYS, as_json
from dashboard.news import News, newest_turns, news_of, news_since
from dashboard.recent import MOST, recent
from dashboard.restarts import about_done, lately, restart_json
from dashboard.site import Site
from dashboard.stream import Tell
from domain.errors import UsageError
from domain.series import DAY

_LONGEST_DAYS = 425


def add_to(api: Blueprint) -> None:
    """Add the addresses."""

    @api.get("/api/v1/incidents")
    def incidents() -> Response:
        site = here.site()
        snapshot = site.reader.snapshot()
        since = int(snapshot.now - _days() * DAY) // 60 * 60
        found = [one for one in recent(site, snapshot, since) if one.is_open or was_told(one)]
        rows = [as_json(one, site.names) for one in found]
        return json_answer({"since": since, "more": len(found) >= MOST, "incidents": rows})

    @api.get("/api/v1/incidents/<int:number>")
    def incident(number: int) -> Response:
        site = here.site()
        found = known(site, number)
        journal = journal_for(site, found)
        tellings = tellings_for(site, found)
        told = [
            {"entry": one.id, "at": one.at, "event": one.event, "by": one.by, "text": one.text,
             "told": [asdict(telling) for telling in tellings if telling.entry == one.id]}
            for one in journal
        ]  # fmt: skip
        turns = newest_turns(journal) or journal[-1:]
        news = news_of(turns[-1], found, site.names, site.zone, site.clock.now()) if turns else None
        return json_answer({**as_json(found, site.names), "journal": told, "news": news})

    @api.get("/api/v1/news")
    def news() -> Response:
        site = here.site()
        after = heard_up_to()
        newest = site.incidents.last_entry()
        told = news_for(site)(after) if after is not None else ()
        return json_answer({"entry": max([newest, *(one.entry for one in told)]), "news": list(told)})

    @api.get("/api/v1/restarts")
    def restarts() -> Response:
        site = here.site()
        now = site.clock.now()
        least = site.view.least

        def count(value: int) -> int | None:
            return None if is_few(value, least) else value

        found = {}
        if site.restarts is not None:
            found = {one.id: one for one in site.restarts.restarts(now - _days() * DAY, MOST)}
            found |= {one.id: one for one in site.restarts.unfinished()}
        queues = [
            {"target": status.target, "hub": target.hub, "held": status.held, "oldest": status.oldest,
             "waiting": count(status.waiting), "delivered": count(status.delivered), "dead": count(status.dead),
             "rate_per_second": None if is_few(lately(status), least) else status.rate,
             "about_done": about_done(status, target, now, least)}
            for status, target in queues_of(site)
        ]  # fmt: skip
        return json_answer({"restarts": [restart_json(one) for one in found.values()], "queues": queues})


def heard_up_to() -> int | None:
    """The journal entry up to which the asking page heard of incidents; None where it does not say."""
    # A browser that opens a broken stream again says what it heard last; the address tells how the page began.
    text = request.headers.get("Last-Event-ID") or request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def news_for(site: Site) -> Tell:
    """What whoever asks is told of incidents: read in their view for as long as their page is open."""

    def tell(after: int) -> Sequence[News]:
        return news_since(site.incidents, after, site.names, site.zone, site.clock.now())

    return tell


def _days() -> int:
    text = request.args.get("days", str(LISTED_DAYS))
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= _LONGEST_DAYS):
        raise UsageError(f'days: "{text[:20]}" is no number from 1 to {_LONGEST_DAYS}')
    return int(text)
