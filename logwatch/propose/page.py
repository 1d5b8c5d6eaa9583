"""The proposed `pharmapulse.toml`, with a word on everything that is not sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from logwatch.propose.proposal import Proposal
from logwatch.propose.toml import format_table, text

_HEAD = """\
# Proposed by `pharmapulse init` on the first lines of {files}. Read it, mend it, and then:
#   pharmapulse check --config pharmapulse.toml
#   pharmapulse run --config pharmapulse.toml

[site]
name = "My site"           # as the pages call it
data = "data"              # everything that is stored; beside this file, on a server better /var/lib/pharmapulse
zone = "Europe/Brussels"   # of the pages; that of times which name none stands in the formats
"""
_LOOKED_FOR = {
    "endpoint": "what was called; without it all calls count together",
    "code": "how it ended; without a code or a status every call counts as a success",
    "pharmacy": "who called",
    "vendor": "with which software",
    "duration": "how long it took; without it there is no latency",
}
# More operations than a hub has: something in them is not the operation.
_MANY_ENDPOINTS = 60
_NAMES = {
    "ehealth": "eHealth", "recipe": "Recip-e", "dpp": "DPP", "raotd": "RaOTD", "assurpharma": "AssurPharma",
    "mycarenet": "MyCareNet",
}  # fmt: skip


def hub_of(proposal: Proposal) -> tuple[str, str]:
    """The hub of a source and how it was found; "" where its lines name hubs themselves."""
    if proposal.fit is not None and "hub" in proposal.fit.keys:
        named = ", ".join(proposal.fit.hubs[:3])
        return "", f"its lines name the hub themselves: {named}"
    if proposal.group.hub:
        return proposal.group.hub, "by the files' name"
    return proposal.group.name, "a guess: which hub's log is it?"


def page(proposals: Sequence[Proposal], files: int, skipped: Sequence[str]) -> str:
    """The text of the file. `skipped` says of files that no source is for why."""
    out = [_HEAD.rstrip().format(files=f"{files} file{'s' * (files != 1)}")]
    out += [f"# left out: {one}" for one in skipped]
    hubs: dict[str, None] = {}
    for proposal in proposals:
        if proposal.fit is None:
            out += ["", *_hopeless(proposal)]
            continue
        out += ["", *_source(proposal)]
        hub, _ = hub_of(proposal)
        hubs |= dict.fromkeys([hub] if hub else proposal.fit.hubs)
    for hub in list(hubs)[:20]:
        out += [
            "",
            "[[hubs]]",
            f"key = {text(hub)}",
            f"name = {text(_NAMES.get(hub, hub))}",
            '# does = "…"   # in a word',
        ]
    written: set[str] = set()
    for proposal in proposals:
        if proposal.form is not None and proposal.name not in written:
            written.add(proposal.name)
            out += ["", *_format(proposal)]
    return "\n".join(out) + "\n"


def _hopeless(proposal: Proposal) -> Iterator[str]:
    yield f"# No format reads a tenth of the lines of {', '.join(proposal.group.files[:3])}, and none can be proposed:"
    yield "# no time was found that most of its lines begin with or name. Declare one as docs/formats.md shows, and see"
    yield "# with `pharmapulse analyse FILE --explain LINE --config pharmapulse.toml` why a line does not match."


def _source(proposal: Proposal) -> Iterator[str]:
    fit, group = proposal.fit, proposal.group
    if fit is None:
        return
    hub, by = hub_of(proposal)
    yield "[[sources]]"
    yield f"name = {text(group.name)}"
    paths = ", ".join(text(one) for one in group.patterns)
    if len(paths) <= 100:
        yield f"paths = [{paths}]"
    else:
        yield "paths = ["
        yield from (f"    {text(one)}," for one in group.patterns)
        yield "]"
    also = f"; others that read it: {', '.join(proposal.others)}" if proposal.others else ""
    shipped = "" if proposal.form is not None else "shipped; "
    yield f"# {shipped}{fit.events:,} of {fit.lines:,} lines are calls, {fit.explained:.0%} understood{also}"
    if fit.endpoints > _MANY_ENDPOINTS:
        yield f"# {fit.endpoints} endpoints in so few lines, and each takes about 16 MB: make them more general with a"
        yield "# template in the format, so that numbers and names in them become {} (docs/formats.md)"
    yield f"format = {text(proposal.name)}"
    yield f"hub = {text(hub)}  # {by}" if hub else f"# {by}"
    yield '# start = "end"  # to count only what is written from now on; all that is there, when left out'


def _format(proposal: Proposal) -> Iterator[str]:
    if proposal.form is None:
        return
    comments = [f"no {one} was found: {_LOOKED_FOR[one]}" for one in proposal.missing if one in _LOOKED_FOR]
    if not proposal.form.examples:
        comments.append("no example could be made of its lines; write one: a line, blanked, and what it gives")
    yield from format_table(proposal.name, proposal.form, proposal.notes, comments)
