"""What is judged, kept as incidents, and told.

Flows in: open buckets and series (what happened), the same time last week (what was expected), planned restarts.
Flows out: incidents with their journal in the state, notifications with a graph, the published document.
"""
