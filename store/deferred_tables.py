"""The tables of deferred calls, and the statements on them.

A call's row says nothing of its content: that is sealed in `contents`, and gone once the call is delivered. Lanes and
idempotency keys stand there as keyed digests. `head` marks the first waiting call of each lane (a call without an
ordering key is its own lane), so that what may go out is found without looking at what must wait.
"""

from __future__ import annotations

WAITING, DELIVERED, DEAD = 0, 1, 2

SCRIPTS = (
    """
    CREATE TABLE targets (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, key_name BLOB, secret BLOB,
        held_by TEXT NOT NULL DEFAULT '', held_since REAL, reason TEXT NOT NULL DEFAULT '',
        waiting INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT, receipt TEXT NOT NULL UNIQUE, target INTEGER NOT NULL,
        lane BLOB, known BLOB NOT NULL, state INTEGER NOT NULL, head INTEGER NOT NULL, accepted REAL NOT NULL,
        settled REAL, attempts INTEGER NOT NULL, next_at REAL NOT NULL, error TEXT NOT NULL
    );
    CREATE UNIQUE INDEX calls_known ON calls (target, known);
    CREATE INDEX calls_heads ON calls (target, number) WHERE head = 1;
    CREATE INDEX calls_lanes ON calls (target, lane, number) WHERE state = 0 AND lane IS NOT NULL;
    CREATE INDEX calls_settled ON calls (settled) WHERE settled IS NOT NULL;
    CREATE TABLE contents (
        number INTEGER PRIMARY KEY, key_name BLOB NOT NULL, wrapped BLOB NOT NULL, content BLOB NOT NULL
    );
    CREATE TABLE rates (
        target INTEGER NOT NULL, slot INTEGER NOT NULL, delivered INTEGER NOT NULL, PRIMARY KEY (target, slot)
    );
    CREATE TABLE pulse (one INTEGER PRIMARY KEY, at REAL NOT NULL)
    """,
    "ALTER TABLE calls ADD COLUMN digest BLOB",  # NULL: came in before, and is not compared
)

SECRET = "SELECT key_name, secret FROM targets WHERE id = ?"  # noqa: S105 (a statement)
NEW_SECRET = "UPDATE targets SET key_name = ?, secret = ? WHERE id = ?"  # noqa: S105 (a statement)

PUT = """
    INSERT INTO calls (receipt, target, lane, known, state, head, accepted, attempts, next_at, error, digest)
    SELECT :receipt, :target, :lane, :known, 0,
        :lane IS NULL OR NOT EXISTS (SELECT 1 FROM calls WHERE target = :target AND lane = :lane AND state = 0),
        :now, 0, 0, '', :digest
    WHERE true ON CONFLICT (target, known) DO NOTHING
"""
CONTENT = "INSERT INTO contents VALUES (?, ?, ?, ?)"
KNOWN = "SELECT receipt, state, accepted, settled, digest FROM calls WHERE target = ? AND known = ?"
RECEIPT = """
    SELECT calls.receipt, targets.name, state, accepted, settled
    FROM calls JOIN targets ON targets.id = calls.target WHERE receipt = ?
"""
DUE = """
    SELECT number, receipt, lane, attempts, next_at FROM calls
    WHERE target = (SELECT id FROM targets WHERE name = ? AND held_since IS NULL) AND head = 1 AND next_at <= ?
    ORDER BY number LIMIT ?
"""
OPEN = "SELECT key_name, wrapped, content FROM contents WHERE number = ?"
SETTLE = """
    UPDATE calls SET state = ?, head = 0, lane = NULL, settled = ?, attempts = attempts + 1, error = ?
    WHERE number = ? AND state = 0
"""
NEXT_OF_LANE = """
    UPDATE calls SET head = 1 WHERE number =
        (SELECT min(number) FROM calls WHERE target = ? AND lane = ? AND state = 0 AND lane IS NOT NULL)
"""
FAILED = "UPDATE calls SET attempts = attempts + 1, error = ?, next_at = ? WHERE number = ? AND state = 0"
ADD_RATE = """
    INSERT INTO rates VALUES (?, ?, ?)
    ON CONFLICT (target, slot) DO UPDATE SET delivered = delivered + excluded.delivered
"""
STATUS = "SELECT id, held_by, held_since, reason, waiting, delivered, dead FROM targets WHERE name = ?"
OLDEST = "SELECT accepted FROM calls WHERE target = ? AND head = 1 ORDER BY number LIMIT 1"
LATELY = "SELECT coalesce(sum(delivered), 0) FROM rates WHERE target = ? AND slot > ? AND slot <= ?"
OTHER_KEYS = """
    SELECT contents.number, calls.receipt, contents.key_name, contents.wrapped
    FROM contents JOIN calls USING (number)
    WHERE contents.number > ? AND calls.target = ? AND contents.key_name != ? ORDER BY contents.number LIMIT ?
"""
