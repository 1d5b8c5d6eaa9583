"""Reading the text format of Prometheus."""

from __future__ import annotations


def samples(text: bytes) -> dict[str, float]:
    """Each sample of ours by its name with labels."""
    lines = (line for line in text.decode().splitlines() if line.startswith("pharmapulse_"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def names(text: bytes) -> set[str]:
    """The names of our metrics, as `# TYPE` lines tell them."""
    return {line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE pharmapulse_")}
