"""A process that writes live logs and says how far it is, to be killed by a test."""

import sys
from pathlib import Path

from domain.clock import ManualClock
from simulator.faults import ORDINARY
from simulator.live import LiveWriter
from simulator.world import build_world

if __name__ == "__main__":
    out, start, end = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    clock = ManualClock(start)
    writer = LiveWriter(out, build_world(6, pharmacies=300), ORDINARY, clock, clock, start, kept_hours=100)
    clock.advance(max(0.0, writer.written_to - start))
    while clock.now() < end:
        clock.advance(min(7.3, end - clock.now()))
        writer.step()
        print(writer.written_to, flush=True)
