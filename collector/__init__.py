"""The collector: batches into the ledger, the ledger's cells into series, the open present to whoever asks.

Flows in: batches and heartbeats from a receiver. Flows out: cells booked in the ledger; rows of series, each
written once when its bucket has been complete for the grace, and again when a late cell changes it; open
buckets over a unix socket. Every value comes from `rollup`, whatever the way to it.
"""
