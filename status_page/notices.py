"""What there is to know beside the present state: troubles that last or are over, and planned work. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain.published import Notice, PublicState
from status_page.words import Words, local

PAST_SECONDS = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Item:
    """One notice in words."""

    state: PublicState
    title: str
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class Notices:
    """Those that last, the longest first; planned ones, the next first; past ones, the newest first."""

    lasting: tuple[Item, ...]
    planned: tuple[Item, ...]
    past: tuple[Item, ...]


def notices(found: Sequence[Notice], now: float, names: Mapping[str, str], said: Words, zone: ZoneInfo) -> Notices:
    """Sort the notices by what they are at `now`, and say them."""
    sorted_by: dict[str, list[Notice]] = {"lasting": [], "planned": [], "past": [], "long ago": []}
    for notice in found:
        sorted_by[place(notice, now)].append(notice)

    def said_all(which: str, *, newest_first: bool = False) -> tuple[Item, ...]:
        ordered = sorted(sorted_by[which], key=lambda notice: (notice.start, notice.id), reverse=newest_first)
        return tuple(_item(notice, now, names, said, zone) for notice in ordered)

    return Notices(said_all("lasting"), said_all("planned"), said_all("past", newest_first=True))


def place(notice: Notice, now: float) -> str:
    """Whether a notice is `lasting`, `planned`, `past`, or `long ago`."""
    if notice.end is not None and notice.end <= now:
        return "past" if notice.end > now - PAST_SECONDS else "long ago"
    return "planned" if notice.kind == "maintenance" and notice.start > now else "lasting"


def _item(notice: Notice, now: float, names: Mapping[str, str], said: Words, zone: ZoneInfo) -> Item:
    name = names.get(notice.hub) or (said.hubs[notice.hub].name if notice.hub in said.hubs else notice.hub or said.all)
    planned, over = notice.kind == "maintenance", place(notice, now) in ("past", "long ago")
    if over and notice.end is not None:
        text = said.done if planned else said.took.format(wait=said.span(notice.end - notice.start))
    elif planned:
        text = said.kept_while if notice.state == "kept" else said.of("maintenance").means
    else:
        # What it means stands with the service, where it is listed.
        text = "" if notice.hub in names else said.of(notice.state).means
    state: PublicState = "maintenance" if planned else notice.state
    return Item(state, f"{name}{said.colon}{said.of(state).badge}", _when(notice, now, said, zone), text)


def _when(notice: Notice, now: float, said: Words, zone: ZoneInfo) -> str:
    start = local(notice.start, zone)
    text = said.written_moment(start, year=start.year != local(now, zone).year)
    if notice.end is None:
        return f"{said.from_on.format(start=text)} ({start.tzname()})"
    end = local(notice.end, zone)
    if end.date() == start.date():
        last = said.written_time(end)
    else:
        last = said.written_moment(end, year=end.year != start.year)
    # The end's zone is the one that is meant where summer time begins or ends between the two.
    return f"{said.from_to.format(start=text, end=last)} ({end.tzname()})"
