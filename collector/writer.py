"""Rows into series: the buckets that ended, for every living series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from collector.buckets import OpenStep
from collector.floors import Floors
from collector.rollup import dense, measure
from domain.ports import SeriesStore
from domain.series import DAY, Family, Key, Rows, SeriesKey, bucket_span, floor_bucket

# Floats of one array of rows: bounds the memory of writing days of rows for thousands of keys.
_FLOATS_AT_ONCE = 2_000_000


def first_kept(family: Family, step: int, now: float, zone: ZoneInfo) -> int:
    """The oldest bucket that the family keeps of a step at a time."""
    return floor_bucket(now - family.days[step] * DAY, step, zone)


def first_bucket_from(time: int, step: int, zone: ZoneInfo) -> int:
    """The first bucket that begins at `time` or later."""
    bucket = floor_bucket(time, step, zone)
    return bucket if bucket_span(bucket, step, zone)[0] >= time else bucket + step


@dataclass(frozen=True, slots=True)
class Ended:
    """Buckets that ended: `rows` of them from `start`, the living keys with their births, what was measured."""

    start: int
    rows: int
    births: Mapping[Key, int]
    measured: pl.DataFrame


class SeriesWriter:
    """Writes what ended. Writing the same again changes nothing: the store skips rows it has."""

    def __init__(self, series: SeriesStore, zone: ZoneInfo) -> None:
        self._series, self._zone = series, zone

    def ended_rows(self, step: OpenStep, end: int, now: float) -> Ended:
        """What is to be written of the buckets before `end`, as far as the family keeps them."""
        start = max(step.next, first_kept(step.family, step.step, now, self._zone))
        past = bucket_span(end, step.step, self._zone)[0]
        births = {key: birth for key, birth in step.births.items() if birth < past}
        return Ended(start, max(0, end - start) // step.step, births, measure(step.ended(end), step.family))

    def write(self, step: OpenStep, ended: Ended, floors: Floors | None) -> None:
        """Write them for all living keys; the step is not advanced here.

        With `floors` some may lie below a series' floor, where only its file knows them, and are left out.
        Raises SeriesError; what is written by then is written, and may be written again.
        """
        family, seconds, start = step.family, step.step, ended.start
        if not ended.rows:
            return
        keys = list(ended.births)
        at_once = max(1, _FLOATS_AT_ONCE // (ended.rows * len(family.sources)))
        for first in range(0, len(keys), at_once):
            group = keys[first : first + at_once]
            values = dense(ended.measured, family, group, start, seconds, ended.rows)
            for key, table in zip(group, values, strict=True):
                series = SeriesKey(family.name, key)
                begin = max(start, floor_bucket(ended.births[key], seconds, self._zone))
                if floors is not None:
                    begin = max(begin, first_bucket_from(floors.of(series), seconds, self._zone))
                if begin < start + ended.rows * seconds:
                    rows = table[(begin - start) // seconds :]
                    self._series.write(series, Rows(begin, seconds, family.sources, rows))
