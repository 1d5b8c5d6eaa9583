"""Which stretches of time the ledger's files cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from store.arrived import ArrivedBatch
from store.kinds import Kind
from store.manifest import Part


def stretches(
    parts: Iterable[Part], batches: Iterable[ArrivedBatch], kinds: Sequence[Kind]
) -> Sequence[tuple[int, int, int]]:
    """What each part and each arrived batch covers of some kinds: (from, to exclusive, at most how many rows)."""
    seconds = {kind.name: kind.seconds for kind in kinds}
    found = [(part.first, part.last + seconds[part.kind], part.rows) for part in parts if part.kind in seconds]
    for batch in batches:
        found += [(e.start, e.end, batch.rows) for name, e in batch.extents.items() if name in seconds]
    return found
