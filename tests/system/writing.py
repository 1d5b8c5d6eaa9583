"""Hub logs as busy hubs write and rotate them, by a process of its own: `python -m tests.system.writing PLAN.json`.

So many lines a second go into so many files, a call's line now and then cut in two; each file is rotated every so
many seconds by its own method. Lines are taken from a store of ready ones and only their time is new, so that 5,000
a second cost a few hundredths of a core. What was written is counted as it is made, by the line's own words and
nothing of the product's, and told at the end (`truth.parquet`, `truth.json`).

Commands come on standard input, a line each: `read T` (all files are read up to the moment T, so that what was
rotated away before may be deleted) and `stop`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from tests.system.rotating import METHODS, LogFile

Numbers = npt.NDArray[np.int64]

STEP_SECONDS = 0.05
BUCKET_SECONDS = 10
US = 1_000_000
# Each hub and how it writes. The classes of their codes are DOMAIN's.
HUBS = {"dpp": "calls", "recipe": "calls", "ehealth": "calls", "mycarenet": "access"}
CODES = {
    "calls": {"TIP_200": "ok", "TIP_201": "ok", "PCDH_ERROR_NOT_AUTHORIZED": "functional", "TIP_999": "technical"},
    "access": {"200": "ok", "404": "functional", "503": "technical"},
}
CODE_SHARES = {"calls": (0.9, 0.05, 0.04, 0.01), "access": (0.95, 0.04, 0.01)}
MARKER = "latency.marker"
# What becomes of a line, by the store's numbers.
FATES = ("events", "malformed", "ignored")
_READY = 2_000
_CUT_SHARE = 0.2
_MALFORMED_SHARE, _COMMENT_SHARE, _PATIENT_SHARE = 0.001, 0.001, 0.3
# Synthetic patients, of whom none was ever born.
_PATIENTS = ("50010199928", "64022999971", "75123199921", "00010199974", "04022999904")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is written: `rate` lines a second into `files` below `folder`, each rotated every `rotate_seconds`."""

    folder: str
    seed: int = 1
    rate: float = 5_000.0
    files: int = 40
    rotate_seconds: float = 60.0
    methods: tuple[str, ...] = METHODS
    endpoints: int = 6
    vendors: int = 6
    pharmacies: int = 300


class Ready:
    """The store of ready lines of one hub: what stands before and after the time, and what each line says."""

    def __init__(self, hub: str, plan: Plan, chance: np.random.Generator) -> None:
        self.hub, self.kind = hub, HUBS[hub]
        codes = list(CODES[self.kind])
        size = _READY
        self.endpoint = [f"{hub}.op{n}" for n in chance.integers(0, plan.endpoints, size)]
        self.endpoint[0] = MARKER
        self.vendor = [f"soft{chr(97 + n)}" for n in chance.integers(0, plan.vendors, size)]
        self.version = [f"4.{n}" for n in chance.integers(0, 3, size)]
        self.pharmacy = [_pharmacy(int(n) + 1) for n in chance.integers(0, plan.pharmacies, size)]
        self.server = [f"{hub}-{n}" if self.kind == "calls" else "" for n in chance.integers(1, 3, size)]
        self.code = [codes[n] for n in chance.choice(len(codes), size, p=CODE_SHARES[self.kind])]
        self.duration_us = np.maximum(1, chance.lognormal(np.log(90), 0.7, size).astype(np.int64)) * 1_000
        if self.kind == "access":
            self.duration_us += chance.integers(0, 1_000, size)
        self.fate = np.zeros(size, dtype=np.int64)
        odd = chance.random(size)
        self.fate[odd < _MALFORMED_SHARE + _COMMENT_SHARE] = 2 if self.kind == "calls" else 1
        self.fate[odd < _MALFORMED_SHARE] = 1
        self.fate[0] = 0
        patients = np.where(chance.random(size) < _PATIENT_SHARE, chance.integers(0, len(_PATIENTS), size), -1)
        self.parts = [self._parts(place, int(patient), chance) for place, patient in enumerate(patients)]

    def _parts(self, at: int, patient: int, chance: np.random.Generator) -> tuple[bytes, bytes]:
        if self.fate[at]:
            return (b"# rotated at ", b"\n") if self.fate[at] == 2 else (b"java.net.SocketTimeoutException at ", b"\n")
        text = "" if patient < 0 else _PATIENTS[patient]
        if self.kind == "calls":
            said = f"PatientId : {text}PatientIdType" if text else "request handled, response sent"
            after = (
                f" level=INFO server={self.server[at]} op={self.endpoint[at]} client={self.vendor[at]} "
                f"version={self.version[at]} apb={self.pharmacy[at]} code={self.code[at]} "
                f'dt={self.duration_us[at] // 1_000} sguid={chance.integers(1 << 62):016x} msg="{said}"\n'
            )
            return b"ts=", after.encode()
        where = f"/subject/{text}/" if text else ""
        after = (
            f'] "POST /mycarenet/{self.endpoint[at]}{where} HTTP/1.1" {self.code[at]} 1834 "-" '
            f'"{self.vendor[at]}/{self.version[at]}" {self.duration_us[at]}\n'
        )
        return f"10.0.{at >> 8}.{at & 255} - {self.pharmacy[at]} [".encode(), after.encode()


class Truth:
    """What was written, counted by bucket and ready line."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], Numbers] = {}
        self.lines: Counter[str] = Counter()
        self.bytes = 0

    def add(self, ready: Ready, now_ms: int, places: Numbers, size: int) -> int:
        """Count lines written with the time `now_ms`; the bucket of a line that takes no time."""
        times_us = np.full(len(places), now_ms * 1_000)
        if ready.kind == "access":
            times_us = times_us // US * US + ready.duration_us[places]
        buckets = times_us // US // BUCKET_SECONDS * BUCKET_SECONDS
        for bucket in np.unique(buckets).tolist():
            counts = self._counts.setdefault((ready.hub, bucket), np.zeros(_READY, dtype=np.int64))
            np.add.at(counts, places[buckets == bucket], 1)
        fates = np.bincount(ready.fate[places], minlength=len(FATES)).tolist()
        self.lines.update(dict(zip(FATES, fates, strict=True)))
        self.bytes += size
        return int(buckets[-1]) if len(buckets) else 0

    def cells(self, ready: dict[str, Ready]) -> pl.DataFrame:
        """The calls by bucket and key, with their sum of durations and the longest."""
        frames = [pl.DataFrame(schema=CELLS)]
        for (hub, bucket), counts in self._counts.items():
            of = ready[hub]
            seen = np.flatnonzero((counts > 0) & (of.fate == 0))
            frames.append(
                pl.DataFrame(
                    {
                        "bucket": np.full(len(seen), bucket), "hub": [hub] * len(seen),
                        **{name: [getattr(of, name)[place] for place in seen] for name in KEYS[1:]},
                        "class": [CODES[of.kind][of.code[place]] for place in seen],
                        "calls": counts[seen], "sum_us": counts[seen] * of.duration_us[seen],
                        "max_us": of.duration_us[seen],
                    },
                    schema=CELLS,
                )
            )  # fmt: skip
        by = ["bucket", *KEYS, "class"]
        totals = pl.col("calls").sum(), pl.col("sum_us").sum(), pl.col("max_us").max()
        return pl.concat(frames).group_by(by).agg(*totals).sort(by)


KEYS = ("hub", "endpoint", "vendor", "version", "pharmacy", "server", "code")
CELLS = pl.Schema(
    {"bucket": pl.Int64, **dict.fromkeys((*KEYS, "class"), pl.String), "calls": pl.Int64, "sum_us": pl.Int64,
     "max_us": pl.Int64}
)  # fmt: skip


class Writer:
    """Writes as planned until told to stop."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._folder = plan, Path(plan.folder)
        self._chance = np.random.default_rng(plan.seed)
        self._ready = {hub: Ready(hub, plan, self._chance) for hub in HUBS}
        self._truth = Truth()
        self.markers: list[tuple[str, int, float]] = []
        self.read_up_to, self.stopping = 0.0, threading.Event()
        hubs = list(HUBS)
        now = time.time()
        self._logs: list[tuple[LogFile, Ready]] = []
        for place in range(plan.files):
            hub, method = hubs[place % len(hubs)], plan.methods[place // len(hubs) % len(plan.methods)]
            (self._folder / hub).mkdir(parents=True, exist_ok=True)
            # Spread over the minute, as those of many machines are.
            first = now + plan.rotate_seconds * (0.5 + place / plan.files)
            log = LogFile(self._folder / hub / f"{hub}-{place:02d}.log", method, first, plan.rotate_seconds)
            self._logs.append((log, self._ready[hub]))

    def run(self) -> None:
        """Write what is due, step by step."""
        begun, written, step = time.time(), 0, 0
        while not self.stopping.is_set():
            now = time.time()
            due = int((now - begun) * self._plan.rate) - written
            shares = self._chance.multinomial(due, [1 / len(self._logs)] * len(self._logs))
            for place, ((log, ready), count) in enumerate(zip(self._logs, shares.tolist(), strict=True)):
                self._write(log, ready, count, marked=step % len(self._logs) == place)
                log.keep_house(time.time(), self.read_up_to)
            written += due
            step += 1
            self.stopping.wait(max(0.0, begun + step * STEP_SECONDS - time.time()))
        for log, _ in self._logs:
            log.close()

    def _write(self, log: LogFile, ready: Ready, count: int, *, marked: bool) -> None:
        now_ms = time.time_ns() // 1_000_000
        places = self._chance.integers(1, _READY, count)
        if marked:
            places = np.append(places, 0)
        if not len(places):
            return
        stamp = _stamp(now_ms, ready.kind)
        lines = [b"%b%b%b" % (ready.parts[place][0], stamp, ready.parts[place][1]) for place in places.tolist()]
        data = b"".join(lines)
        bucket = self._truth.add(ready, now_ms, places, len(data))
        if marked:
            self.markers.append((ready.hub, bucket, time.time()))
            log.write(data)
        else:
            cut = int(self._chance.integers(len(data))) if self._chance.random() < _CUT_SHARE else len(data)
            log.write(data, cut)

    def tell(self) -> None:
        """Leave what was written beside the logs' folder."""
        out = self._folder.parent
        self._truth.cells(self._ready).write_parquet(out / "truth.parquet")
        rotations: Counter[str] = Counter()
        for log, _ in self._logs:
            rotations[log.method] += log.rotations
        told = {
            "lines": sum(self._truth.lines.values()), **self._truth.lines, "bytes": self._truth.bytes,
            "rotations": rotations, "markers": self.markers, "cpu_seconds": time.process_time(),
        }  # fmt: skip
        (out / "truth.json").write_text(json.dumps(told))


def _stamp(now_ms: int, kind: str) -> bytes:
    of = time.gmtime(now_ms // 1_000)
    if kind == "access":
        return time.strftime("%d/%b/%Y:%H:%M:%S +0000", of).encode()
    return b"%b.%03d+00:00" % (time.strftime("%Y-%m-%dT%H:%M:%S", of).encode(), now_ms % 1_000)


def _pharmacy(number: int) -> str:
    """A number that no pharmacy was given (they begin with a province's digit), with its check digits."""
    return f"{number:06d}{97 - number % 97:02d}"


def main() -> None:
    """Write until standard input says `stop`, or ends."""
    writer = Writer(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan))

    def hear() -> None:
        for line in sys.stdin:
            word, _, value = line.strip().partition(" ")
            if word == "stop":
                break
            writer.read_up_to = float(value)
        writer.stopping.set()

    threading.Thread(target=hear, name="orders", daemon=True).start()
    writer.run()
    writer.tell()
    sys.stdout.flush()
    os._exit(0)  # the thread may still wait for an order


if __name__ == "__main__":
    main()
