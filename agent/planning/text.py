"""A plan as a person reads it at 02:00, and as JSON. Long lists are cut, and say by how much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agent.planning.difference import Change, Kind
from agent.planning.plan import Plan

NAMED = 20
"""Entries of one section that are named."""
_SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.RENAMED: ">", Kind.CHANGED: "~"}


def plan_text(plan: Plan, *, agent: bool = True) -> str:
    """Every line a fact; the last says what to do, where an `agent` made the plan."""
    return "\n".join([*_lines(plan), *(_next_step(plan) if agent else ())]) + "\n"


def plan_json(plan: Plan, *, agent: bool = True) -> dict[str, Any]:
    """Everything, uncut."""
    return {
        "estate": plan.estate,
        "before": plan.before,
        "after": plan.after,
        "expect": plan.expect,
        "empty": plan.empty,
        "refusals": list(plan.refusals),
        "suspicions": list(plan.suspicions),
        "changes": [
            {
                "section": one.section,
                "change": one.kind.value,
                "name": one.name,
                "was": one.was or None,
                "fields": list(one.fields),
            }
            for one in plan.difference.changes
        ],
        "incidents_withdrawn": [
            {
                "incident": one.incident,
                "priority": one.priority,
                "cause": str(one.cause),
                "tickets_closed": [{"desk": ticket.desk, "ticket": ticket.ticket} for ticket in one.tickets],
            }
            for one in plan.withdrawn
        ],
        "incidents_renamed": [
            {"incident": one.incident, "was": str(one.old), "is": str(one.new)} for one in plan.renamed
        ],
        "incidents_routed_otherwise": [
            {"incident": one.incident, "cause": str(one.cause), "now": list(one.now), "then": list(one.then)}
            for one in plan.rerouted
        ],
        "text": plan_text(plan, agent=agent),
    }


def summary(plan: Plan) -> str:
    """The plan in one line: `targets: 2 added, 1 removed; routes: 1 changed`."""
    parts = []
    for section in plan.difference.before:
        counted = _counted(plan.difference.of(section))
        if counted:
            parts.append(f"{section}: {counted}")
    return "; ".join(parts) or "nothing changed"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"Estate {plan.estate}: revision {plan.before[:12] or 'none'} in force, {plan.after[:12]} to come"
    if plan.empty:
        same = plan.before == plan.after
        yield (
            "Nothing changes." if same else "Nothing changes but the revision (comments, order, or how it is written)."
        )
    for section in plan.difference.before:
        changes = plan.difference.of(section)
        if changes:
            yield f"{section}: {_counted(changes)}; {plan.difference.after[section]} then"
            yield from _cut([_line(change) for change in changes])
    yield from _incidents(plan)
    yield from (f"REFUSED: {sentence}" for sentence in plan.refusals)
    if plan.suspicions:
        yield f"LOOKS HALF WRITTEN: {'; '.join(plan.suspicions)}."


def _next_step(plan: Plan) -> Iterator[str]:
    if plan.refusals:
        return
    if plan.suspicions:
        yield f"If it is meant: ridgeway apply --expect {plan.expect} --change REFERENCE"
    elif plan.before != plan.after:
        yield f"To put it in force: ridgeway apply --expect {plan.expect} --change REFERENCE"


def _incidents(plan: Plan) -> Iterator[str]:
    if plan.withdrawn:
        closing = sum(len(one.tickets) for one in plan.withdrawn)
        yield f"incidents: {len(plan.withdrawn)} withdrawn, for nothing watches their cause; {closing} ticket(s) close"
        yield from _cut(
            [
                f"  - {one.incident} {one.priority} {one.cause}"
                + "".join(
                    f"; ticket {ticket.ticket or '(not made yet)'} at {ticket.desk} closes" for ticket in one.tickets
                )
                for one in plan.withdrawn
            ]
        )
    if plan.renamed:
        yield f"incidents: {len(plan.renamed)} go on under another name, with their tickets"
        yield from _cut([f"  > {one.incident} {one.old} is now {one.new}" for one in plan.renamed])
    if plan.rerouted:
        yield f"incidents: {len(plan.rerouted)} keep their desks, where a new one would go elsewhere"
        yield from _cut(
            [f"  ~ {one.incident} {one.cause}: {_desks(one.now)}, then {_desks(one.then)}" for one in plan.rerouted]
        )
    if not plan.empty:
        yield "tickets: none opens by this; an incident's desks are chosen when it opens"


def _desks(names: Sequence[str]) -> str:
    return " and ".join(names) or "no desk"


def _counted(changes: Iterable[Change]) -> str:
    changes = list(changes)
    counts = ((kind, sum(change.kind is kind for change in changes)) for kind in Kind)
    return ", ".join(f"{count} {kind}" for kind, count in counts if count)


def _line(change: Change) -> str:
    name = f"{change.was} is now {change.name}" if change.was else change.name
    fields = ", ".join(change.fields)
    return f"  {_SIGNS[change.kind]} " + ": ".join(part for part in (name, fields) if part)


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:NAMED]
    if len(lines) > NAMED:
        yield f"    … and {len(lines) - NAMED} more"
