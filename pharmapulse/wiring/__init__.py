"""Where every real object is built: from a configuration to an agent, a collector, a dashboard.

Flows in: a configuration. Flows out: running parts with what must be closed after them. One module a theme; what
is heavy is imported where it is built, so that a command loads only its own.
"""

from pharmapulse.wiring.flow import agent, agent_health, collector, collector_health, receiver, sender
from pharmapulse.wiring.pages import dashboard, public_site, status_page
from pharmapulse.wiring.stores import ORIGIN_VARIABLE, clock, live, series, state

__all__ = [
    "ORIGIN_VARIABLE",
    "agent",
    "agent_health",
    "clock",
    "collector",
    "collector_health",
    "dashboard",
    "live",
    "public_site",
    "receiver",
    "sender",
    "series",
    "state",
    "status_page",
]
