"""Which fields name the operation that was called, and the software that called it."""

from __future__ import annotations

import re

from domain.formats import Picked, Template
from logwatch.meaning import DEFAULT_TEMPLATE
from logwatch.propose.columns import Column
from logwatch.propose.search import Search, or_others, picked
from logwatch.propose.words import LEVELS, NO_NAME_WORDS, OPERATION_WORDS, VENDOR_WORDS, VERBS, VERSION_WORDS

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_REQUEST = re.compile(r"[A-Z]{3,8} [^ ]+(?: HTTP/[0-9.]+)?")
_SOFTWARE = re.compile(r"([A-Za-z][\w .-]{0,40}?)/v?([0-9][\w.-]{0,20})")
_LIKE_A_NAME, _COMPOSED = re.compile(r"[A-Za-z][\w.:/#$-]{2,80}"), re.compile(r"[a-z][A-Z]|\w[.:/_#$-]\w")
_GENERAL = re.compile(r"[0-9]{4}")


# Of so few values one may well be the only one so far.
_FEW = 20


def endpoint(search: Search, *, joins: bool) -> tuple[Template, ...] | None:
    """Decide on the endpoint; the template that makes it general, None for the usual one."""
    verb = next((one for one in search.left if one.share(lambda value: value.upper() in VERBS) > 0.9), None)
    if joins and verb is not None:
        paths = [one for one in search.left if one.share(lambda value: value.startswith(("/", "http"))) > 0.8]
        if paths:
            paths.sort(key=lambda one: (-one.coverage, len(one.name)))
            note = f"method and path, without the query{or_others(paths[1:])}"
            search.take("endpoint", paths[0], note, f"{verb.spec} {paths[0].spec}")
            search.left.remove(verb)
            return None
    search.left = [one for one in search.left if one is not verb]

    def rank(column: Column) -> float:
        if column.share(_NUMBER.fullmatch) > 0.1 or column.share(lambda value: value.upper() in LEVELS) > 0.5:
            return 0.0
        general = {_GENERAL.sub("0", value.split("?", 1)[0]) for value in column.there}
        if len(general) > max(40, len(column.there) // 2) or column.share(lambda value: len(value) > 150) > 0.1:
            return 0.0
        if column.share(_REQUEST.fullmatch) > 0.8:
            return 10 + column.coverage
        place = next((place for place, words in enumerate(OPERATION_WORDS) if column.named(words)), None)
        if place is not None:
            # A good name on a few lines, or for one thing only, is worth less than another on all.
            often = min(1.0, 2 * column.coverage) * (1.0 if column.distinct > 1 or len(column.there) < _FEW else 0.5)
            return 1 + (len(OPERATION_WORDS) - place) * often
        # Nothing but a look: several, not too many, and made like a name.
        named = column.share(_LIKE_A_NAME.fullmatch) > 0.9 and column.share(_COMPOSED.search) > 0.5
        return column.coverage / 2 if named and 1 < column.distinct <= 200 and column.coverage > 0.8 else 0.0

    column, others = search.best(rank)
    if column is None:
        return None
    sure = (
        "by its values" if column.share(_REQUEST.fullmatch) > 0.8 else "by its name" if rank(column) >= 1 else "a guess"
    )
    general = column.share(_GENERAL.search) > 0.05 or column.share(lambda value: "?" in value) > 0.05
    search.take("endpoint", column, f"{sure}; {column.distinct} of them here{or_others(others)}")
    if column.spec == "request":
        return None
    if column.share(_REQUEST.fullmatch) > 0.8:
        search.specs["endpoint"] = picked(column, "^([A-Z]+ [^ ?#;]+)")
        return DEFAULT_TEMPLATE
    if column.share(lambda value: value.startswith("/")) > 0.5:
        return (Template(pattern="[?#;].*$", by=""), *DEFAULT_TEMPLATE)
    return (Template(pattern=r"\d{4,}"),) if general else ()


def vendor(search: Search) -> None:
    """Decide on the software and its version, which may stand in one field."""

    def rank(one: Column) -> float:
        if one.named(NO_NAME_WORDS) or not one.named(VENDOR_WORDS) or one.distinct > max(60, len(one.there) // 3):
            return 0.0
        # A browser says nothing of a pharmacy's software.
        return 0.0 if one.share(lambda value: value.startswith("Mozilla/")) > 0.5 else one.coverage

    column, others = search.best(rank)
    if column is not None and isinstance(column.spec, str) and column.share(_SOFTWARE.match) > 0.7:
        search.take("vendor", column, f"by its name{or_others(others)}", Picked(field=column.spec, match=r"^([^/ ]+)"))
        search.specs["version"] = Picked(field=column.spec, match=r"^[^/]+/v?([0-9][\w.-]*)")
        search.notes["version"] = "what stands behind the software's name"
        return
    if column is not None:
        search.take("vendor", column, f"by its name{or_others(others)}")
    column, others = search.best(
        lambda one: (
            one.coverage if one.named(VERSION_WORDS) and one.share(lambda value: value[0].isdigit()) > 0.5 else 0.0
        )
    )
    if column is not None:
        search.take("version", column, f"by its name{or_others(others)}")
