"""A process's figures in the text format of Prometheus.

Each process has a registry of its own with the figures of the process and of Python beside ours; nothing is counted
in globals. Ours are read from the workers' own counts at the moment they are asked for.

Names are `pharmapulse_<noun>_<unit>[_total]` in base units. No label's values grow without bound, and none is a
pharmacy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from domain.requests import BOUNDS, RequestFigures

Read = Callable[[], Iterable[Metric]]
# Values by their labels (one or two of them), or the one value there is; None where it is not known.
Samples = Mapping[tuple[str], float] | Mapping[tuple[str, str], float] | float | None


class _Reader(Collector):
    """Figures that are read when they are asked for."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """The figures as they are now."""
        return self._read()

    def describe(self) -> Iterable[Metric]:
        """Nothing: what is read needs a running worker, and names are looked at by tests."""
        return ()


def exposition(*reads: Read) -> Callable[[], bytes]:
    """The text of these figures and those of the process itself."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    for read in reads:
        registry.register(_Reader(read))
    return lambda: generate_latest(registry)


def gauge(name: str, text: str, samples: Samples, labels: Sequence[str] = ()) -> Metric:
    """A figure that goes up and down; None where it is not known, and then it has no sample."""
    return _filled(GaugeMetricFamily(f"pharmapulse_{name}", text, labels=labels), samples)


def counter(name: str, text: str, samples: Samples, labels: Sequence[str] = ()) -> Metric:
    """A figure that only grows; `_total` is added to its name."""
    return _filled(CounterMetricFamily(f"pharmapulse_{name}", text, labels=labels), samples)


def summary(name: str, text: str, count: int, total: float) -> Metric:
    """How often something was done, and how much that was in all."""
    return SummaryMetricFamily(f"pharmapulse_{name}", text, count_value=count, sum_value=total)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Metric:
    if isinstance(samples, Mapping):
        for values, value in samples.items():
            family.add_metric(list(values), value)
    elif samples is not None:
        family.add_metric((), samples)
    return family


def request_figures(process: str, figures: RequestFigures) -> Iterable[Metric]:
    """The requests of a web process (`dashboard`, say)."""
    answered = {(rule, str(status)): float(count) for (rule, status), count in figures.answered.items()}
    yield counter(f"{process}_requests", "Requests answered, by route and status.", answered, ("route", "status"))
    bounds = [*map(str, BOUNDS), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(figures.took)), strict=True))
    yield HistogramMetricFamily(
        f"pharmapulse_{process}_request_seconds",
        "How long answers took until their first byte.",
        buckets=buckets,
        sum_value=figures.seconds,
    )
