"""Taking the technical figures of lines into gauges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from domain.cells import BUCKET_SECONDS
from domain.formats import Value
from domain.gauges import KEY, SCHEMA, empty
from logwatch.events import NO_VALUE, EventBlock
from logwatch.registry import Registry
from logwatch.times import US

_BUCKET_US = BUCKET_SECONDS * US


def gauge(
    blocks: Sequence[tuple[str, EventBlock]], declared: Mapping[str, Mapping[str, Value]], registry: Registry
) -> pl.DataFrame:
    """The gauges of some events (schema of `domain.gauges`, sorted by key).

    Each block comes with the name of its source, and `declared` has the figures of each source's format.
    """
    figures = [
        (source, name, block, there)
        for source, block in blocks
        for name, values in block.values.items()
        if len(there := np.flatnonzero(values != NO_VALUE))
    ]
    if not figures:
        return empty()
    # Numbers for texts until the rows are few: of each figure of a source, and the registry's of hubs and servers.
    whats = {what: number for number, what in enumerate(dict.fromkeys((source, name) for source, name, *_ in figures))}
    lines = pl.DataFrame(
        {
            "what": np.concatenate([np.full(len(there), whats[source, name]) for source, name, _, there in figures]),
            "hub_id": np.concatenate([block.ids["hub"][there] for *_, block, there in figures]),
            "server_id": np.concatenate([block.ids["server"][there] for *_, block, there in figures]),
            "time_us": np.concatenate([block.time_us[there] for *_, block, there in figures]),
            "value": np.concatenate([block.values[name][there] for _, name, block, there in figures]),
        }
    )
    bucket = (pl.col("time_us") // _BUCKET_US * BUCKET_SECONDS).alias("bucket")
    newest = pl.col("time_us") == pl.col("time_us").max()
    rows = lines.group_by("what", "hub_id", "server_id", bucket).agg(
        pl.len().cast(pl.Int64).alias("count"),
        pl.col("value").sum().alias("sum"),
        pl.col("value").min().alias("min"),
        pl.col("value").max().alias("max"),
        pl.col("time_us").max().alias("last_us"),
        # Of equal times the greatest value is the last, as where gauges are added.
        pl.col("value").filter(newest).max().alias("last"),
    )
    hubs, servers = (registry.dictionaries[key].values for key in ("hub", "server"))
    said = [declared[source][name] for source, name in whats]
    texts: dict[str, list[str]] = {
        "source": [source for source, _ in whats],
        "name": [name for _, name in whats],
        "unit": [value.unit for value in said],
        "kind": [value.kind for value in said],
    }
    return (
        rows.with_columns(
            pl.Series("hub", hubs, dtype=pl.String).gather(rows["hub_id"]),
            pl.Series("server", servers, dtype=pl.String).gather(rows["server_id"]),
            *(pl.Series(key, values, dtype=pl.String).gather(rows["what"]) for key, values in texts.items()),
        )
        .select(SCHEMA.names())
        .sort(KEY)
    )
