"""The rows of open buckets, for LiveBuckets: computed as those that will be written, as far as calls are known."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import polars as pl

from collector.buckets import OpenStep
from collector.rollup import dense, measure
from domain.ports import LiveRows
from domain.series import Key, Rows, bucket_span, floor_bucket


def open_rows(step: OpenStep, last: int | None, mark: float, keys: Sequence[Key] | None) -> LiveRows:
    """Rows from the first bucket not written to the one that holds the watermark or the last call.

    Unknown before a key's first call, and where no call was seen beyond the watermark.
    """
    newest = max(mark, mark if last is None else last)
    rows = (floor_bucket(newest, step.step, step.zone) - step.next) // step.step + 1
    wanted = sorted(step.births) if keys is None else [key for key in keys if key in step.births]
    if rows <= 0 or not wanted:
        return LiveRows(mark, MappingProxyType({}))
    bins = step.bins()
    if keys is not None and len(wanted) < len(step.births):
        named = pl.DataFrame(wanted, schema=dict.fromkeys(step.family.dimensions, pl.Categorical), orient="row")
        bins = bins.join(named, on=step.family.dimensions, how="semi")
    values = dense(measure(bins, step.family), step.family, wanted, step.next, step.step, rows)
    beyond = -(-(int(mark) + 1 - bucket_span(step.next, step.step, step.zone)[0]) // step.step)
    found: dict[Key, Rows] = {}
    for key, table in zip(wanted, values, strict=True):
        tail = table[max(0, beyond) :]
        tail[tail[:, 0] == 0] = np.nan
        birth = step.births[key]
        before = (floor_bucket(birth, step.step, step.zone) - step.next) // step.step if birth > step.begins else 0
        table[: max(0, before)] = np.nan
        found[key] = Rows(step.next, step.step, step.family.sources, table)
    return LiveRows(mark, MappingProxyType(found))
