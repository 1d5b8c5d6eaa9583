"""Fuzzing: every parser on what it was never meant to read. `python -m tests.fuzz` is `make fuzz`."""
