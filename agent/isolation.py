""" "Am I cut off?": the gateway of the agent's vantage stands behind everything that is probed from there.

The judge treats the gateway as the first thing every target depends on. When the gateway itself does not answer, that
is not one more unreachable target but one cause of its own, `agent/isolated`: what lies behind is unknown, not dead.
A gateway that died and an agent whose cable is out look the same from here, so they share the cause.
"""

from __future__ import annotations

from agent.records import Cause
from checks.contract import REACH
from config.estate import SHARED, Estate, Target

ISOLATED = "agent/isolated"
"""The agent's own way out does not answer."""
SILENT = "agent/checks-silent"
"""The agent runs, but some of its checks have brought no result for too long."""
AWAY = "vantage/away"
"""The prober at a vantage cannot be asked; also what its checks then say of themselves."""
DIFFERS = "vantage/differs"
"""What a check from a vantage says of itself when the prober there reads another estate; the cause is `AWAY` too."""
PATH = "path/unreachable"
"""Targets of a site answer one vantage and not another."""


def gateway_of(estate: Estate, vantage: str) -> str | None:
    """The target that answers for the vantage's way out, when the estate names one."""
    place = estate.vantages.get(vantage)
    return place.gateway if place is not None and place.gateway in estate.targets else None


def isolation(vantage: str) -> Cause:
    """The cause of an agent that is cut off; it belongs to neither council."""
    return Cause(SHARED, vantage, ISOLATED)


def silence(vantage: str) -> Cause:
    """The cause of an agent whose checks no longer report."""
    return Cause(SHARED, vantage, SILENT)


def away(vantage: str) -> Cause:
    """The cause of a prober that cannot be asked."""
    return Cause(SHARED, vantage, AWAY)


def reach_cause(target: Target, gateway: str | None, vantage: str) -> Cause:
    """Into which cause failures to reach this target fold."""
    return isolation(vantage) if target.name == gateway else Cause(target.council, target.name, REACH)


def isolated_text(target: Target, vantage: str, message: str) -> str:
    """The sentence for a person."""
    return (
        f"The agent at {vantage} may be cut off: its gateway {target.name} ({target.address}) does not answer "
        f"({message}). Everything behind it is unknown, not dead. Look at the agent's own network first."
    )[:300]


def unreachable_text(target: Target, message: str) -> str:
    """The sentence for an ordinary target that no check reaches."""
    return f"{target.name} ({target.address}) cannot be reached by any check: {message}"[:300]
