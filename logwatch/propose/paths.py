"""Files that belong together: one source for a log with its rotated and compressed copies, on all its servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from glob import escape

from logwatch.propose.words import words

# What stands for a part of a path that varies: a date, a server's number. No path holds these characters.
_DATE, _NUMBER = "\x01", "\x02"
_DATES = re.compile(
    r"(?<![0-9])(?:19|20)[0-9]{2}[-_.]?[01][0-9](?:[-_.]?[0-3][0-9](?:[-_.T]?[0-2][0-9](?:[-_.:]?[0-5][0-9]){0,2})?)?"
    r"(?![0-9])|(?<![0-9])[0-2][0-9]([-_:])[0-5][0-9](?:\1[0-5][0-9])?(?![0-9])"
)
_DATED = re.compile(rf"[._-]?{_DATE}")
_PACKED = re.compile(r"\.(?:gz|zst)$", re.IGNORECASE)
_ROTATED = re.compile(rf"(?:[._-]{_DATE}|\.[0-9]{{1,5}}|\.old|~)$")
# A server's number behind its name: `dpp-01`, `node3`.
_SERVER = re.compile(r"(?<=[A-Za-z])([-_.]?)([0-9]{1,3})(?![0-9A-Za-z])")
_ENDING = re.compile(r"(?:[._-](?:log|txt|out|json|csv|tsv))+$", re.IGNORECASE)
_GENERIC = words(
    "log logs var access error errors server app application test output service console catalina localhost input "
    "messages calls events audit main default current stdout stderr sample example all info debug"
)
# Words in paths that tell of a hub (DOMAIN: the chain).
_HUBS = {
    "ehealth": "ehealth", "sts": "ehealth", "etk": "ehealth", "kgss": "ehealth", "recipe": "recipe", "dpp": "dpp",
    "tip": "dpp", "pcdh": "dpp", "gfd": "dpp", "raotd": "raotd", "assurpharma": "assurpharma",
    "mycarenet": "mycarenet", "mcn": "mycarenet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one source: its name, the globs that find them, the hub that their name tells of ("" for none).

    `server` is a pattern that takes the server out of a file's path, where the files are of several, else "".
    """

    name: str
    patterns: tuple[str, ...]
    files: tuple[str, ...]
    hub: str
    server: str


@dataclass(frozen=True, slots=True)
class _Key:
    """A path without what varies from file to file of one log, and the numbers that were taken out."""

    path: str
    numbers: tuple[str, ...]


def _key(path: str) -> _Key:
    directory, slash, name = path.rpartition("/")
    name = _DATES.sub(_DATE, _PACKED.sub("", name))
    while (shorter := _ROTATED.sub("", name)) != name and shorter:
        name = shorter
    whole = f"{_DATES.sub(_DATE, directory)}{slash}{name}"
    numbers = tuple(match[2] for match in _SERVER.finditer(whole))
    return _Key(_SERVER.sub(rf"\1{_NUMBER}", whole), numbers)


def groups(paths: Iterable[str], matching: Callable[[str], Sequence[str]]) -> list[Group]:
    """The files in groups of one log each, in the order of their first ones; paths are absolute.

    `matching` gives the files that a glob finds: a glob that would find what is no copy of the log is made narrower.
    """
    found: dict[str, list[tuple[str, _Key]]] = {}
    for path in dict.fromkeys(paths):
        key = _key(path)
        # `calls.log` is the log of today, `calls-2026-11-01.log` that of another day.
        found.setdefault(_DATED.sub("", key.path), []).append((path, key))
    named: set[str] = set()
    out = []
    for members in found.values():
        varying = _varying([key.numbers for _, key in members])
        patterns: dict[str, None] = {}
        for key_path in dict.fromkeys(key.path for _, key in members):
            files = [path for path, key in members if key.path == key_path]
            numbers = next(key.numbers for _, key in members if key.path == key_path)
            patterns |= dict.fromkeys(_patterns(_with_numbers(key_path, numbers, varying), key_path, files, matching))
        whole = _with_numbers(members[0][1].path, members[0][1].numbers, varying)
        name = _unique(_name(whole), whole, named)
        named.add(name)
        every = tuple(path for path, _ in members)
        out.append(Group(name, tuple(patterns), every, _hub(whole), _server(whole)))
    return out


def split(group: Group, files: Sequence[str], name: str) -> Group:
    """A part of a group whose files are not read like the others: found by their own paths."""
    return Group(name, tuple(escape(path) for path in files), tuple(files), group.hub, group.server)


def _varying(numbers: Sequence[tuple[str, ...]]) -> set[int]:
    return {place for place, values in enumerate(zip(*numbers, strict=True)) if len(set(values)) > 1}


def _with_numbers(key: str, numbers: Sequence[str], varying: set[int]) -> str:
    """The path with the numbers that are the same in all its files."""
    parts = key.split(_NUMBER)
    out = parts[0]
    for place, part in enumerate(parts[1:]):
        out += (_NUMBER if place in varying else numbers[place]) + part
    return out


def _patterns(whole: str, key: str, files: Sequence[str], matching: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    plain = escape(whole).replace(_DATE, "*").replace(_NUMBER, "*")
    wide = plain if plain.endswith("*") else f"{plain}*"
    for patterns in ((wide,), (plain, f"{plain}.[0-9]*", f"{plain}-[0-9]*", f"{plain}.gz")):
        there = [path for pattern in patterns for path in matching(pattern)]
        if all(_key(path).path == key for path in there) and {*files} <= {*there}:
            return patterns
    return tuple(escape(path) for path in files)


def _server(whole: str) -> str:
    """A pattern that takes the server's name out of a path, where its number varies: the name's last such part."""
    match = re.search(rf"([A-Za-z][A-Za-z0-9]*[-_.]?){_NUMBER}", whole)
    return f"({re.escape(match[1])}[0-9]+)" if match else ""


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]


def _bare(text: str) -> str:
    return text.replace(_DATE, " ").replace(_NUMBER, " ")


def _name(whole: str) -> str:
    """A source's name by its file: with the directory before it where the file's name says nothing."""
    *directories, name = whole.split("/")
    found = _words(_ENDING.sub("", _bare(name)))
    for directory in reversed(directories):
        if not all(word in _GENERIC for word in found):
            break
        found = [*(word for word in _words(_bare(directory)) if word not in _GENERIC), *found]
    return "-".join(found)[:50].strip("-") or "log"


def _unique(name: str, whole: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    above = _words(_bare(whole.rpartition("/")[0]).rpartition("/")[2])
    longer = "-".join([*(word for word in above if word not in {*_GENERIC, *name.split("-")}), name])[:50]
    number, unique = 2, longer
    while unique in taken:
        number, unique = number + 1, f"{longer}-{number}"
    return unique


def _hub(whole: str) -> str:
    """The hub that a path names, the last one; "" for none."""
    found = _words(_bare(whole).lower().replace("recip-e", "recipe"))
    return next((_HUBS[word] for word in reversed(found) if word in _HUBS), "")
