"""The demo: simulated hubs, their history, callers, a mailbox, all on a timetable.

Flows in: nothing but a seed. Flows out: what one's own site would have around the product.
"""

from pharmapulse.demo.site import PORTS, Demo

__all__ = ["PORTS", "Demo"]
