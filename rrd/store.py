"""The series store: `domain.ports.SeriesStore` over RRD files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from shutil import copyfile

from domain.errors import SeriesError
from domain.series import FAMILIES, Key, Rows, SeriesKey, unknown_rows
from rrd import binding
from rrd.archive import Shape, append_rows, read_rows, read_state, replace_rows, settle, shape_of
from rrd.layout import mark_layout, read_layout
from rrd.paths import KEY_FILE, check_series, decode_key_file, directory_name, encode_key_file, is_digest, key_of
from rrd.rows import check_rows, split_rows

_MANY_ROWS = 500  # an append from here on is made in a copy, so that it is there whole or not at all


class RrdSeriesStore:
    """Series under `root`, as `FAMILY/KEY/STEP.rrd`.

    Any number of processes and threads may read while one writes; writers of one series wait for each other.
    A new or rewritten file is complete and on disk before it gets its name (`durable=False` trusts the
    operating system with that: for files that can be made again). Appended rows are written in place; what a
    power cut takes of them is written again from the ledger.

    A row in the future blocks all before it, as RRD files go: callers write only buckets that are over.
    Raises ConfigError when `root` holds something else or a layout that is not read here.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self._root, self._durable = root, durable
        self._marked = read_layout(root) is not None
        self._seen: dict[str, dict[str, Key]] = {family: {} for family in FAMILIES}

    def write(self, series: SeriesKey, rows: Rows) -> None:
        """Append rows; those at or before the last one written are skipped, a gap before them is unknown.

        A file is made when it is first written to; a long run of rows goes through a copy.
        Raises SeriesError: none of the rows is written then.
        """
        self._put(series, rows, overwrite=False)

    def rewrite(self, series: SeriesKey, rows: Rows) -> None:
        """Replace rows that are written already, through a copy that is renamed over the file.

        Rows after the last one written are appended; rows before the file's reach are dropped.
        Raises SeriesError: nothing is changed then.
        """
        self._put(series, rows, overwrite=True)

    def read(self, series: SeriesKey, step: int, start: int, end: int) -> Rows:
        """Rows of the buckets from `start` up to but not including `end`, unknown where there are none.

        A bound inside a bucket takes the whole bucket in. Raises SeriesError when the family has no such
        step or the file cannot be read.
        """
        check_series(series)
        shape = shape_of(series.family, step)
        start, end = start // step * step, -(-end // step) * step
        path = f"{self._directory(series)}/{step}.rrd"
        try:
            with _opened(path, os.O_RDONLY) as file:
                return Rows(start, step, shape.sources, read_rows(file, shape, path, start, max(start, end)))
        except FileNotFoundError:
            return unknown_rows(start, end, step, shape.sources)
        except OSError as error:
            raise SeriesError(f"{path}: {error.strerror}") from error

    def last(self, series: SeriesKey, step: int) -> int | None:
        """The last bucket written (its start); None when there is no such file. Raises SeriesError."""
        check_series(series)
        end = _last(f"{self._directory(series)}/{step}.rrd", shape_of(series.family, step))
        return None if end is None else end - step

    def keys(self, family: str) -> list[Key]:
        """The keys of the family that have at least one file, sorted. Raises SeriesError."""
        if family not in FAMILIES:
            raise SeriesError(f'there is no family "{family}" of series; there are {", ".join(FAMILIES)}')
        directory, seen = self._root / family, self._seen[family]
        try:
            names = _names(directory)
            for name in names:
                # What was seen once is not looked into again: nothing takes files away one by one.
                if name not in seen and (key := _key_with_files(directory / name)) is not None:
                    seen[name] = key
        except OSError as error:
            raise SeriesError(f"{error.filename or directory}: {error.strerror}") from error
        return sorted(seen[name] for name in names if name in seen)

    def _directory(self, series: SeriesKey) -> str:
        return f"{self._root}/{series.family}/{directory_name(series.key)}"

    @contextmanager
    def _locked(self, series: SeriesKey) -> Iterator[str]:
        """The directory of the series, made when missing, for this writer alone."""
        if not self._marked:
            mark_layout(self._root)
            self._marked = True
        directory = self._directory(series)
        try:
            try:
                handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                self._make_directory(Path(directory), series.key)
                handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                flock(handle, LOCK_EX)
                yield directory
            finally:
                os.close(handle)
        except OSError as error:
            raise SeriesError(f"{error.filename or directory}: {error.strerror}") from error

    def _make_directory(self, directory: Path, key: Key) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if is_digest(directory.name):
            draft = directory / f"{KEY_FILE}.{os.getpid()}.new"
            with draft.open("wb") as out:
                out.write(encode_key_file(key))
                self._sync(out.fileno())
            draft.replace(directory / KEY_FILE)
        with _opened(str(directory.parent), os.O_RDONLY) as family:
            self._sync(family)

    def _sync(self, file: int) -> None:
        """Wait until a file or directory is on disk."""
        if self._durable:
            os.fsync(file)

    def _put(self, series: SeriesKey, rows: Rows, *, overwrite: bool) -> None:
        check_series(series)
        shape = shape_of(series.family, rows.step)
        check_rows(series, rows, shape.sources)
        if not len(rows.values):
            return
        with self._locked(series) as directory:
            path = f"{directory}/{rows.step}.rrd"
            last = None
            with suppress(FileNotFoundError), _opened(path, os.O_RDWR) as file:
                last = _settled(file, shape, path)
                if rows.end <= last and not overwrite:
                    return
                if rows.end < last + _MANY_ROWS * rows.step and (rows.start >= last or not overwrite):
                    append_rows(file, shape, last, split_rows(rows, last)[1])
                    return
            with self._draft(path) as draft:
                # Beyond the file's span nothing that is in it stays within reach.
                if last is None or rows.start - last >= shape.rows * shape.step:
                    binding.create(draft, shape, rows.start)
                else:
                    copyfile(path, draft)
                self._fill(draft, shape, rows, overwrite=overwrite)

    def _fill(self, draft: str, shape: Shape, rows: Rows, *, overwrite: bool) -> None:
        """Put the rows into a draft, and the draft on disk."""
        with _opened(draft, os.O_RDWR) as file:
            state = read_state(file, shape, draft)
            settle(file, shape, state)
            written, new = split_rows(rows, state.last)
            if overwrite:
                replace_rows(file, shape, state.last, rows.start, written)
            if len(new):
                append_rows(file, shape, state.last, new)
            self._sync(file)

    @contextmanager
    def _draft(self, path: str) -> Iterator[str]:
        """A name to make a file under; at the end it takes the name `path`, or is removed after an error."""
        draft = f"{path}.new"
        try:
            yield draft
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        with _opened(str(Path(path).parent), os.O_RDONLY) as directory:
            self._sync(directory)


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    """A descriptor of a file or directory."""
    file = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def _last(path: str, shape: Shape) -> int | None:
    """The end of the last bucket of a file; None when there is none. Raises SeriesError."""
    try:
        with _opened(path, os.O_RDONLY) as file:
            return read_state(file, shape, path).last
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SeriesError(f"{path}: {error.strerror}") from error


def _settled(file: int, shape: Shape, path: str) -> int:
    """The end of the last bucket of an open file; what a killed writer left half written is put right first."""
    state = read_state(file, shape, path)
    if state.moving >= _MANY_ROWS:
        raise SeriesError(
            f"{path}: its rows are not in pharmapulse's order (was it restored by rrdtool?); "
            "restore the file itself from the backup"
        )
    if state.moving:
        settle(file, shape, state)
    return state.last


def _key_with_files(directory: Path) -> Key | None:
    """The key of a series' directory; None while it has no file, or when it is not one."""
    if not any(name.endswith(".rrd") for name in _names(directory)):
        return None
    if not is_digest(directory.name):
        return key_of(directory.name)
    try:
        return decode_key_file((directory / KEY_FILE).read_bytes())
    except ValueError as error:
        raise SeriesError(f"{directory / KEY_FILE}: {error}; restore it from the backup") from error


def _names(directory: Path) -> list[str]:
    """What is in a directory; nothing where there is none, or something else."""
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
