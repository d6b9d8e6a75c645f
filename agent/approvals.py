"""What people approve of what checks remember, beside `agent.commands`: each act has a name and is kept in the audit.

The changed note and its audit entry are one transaction; the check is then asked again, so that its finding follows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.commands import CommandError
from agent.ledger.batch import Audit, Batch, CheckRecord
from agent.ledger.errors import LedgerError
from checks.contract import Approval, Approvals, CheckKind, Memory
from config.estate import CheckSpec, Estate


class UnknownCheck(CommandError):
    """The estate has no such target or check."""


class Notes(Protocol):
    """What checks remember, as `agent.run.Runner` holds it."""

    def remembered(self, check: str) -> Mapping[str, Memory]: ...

    def remember(self, check: str, vantage: str, memory: Memory) -> None: ...

    def start(self, spec: CheckSpec, due: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Noted:
    """What a check remembers of an approved state."""

    spec: CheckSpec
    council: str
    vantage: str
    shown: Mapping[str, Any]
    """As `checks.contract.Approvals.shown` has it; empty before the first reading."""


class ApprovalCommands:
    """Belongs to the event loop's thread."""

    def __init__(
        self,
        estate: Estate,
        kinds: Mapping[str, CheckKind],
        notes: Notes,
        row: Callable[[str, str, Memory], CheckRecord | None],
        keep: Callable[[Batch], Awaitable[object]],
        clock: Callable[[], float],
    ) -> None:
        """`row` makes the ledger's row of a check with this note; `keep` is done once the batch is on disk."""
        self._estate = estate
        self._kinds = kinds
        self._notes = notes
        self._row = row
        self._keep = keep
        self._clock = clock

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self._estate = estate

    def noted(self, target: str | None, check: str | None = None) -> list[Noted]:
        """The approved states, and what waits, of a target or of all. Raises UnknownCheck where there can be none."""
        found: list[Noted] = []
        for spec, council, approvals in self._specs(target, check):
            memories = self._notes.remembered(spec.id)
            found += [Noted(spec, council, at, approvals.shown(memory)) for at, memory in memories.items()]
            if not memories:
                found.append(Noted(spec, council, "", {}))
        if target is not None and not found:
            raise UnknownCheck(
                f"{target}{f'/{check}' if check else ''} has no check whose state is approved; "
                "`ridgeway config show` lists those that have"
            )
        return found

    async def approve(self, target: str, check: str | None, given: Approval) -> list[str]:
        """Approve the state that is noted; returns the ids of the checks. Raises CommandError, LedgerError."""
        if not given.by.strip():
            raise CommandError("every act carries a name: say who you are with --by")
        if not given.change.strip():
            raise CommandError("say with --change which change record stands behind it")
        self.noted(target, check)
        changed = list(self._changed(target, check, given))
        if not changed:
            raise CommandError(f"nothing was read of {target} yet that could be approved; its check has to run first")
        if len({spec.id for spec, _, _ in changed}) > 1:
            names = ", ".join(sorted({spec.id for spec, _, _ in changed}))
            raise CommandError(f"{target} has several: approve one of {names}")
        detail = {"change": given.change, "note": given.note, "state": given.state}
        rows = [self._row(spec.id, vantage, memory) for spec, vantage, memory in changed]
        audit = Audit(given.at, given.by, "config-approve", changed[0][0].id, detail)
        before = {(spec.id, at): self._notes.remembered(spec.id)[at] for spec, at, _ in changed}
        for spec, vantage, memory in changed:
            self._notes.remember(spec.id, vantage, memory)
        try:
            await self._keep(Batch(audit=(audit,), checks=tuple(row for row in rows if row is not None)))
        except LedgerError:
            self._take_back(changed, before)
            raise
        for spec in {spec.id: spec for spec, _, _ in changed}.values():
            self._notes.start(spec, self._clock())
        return sorted({spec.id for spec, _, _ in changed})

    def _take_back(
        self, changed: Sequence[tuple[CheckSpec, str, Memory]], before: Mapping[tuple[str, str], Memory]
    ) -> None:
        """What the audit does not have was not approved; a reading that came meanwhile stays."""
        for spec, vantage, memory in changed:
            if self._notes.remembered(spec.id).get(vantage) is memory:
                self._notes.remember(spec.id, vantage, before[spec.id, vantage])

    def _changed(self, target: str, check: str | None, given: Approval) -> Iterator[tuple[CheckSpec, str, Memory]]:
        for spec, _, approvals in self._specs(target, check):
            for vantage, memory in self._notes.remembered(spec.id).items():
                try:
                    yield spec, vantage, approvals.approved(memory, given)
                except ValueError as error:
                    raise CommandError(f"{spec.id}: {error}; `ridgeway config show {spec.target}` shows it") from error

    def _specs(self, target: str | None, check: str | None) -> Iterator[tuple[CheckSpec, str, Approvals]]:
        if target is not None and target not in self._estate.targets:
            raise UnknownCheck(f"the estate has no target {target}; the page /targets lists what it has")
        for one in self._estate.targets.values():
            if target is None or one.name == target:
                for spec in one.checks:
                    approvals = self._kinds[spec.kind].approvals if spec.kind in self._kinds else None
                    if approvals is not None and (check is None or spec.name == check):
                        yield spec, one.council, approvals
