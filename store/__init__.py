"""What must not be lost, on disk: the agent's outbox, the collector's ledger, the site's state.

Flows in: cells and file positions (the outbox), encoded batches and how far they are complete (the ledger),
floors and progress (the state). Flows out: batches that wait, cells of a time span, the set of sequences held.
Only this package opens databases. The outbox and the ledger's manifest are plain SQLite; the state goes
through SQLAlchemy, so that PostgreSQL can hold it as well.
"""
