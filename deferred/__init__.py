"""Calls held back and drained: what a restart of a hub would otherwise lose or turn into a crowd.

Flows in: HTTP calls for a target. Flows out: the same calls to the target, once it may take them, at a set rate and
in order for each key; receipts, and how long the queue is.
"""
