"""The way from the agents to the collector, and from the collector's open buckets to whoever shows them.

Flows in: encoded batches and heartbeats of agents; questions for open buckets. Flows out: the same bytes at
the collector's end, in sequence order for each agent; open rows. `registry` chooses by the URL's scheme.
"""
