"""What the tests read out of the documents: tables, blocks, commands, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text."""

    document: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}: {self.text.strip().splitlines()[0]}"


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of these languages in all documents."""
    found = (
        Block(document, match[1], match[2])
        for document in DOCUMENTS
        for match in _BLOCK.finditer(document.read_text("utf-8"))
    )
    return [block for block in found if block.language in languages]


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return _BLOCK.sub("", document.read_text("utf-8"))


def sections(document: Path) -> Iterator[tuple[str, str]]:
    """Each heading, code marks taken off, with the text below it up to the next heading."""
    parts = _HEADING.split(prose(document))
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        yield heading.strip("`"), text


def section(document: Path, heading: str) -> str:
    """The text below one heading."""
    return dict(sections(document))[heading]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [place for place, row in enumerate(cells) if set("".join(row)) <= set("-:")]
    return [row for place, row in enumerate(cells) if place not in rules and place + 1 not in rules]


def codes(text: str) -> list[str]:
    """What stands between code marks, in order."""
    return _CODE.findall(text)


def commands() -> list[str]:
    """Every shell line that calls pharmapulse, without a path before it."""
    lines = [line for block in blocks("sh") for line in block.text.splitlines()]
    called = (line.removeprefix(".venv/bin/") for line in lines)
    return [line for line in called if line.startswith("pharmapulse ")]
