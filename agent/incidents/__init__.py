"""From alert states to incidents, their timeline and the wishes to the desks. Pure; no I/O, no clock."""

from agent.incidents.errors import AlreadyOver, IncidentError, NotLive, UnknownIncident
from agent.incidents.machine import Incidents
from agent.incidents.priority import priority

__all__ = ["AlreadyOver", "IncidentError", "Incidents", "NotLive", "UnknownIncident", "priority"]
