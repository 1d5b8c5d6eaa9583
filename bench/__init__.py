"""Measurements: how fast and how small, against other tools on the same input in the same run.

Flows in: a number of lines. Flows out: figures on standard output, as a table or as JSON.
"""
