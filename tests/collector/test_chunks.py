"""The ledger read in pieces: each bounded, all of them everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.chunks import chunks
from domain.cells import add
from store.ledger import open_ledger
from tests.store.some import START, arrival, some_cells


@pytest.mark.parametrize("at_once", [20, 500, 400_000])
def test_pieces_are_bounded_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("collector.chunks.CELLS_AT_ONCE", at_once)
    ledger = open_ledger(tmp_path)
    everything = [some_cells(i, many=200) for i in range(10)]
    for i, cells in enumerate(everything):
        ledger.book(arrival(i + 1, cells))
    start, end = START - 100_000, START + 200_000
    pieces = list(chunks(ledger, start, end))
    assert add([cells for _, cells in pieces]).equals(add(everything))
    assert pieces[-1][0] == end
    assert [past for past, _ in pieces] == sorted({past for past, _ in pieces})
    if at_once == 500:
        # Two hours hold 2,000: none takes more than about twice what it should.
        assert max(len(cells) for _, cells in pieces) <= 3 * at_once
    ledger.close()
