"""Reading whole files once, from their first byte to their last, into an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from domain.clock import Clock
from domain.codes import Judgement
from domain.errors import InputError
from domain.patients import PatientKeys
from domain.settings import Format
from logwatch.analysis import DIMENSIONS, Analysis
from logwatch.catalog import named
from logwatch.detect import detect
from logwatch.distinct import OneKey
from logwatch.doubled import Passed
from logwatch.events import LINE_KEYS, EventBlock
from logwatch.files import contents, looks_binary
from logwatch.headings import Heading
from logwatch.joins import Tail
from logwatch.lines import LineCutter
from logwatch.processes import all_at_once
from logwatch.reader import Reader
from logwatch.registry import Registry
from logwatch.samples import Samples
from logwatch.shares import Stretch, divide

# Nothing is kept after a scan, so many more values stay apart than an agent may keep.
FIELD_CAP = 10_000
_HEAD = 4_096
# Keys that no dimension tells of.
_UNTOLD = tuple(key for key in LINE_KEYS if key not in DIMENSIONS)
# The first piece, on which the format is found out.
_TRIED = 1 << 20


@dataclass(slots=True)
class _One:
    """One file as it is read; `identity` tells it from the others."""

    file: Path
    identity: str
    passed: Passed = field(default_factory=Passed)
    heading: Heading = field(default_factory=Heading)
    tail: Tail = field(default_factory=Tail)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What one process counted; `settled` says that nothing in it hangs on lines that another one read."""

    analysis: Analysis
    shapes: list[str]
    settled: bool


class Scan:
    """Reads files of one format, which is found out on the first block unless `name` is given."""

    def __init__(
        self,
        known: Mapping[str, Format],
        codes: Mapping[str, Judgement],
        clock: Clock,
        name: str = "",
        watch: Callable[[EventBlock, Registry], object] | None = None,
        patients: PatientKeys | None = None,
    ) -> None:
        """Each block's events are shown to `watch` as well, their patients hashed with the keys of `patients`."""
        self._watch, self._patients = watch, patients or OneKey()
        self._known, self._codes, self._clock = known, codes, clock
        self.name = name
        if name:
            named(name, known, "--format")
        self._begin()

    def _begin(self) -> None:
        """Begin with nothing counted."""
        self._registry = Registry(FIELD_CAP)
        self._reader: Reader | None = None
        self.samples = Samples()
        self.analysis = Analysis(self._registry)

    def read(self, files: Sequence[Path], progress: Callable[[int], object], processes: int = 1) -> Analysis:
        """Read the files. Raises InputError naming the file.

        `progress` is told the bytes of content read, less than 0 where they are to be read again. Several processes
        give what one does: where that cannot be, one of them reads all.
        """
        if processes < 2 or self._watch is not None or not self._read_divided(files, progress, processes):
            self._count([Stretch(place, file) for place, file in enumerate(files)], progress)
        return self.analysis

    def _read_divided(self, files: Sequence[Path], progress: Callable[[int], object], processes: int) -> bool:
        """Read the files by several processes; False, with nothing counted, where one is to read all."""
        reader = self._reader_of_head(files[0])
        if reader is None or reader.pairing is not None:
            return False
        shares = divide(files, processes, within=not reader.headed and not reader.join_seconds)
        if shares is None:
            return False
        told = 0

        def tell(amount: int) -> None:
            nonlocal told
            told += amount
            progress(amount)

        found = all_at_once([partial(self._count, share) for share in shares], tell)
        exact = all(one is not None and one.settled for one in found)
        for one in found[1:]:
            exact = exact and one is not None and self.analysis.merge(one.analysis)
            for shape in one.shapes if one is not None else ():
                self.samples.add_shape(shape)
        if not exact:
            self._begin()
            progress(-told)
        return exact

    def _reader_of_head(self, file: Path) -> Reader | None:
        """The reader for files of which the first begins so; None where it cannot be read twice, or holds no line."""
        if not file.is_file():
            return None
        cutter = LineCutter()
        for piece, length in contents(file, lambda: _TRIED):
            self._check(file, piece, length)
            if block := cutter.feed(piece, length):
                return self._reader_of(f"{file}", block)
        return None

    def _count(self, stretches: Sequence[Stretch], progress: Callable[[int], object]) -> _Counted:
        """Count what stands in some stretches of files."""
        settled = True
        for stretch in stretches:
            cutter, read, one = LineCutter(), 0, _One(stretch.file, f"{stretch.place}")
            for piece, length in contents(stretch.file, self._block_bytes, stretch.begin, stretch.end):
                if read == 0:
                    self._check(stretch.file, piece, length)
                read += length
                block = cutter.feed(piece, length)
                if block or self._reader is not None:
                    for part in one.tail.feed(block, cutter.cuts, self._reader_of(f"{one.file}", block).held):
                        self._add(one, part)
                progress(length)
            self._add(one, one.tail.release() + cutter.finish())
            if not read:
                raise InputError(str(stretch.file), "is empty", "Name a file that holds lines")
            self.analysis.add_file(read, cutter.oversized)
            # Which of two doubled hours a time means is told by all lines of its file before it.
            settled = settled and (stretch.is_whole or not one.passed.change_us)
        return _Counted(self.analysis.whole(), self.samples.shapes, settled)

    def _check(self, file: Path, piece: bytearray, length: int) -> None:
        if looks_binary(bytes(piece[: min(_HEAD, length)])):
            raise InputError(str(file), "is no text", "Name a log file; .gz and .zst are read as they are")

    def _block_bytes(self) -> int:
        """How much is best read at once, once it is known of what kind."""
        return self._reader.plan.kind.block_bytes() if self._reader else _TRIED

    def _add(self, one: _One, block: bytes) -> None:
        if block:
            reader, now = self._reader_of(f"{one.file}", block), self._clock.now()
            reading = reader.read(block, now, "auto", one.passed, one.heading, str(one.file), one.identity)
            self.analysis.add(reading)
            if self._watch:
                self._watch(reading.events, self._registry)

    def _reader_of(self, file: str, block: bytes) -> Reader:
        """The reader of all files; its format is found out on the first block of the first."""
        if self._reader is None:
            self.name = self.name or detect(file, block, self._known, self._clock.now())
            form = self._known[self.name]
            path = f"formats.{self.name}"
            self._reader = Reader(
                form,
                self._registry,
                codes=self._codes,
                patients=self._patients,
                without=_UNTOLD,
                samples=self.samples,
                path=path,
            )
            self.analysis.expect(self._reader.keys)
        return self._reader
