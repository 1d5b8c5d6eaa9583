"""Simulated hubs: seeded, labelled traffic with the rhythm of Belgian pharmacies.

Flows in: a seed, a load, a number of pharmacies, a scenario of faults, and a span of time or a clock.
Flows out: log files and the truth about them, rows of past series, and cells of the last days. Everything
is a pure function of those inputs and of time, so that any process computes the same calls.
"""
