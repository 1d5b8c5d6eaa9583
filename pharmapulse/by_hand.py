"""What is carried by hand, from the command line: bundles out, bundles in, receipts back."""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from domain.carried import BUNDLE_SUFFIX, Kept, Spans, make_receipt, read_receipt, spans, spelt
from domain.errors import InputError, UsageError, WireError
from pharmapulse.config import Config
from pharmapulse.logs import say
from pharmapulse.progress import Progress
from pharmapulse.wiring import clock
from pharmapulse.wiring.carrying import carrying, importing, kept_heartbeat
from transport.addresses import scheme, spool_directory

if TYPE_CHECKING:
    from collector.importing import Imported
    from logwatch.exporting import Exported, Target

# One file of this size fits on every medium, and a mail gateway's own bound is for the caller to say.
MOST_BYTES = 1 << 30


def export(options: Namespace, config: Config) -> int:
    """Write what waits into bundles, and tell which."""
    from logwatch.exporting import export as write

    target = _target(options, config)
    with carrying(config) as desk, Progress("exporting", "B") as bar:
        # Before what waits: whatever it speaks of is in the outbox by then.
        heartbeat = kept_heartbeat(config, desk.incarnation)
        now = clock(config)[0].now
        exported = write(desk, heartbeat, target, now, again=options.again, progress=bar.reach)
        unconfirmed = desk.unconfirmed()
    for bundle in exported.bundles:
        if bundle.bytes > target.most_bytes:
            say(f"{bundle.file}: has {bundle.bytes} bytes: it holds one batch only, or none", logging.WARNING)
    if exported.dropped:
        named, was = _named(_spans(exported.dropped))
        say(
            f"{named} {was} exported long ago and no receipt ever came: made room, and not here any more. "
            "Have receipts carried back: pharmapulse logwatch receipt FILE",
            logging.WARNING,
        )
    if options.json:
        _write_json(
            {
                "bundles": [
                    {
                        "file": str(bundle.file),
                        "bytes": bundle.bytes,
                        "agent": bundle.header.agent,
                        "incarnation": bundle.header.incarnation,
                        "batches": bundle.header.batches,
                        "sequences": bundle.header.sequences,
                    }
                    for bundle in exported.bundles
                ],
                "waiting": len(exported.waiting),
                "unconfirmed": len(unconfirmed),
                "dropped": _spans(exported.dropped),
            }
        )
    else:
        sys.stdout.write(_export_told(exported, unconfirmed, config))
    return 0


def _target(options: Namespace, config: Config) -> Target:
    from logwatch.exporting import Target

    if options.most_bytes < 1:
        raise UsageError("--most-bytes: a bundle has at least one byte")
    path = Path(options.to) if options.to else _carried_in(config)
    if path is None:
        raise UsageError('say where bundles are put: --to DIR, or transport.url = "bundle:DIR"')
    if path.is_dir():
        return Target(path, "", options.most_bytes)
    if path.suffix != BUNDLE_SUFFIX or not path.parent.is_dir():
        raise InputError(
            str(path), "there is no such directory", f"Make it, or name a file that ends in {BUNDLE_SUFFIX}"
        )
    if path.exists():
        raise InputError(str(path), "is there already", "Name another file, or remove this one once it was carried")
    return Target(path.parent, path.name, options.most_bytes)


def _carried_in(config: Config) -> Path | None:
    """The directory of `bundle:DIR`; None with another transport."""
    url = config.settings.transport.url
    return Path(os.path.normpath(config.file.parent / spool_directory(url))) if scheme(url) == "bundle" else None


def _export_told(exported: Exported, unconfirmed: Sequence[Kept], config: Config) -> str:
    lines = [
        f"{bundle.file}: "
        + (_named(bundle.header.sequences)[0] if bundle.header.batches else "a heartbeat")
        + f", {bundle.bytes:,} bytes"
        for bundle in exported.bundles
    ]
    if not lines:
        lines.append("nothing waits")
        if _carried_in(config) is None:
            lines[0] += ": the log watcher hands over by itself; transport.url says how"
    if exported.waiting:
        lines.append(f"waiting still: {_named(_spans(exported.waiting))[0]}")
    if unconfirmed:
        lines.append(f"exported, and not confirmed by a receipt: {_named(_spans(unconfirmed))[0]}")
    return "\n".join(lines) + "\n"


def receipt(options: Namespace, config: Config) -> int:
    """Take note of what the collector holds; 1 where the receipt says nothing of this agent's batches."""
    if not options.file:
        raise UsageError("name the receipt: pharmapulse logwatch receipt FILE")
    try:
        told = read_receipt(Path(options.file).read_bytes())
    except OSError as error:
        raise InputError(options.file, error.strerror or str(error)) from error
    except WireError as error:
        raise InputError(options.file, str(error), "Carry it again") from error
    with carrying(config) as desk:
        ours = [of.held for of in told.agents if (of.agent, of.incarnation) == (desk.agent, desk.incarnation)]
        confirmed = desk.confirmed([span for held in ours for span in held])
        waiting, unconfirmed = desk.waiting(), desk.unconfirmed()
    if options.json:
        _write_json(
            {
                "agent": desk.agent,
                "incarnation": desk.incarnation,
                "confirmed": _spans(confirmed),
                "unconfirmed": _spans(unconfirmed),
                "waiting": len(waiting),
            }
        )
    elif not ours:
        sys.stdout.write(f"{options.file}: says nothing of agent {desk.agent}, incarnation {desk.incarnation}\n")
    else:
        lines = [f"{_named(_spans(confirmed))[0]} arrived" if confirmed else "nothing that was not known"]
        if unconfirmed:
            named, was = _named(_spans(unconfirmed))
            has = "has" if was == "was" else "have"
            lines.append(f"{named} {was} exported and {has} not arrived: logwatch export --again")
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if ours else 1


def take_in(options: Namespace, config: Config) -> int:
    """Take bundles in, and tell what is missing; 1 where something is, or a bundle could not be taken."""
    from collector.importing import bundles_in

    named = [Path(file) for file in options.files]
    carried = _carried_in(config)
    if not named and carried is None:
        raise UsageError('say what is taken in: collector import FILE..., or transport.url = "bundle:DIR"')
    files = bundles_in(named or [carried] if carried else named)
    # Each is looked at first, and then taken.
    # What cannot be looked at is told of when its turn comes.
    total = 2 * sum(file.stat().st_size for file in files if file.is_file())
    with Progress("importing", "B", total) as bar, importing(config, bar.add) as importer:
        imported = importer.take(files)
    if options.receipt and imported.held:
        from transport.whole import whole_file

        with whole_file(Path(options.receipt)) as file:
            file.write(make_receipt(clock(config)[0].now(), imported.held))
    if options.json:
        _write_json(
            {
                "bundles": [
                    {
                        "file": str(taken.file),
                        "agent": taken.header.agent,
                        "incarnation": taken.header.incarnation,
                        "sequences": taken.header.sequences,
                        "new": taken.new,
                        "known": taken.known,
                    }
                    for taken in imported.taken
                ],
                "wrong": imported.wrong,
                "missing": [
                    {"agent": gap.agent, "incarnation": gap.incarnation, "sequences": gap.sequences}
                    for gap in imported.missing
                ],
            }
        )
    else:
        sys.stdout.write(_import_told(imported))
    for wrong in imported.wrong:
        say(wrong, logging.ERROR)
    return 1 if imported.wrong or imported.missing else 0


def _import_told(imported: Imported) -> str:
    lines = [f"{taken.file}: {taken.new} new, {taken.known} known" for taken in imported.taken]
    if not lines and not imported.wrong:
        lines.append("no bundles there")
    for gap in imported.missing:
        verb = "is" if _named(gap.sequences)[1] == "was" else "are"
        lines.append(f"agent {gap.agent}, incarnation {gap.incarnation}: {spelt(gap.sequences)} {verb} missing")
    return "".join(f"{line}\n" for line in lines)


def _named(intervals: Spans) -> tuple[str, str]:
    """Batches for people, and the verb that goes with them."""
    one = len(intervals) == 1 and intervals[0][0] == intervals[0][1]
    return f"{'batch' if one else 'batches'} {spelt(intervals)}", "was" if one else "were"


def _spans(batches: Sequence[Kept]) -> Spans:
    return spans([batch.sequence for batch in batches])


def _write_json(told: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
