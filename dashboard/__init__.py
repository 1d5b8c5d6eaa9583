"""What ops look at: pages, charts and JSON over the series.

Flows in: series (the written past), live buckets (the open present), how far the history has been filled.
Flows out: HTML pages, SVG charts, JSON under `/api/v1`, a stream of events that says "newer is there".
Read-only: nothing here writes anything.
"""
