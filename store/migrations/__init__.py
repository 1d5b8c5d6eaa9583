"""Alembic's scripts for the state: one file in `versions/` for each step forward."""
