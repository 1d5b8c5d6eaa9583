"""Reading whole files once, from their first byte to their last, into an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.clock import Clock
from domain.codes import Judgement
from domain.errors import InputError
from domain.settings import Format
from logwatch.analysis import Analysis
from logwatch.catalog import named
from logwatch.detect import detect
from logwatch.doubled import Passed
from logwatch.events import EventBlock
from logwatch.files import contents, looks_binary
from logwatch.headings import Heading
from logwatch.joins import Tail
from logwatch.lines import LineCutter
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.samples import Samples

# Nothing is kept after a scan, so many more values stay apart than an agent may keep.
FIELD_CAP = 10_000
_HEAD = 4_096


@dataclass(slots=True)
class _One:
    """One file as it is read; `identity` tells it from the others."""

    file: Path
    identity: str
    passed: Passed = field(default_factory=Passed)
    heading: Heading = field(default_factory=Heading)
    tail: Tail = field(default_factory=Tail)


class Scan:
    """Reads files of one format, which is found out on the first block unless `name` is given."""

    def __init__(
        self,
        known: Mapping[str, Format],
        codes: Mapping[str, Judgement],
        clock: Clock,
        name: str = "",
        watch: Callable[[EventBlock, Registry], object] | None = None,
    ) -> None:
        """Each block's events are shown to `watch` as well."""
        self._watch = watch
        self._known, self._codes, self._clock = known, codes, clock
        self._registry = Registry(FIELD_CAP)
        self._reader: Reader | None = None
        self.name = name
        self.samples = Samples()
        self.analysis = Analysis(self._registry)
        if name:
            named(name, known, "--format")

    def read(self, files: Sequence[Path], progress: Callable[[int], object]) -> Analysis:
        """Read the files; `progress` is told the bytes of content read. Raises InputError naming the file."""
        for place, file in enumerate(files):
            cutter, read = LineCutter(), 0
            one = _One(file, f"{place}")
            for piece, length in contents(file):
                if read == 0 and looks_binary(bytes(piece[: min(_HEAD, length)])):
                    raise InputError(str(file), "is no text", "Name a log file; .gz and .zst are read as they are")
                read += length
                block = cutter.feed(piece, length)
                if block or self._reader is not None:
                    for part in one.tail.feed(block, cutter.cuts, self._reader_of(one, block).held):
                        self._add(one, part)
                progress(length)
            self._add(one, one.tail.release() + cutter.finish())
            if not read:
                raise InputError(str(file), "is empty", "Name a file that holds lines")
            self.analysis.add_file(read, cutter.oversized)
        return self.analysis

    def _add(self, one: _One, block: bytes) -> None:
        if block:
            reader, now = self._reader_of(one, block), self._clock.now()
            reading = reader.read(block, now, "auto", one.passed, one.heading, str(one.file), one.identity)
            self.analysis.add(reading)
            if self._watch:
                self._watch(reading.events, self._registry)

    def _reader_of(self, one: _One, block: bytes) -> Reader:
        """The reader of all files; its format is found out on the first block of the first."""
        if self._reader is None:
            self.name = self.name or detect(str(one.file), block, self._known, self._clock.now())
            form = self._known[self.name]
            path = f"formats.{self.name}"
            self._reader = Reader(form, self._registry, codes=self._codes, samples=self.samples, path=path)
            self.analysis.expect(self._reader.keys)
        return self._reader
