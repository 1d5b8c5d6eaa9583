"""The figures of a watch: how far its files are read, what waits, what is amiss."""

from __future__ import annotations

from itertools import islice

from domain.batch import Accounting
from domain.redact import fit_name
from logwatch.follow import FollowedFile
from logwatch.stats import FileFigures, SourceFigures
from logwatch.watch import Watch

# So many files of a source are told one by one.
MOST_FILES = 500


def figures(watch: Watch, now: float) -> SourceFigures:
    """How a source stands now."""
    files = watch.files
    opened = [_opened(file, now) for file in reversed(files.oldest_first())]
    waiting = [
        FileFigures(fit_name(path), "waiting", 0, size, size, Accounting())
        for path, size in islice(files.not_opened(), MOST_FILES)
    ]
    rest = [
        FileFigures(position.path, "asleep" if is_there else "gone", position.offset, position.offset, 0,
                    position.accounting)
        for position, is_there in islice(files.closed(), MOST_FILES)
    ]  # fmt: skip
    return SourceFigures(
        name=watch.source.name,
        accounting=watch.total,
        watermark=watch.watermark,
        open_files=len(files.files),
        unread_bytes=sum(file.unread_bytes for file in opened) + sum(size for _, size in files.not_opened()),
        files=files.count,
        behind_seconds=max((file.behind_seconds for file in opened), default=0.0),
        skew_seconds=watch.skew.seconds(now),
        troubles=watch.troubles.told(now),
        unknown_codes=watch.unknown.most(),
        each=(*opened, *waiting, *rest)[:MOST_FILES],
    )


def _opened(file: FollowedFile, now: float) -> FileFigures:
    size = file.size()
    return FileFigures(
        fit_name(file.path),
        "open",
        file.offset,
        size,
        file.unread_bytes(),
        file.accounting,
        0.0 if file.behind_since is None else max(0.0, now - file.behind_since),
        file.last_event,
    )
