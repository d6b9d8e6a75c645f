"""What a changed estate would change, before anything is changed: pure functions of two estates and what is open."""

from agent.planning.difference import Change, Difference, Kind, difference
from agent.planning.plan import Open, Plan, TicketOf, make_plan

__all__ = ["Change", "Difference", "Kind", "Open", "Plan", "TicketOf", "difference", "make_plan"]
