"""Whether a profile's conditions hold for what a device answered. Pure; what cannot be told is None, never a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.plan import Plan, ValuePlan
from checks.network.transform import Answer, Unreadable
from config.profiles.roles import Role, When


@dataclass(frozen=True, slots=True)
class Conditions:
    """The answers of one poll, and the role of the device once that is known."""

    plan: Plan
    answers: SnmpAnswers
    role: Role | None = None

    def relevant(self, conditions: Iterable[When]) -> bool:
        """Whether all hold; one that cannot be told does, for silence must not come from ignorance."""
        return all(self.holds(condition) is not False for condition in conditions)

    def all_hold(self, conditions: Iterable[When]) -> bool:
        """Whether all certainly hold."""
        return all(self.holds(condition) is True for condition in conditions)

    def holds(self, condition: When) -> bool | None:
        """Whether the condition holds; None where the answers do not tell."""
        if condition.role:
            return None if self.role in (None, Role.UNKNOWN) else self.role in condition.role
        if condition.rows is not None:
            count = self.rows(condition.rows)
            if count is None:
                return None
            return count >= condition.least and (condition.most is None or count <= condition.most)
        if condition.value is not None:
            return self._compared(condition, self.plan.by_name[condition.value], self.answers.values)
        return self._every(condition)

    def rows(self, table: str) -> int | None:
        """How many rows a table has; None if it was not read to its end."""
        plan = self.plan.table(table)
        listing = plan.rows_of.oids if plan.rows_of is not None else plan.oids
        read = [oid for oid in listing if oid in self.answers.rows and oid not in self.answers.cut]
        if len(read) < len(listing):
            return None
        return len({index for oid in read for index in self.answers.rows[oid]})

    def _every(self, condition: When) -> bool | None:
        assert condition.every is not None  # one of the four
        plan = self.plan.column(condition.every)
        if any(oid not in self.answers.rows or oid in self.answers.cut for oid in plan.oids):
            return None
        indexes = {index for oid in plan.oids for index in self.answers.rows[oid]}
        if not indexes:
            return condition.absent
        held = [
            self._compared(condition, plan, {oid: self.answers.rows[oid].get(index) for oid in plan.oids})
            for index in sorted(indexes)
        ]
        return None if None in held else all(held)

    def _compared(self, condition: When, plan: ValuePlan, values: Mapping[str, Answer]) -> bool | None:
        try:
            said: Answer = raw.first(plan, values, self.answers.errors)
        except (raw.Absent, raw.Quiet):
            return condition.absent
        except (raw.NotRead, Unreadable):
            return None
        if plan.enum is not None:
            said = raw.word(plan, said) if said is not None else None
            if said is None:
                return None
        if condition.like:
            return raw.like(condition.like, said)
        return said in condition.among
