"""Log files of a span, with the truth about them: the work of `pharmapulse simulate`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from domain.errors import UsageError
from simulator.faults import ORDINARY, Scenario, load_scenario
from simulator.files import usable_directory
from simulator.lines import file_name, render_slice
from simulator.traffic import calls_of_slice, slices
from simulator.truth import Tallier, Truth, write_truth
from simulator.world import World, build_world

Progress = Callable[[int, int], None]
TRUTH_FILE = "truth.json"


def simulate(
    out: Path,
    start: float,
    end: float,
    *,
    seed: int = 1,
    load: float = 1.0,
    pharmacies: int = 5_000,
    scenario: Path | None = None,
    progress: Progress | None = None,
) -> Truth:
    """Write one log file a hub and `truth.json` into `out`; the truth.

    `start` and `end` are epoch seconds; a scenario's `+20m` counts from `start`. `progress` is told minutes
    done and their number. Raises UsageError, InputError or ConfigError for what cannot be simulated.
    """
    world = build_world(seed, load, pharmacies)
    planned = load_scenario(scenario, world, start) if scenario is not None else ORDINARY
    return write_logs(out, start, end, world, planned, progress)


def write_logs(
    out: Path, start: float, end: float, world: World, scenario: Scenario = ORDINARY, progress: Progress | None = None
) -> Truth:
    """Write the lines of all calls that completed from `start` up to `end` (epoch seconds); the truth.

    Files of an earlier run in `out` are replaced; `truth.json` comes last, so that where it is all is there.
    """
    if not start < end:
        raise UsageError("the end of the simulated span must come after its start")
    usable_directory(out)
    (out / TRUTH_FILE).unlink(missing_ok=True)
    numbers = slices(start, end)
    tallier = Tallier(world, scenario, start, end)
    try:
        with ExitStack() as opened:
            files = [opened.enter_context((out / file_name(world, hub)).open("wb")) for hub in range(len(world.hubs))]
            for done, number in enumerate(numbers, 1):
                calls = calls_of_slice(world, scenario, number)
                rendered = render_slice(world, number, calls)
                tallier.add(calls.between(start, end))
                for file, hub in zip(files, rendered.hubs, strict=True):
                    first, last = np.searchsorted(hub.times, [round(start * 1e6), round(end * 1e6)])
                    file.writelines(hub.lines[first:last])
                if progress is not None:
                    progress(done, len(numbers))
        truth = tallier.truth()
        write_truth(out / TRUTH_FILE, truth)
    except OSError as error:
        raise UsageError(f"{out}: the logs cannot be written ({error.strerror})") from error
    return truth
