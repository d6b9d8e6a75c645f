"""Asking one firewall over SNMP: who it is if that is not known, then what is due, no more than its budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from checks.contract import Context, Observation, Target
from checks.firewall.answers import FirewallAnswers
from checks.firewall.options import AUTO, FirewallOptions, Reader, recognisable
from checks.firewall.questions import Batch, Columns, together
from checks.network.answers import SnmpAnswers, keep
from checks.network.limits import give_up_at
from checks.network.transform import Answer, spelt
from checks.transports.snmp import Device, Missing, SnmpError
from checks.transports.snmp.asking import Asking
from checks.transports.snmp.errors import Capped
from config.profiles import Identity, load, recognised, search_path
from config.profiles.model import Read
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID

ROLE = "snmp"
_HOLDS = 3.0
"""How many times their age slower values are still shown and judged while they cannot be read anew."""


@dataclass(slots=True)
class Kept:
    """What a check keeps from one run to the next while the agent runs: the product, and the slower values."""

    options: FirewallOptions
    profile: str
    batches: dict[Read, tuple[float, SnmpAnswers]] = field(default_factory=dict)
    whole: bool = False
    """Whether the last poll was answered to its end, so that this one need not have the scalars safe first."""


async def collect(target: Target, options: FirewallOptions, ctx: Context) -> Observation:
    """Ask one member: the product first where it is not known, then what is due of its profile."""
    device = Device(
        target.address, target.credentials[ROLE], options.port, options.retries, options.max_oids_per_pdu,
        options.max_repetitions,
    )  # fmt: skip
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    asked = _Poll(ctx.transports.snmp, device, give_up_at(ctx.deadline, begun))
    kept = ctx.kept if isinstance(ctx.kept, Kept) and ctx.kept.options == options else None
    if kept is None:
        kept = Kept(options, await _product(asked, options))
    answers = FirewallAnswers(kept.profile)
    if asked.error is None and kept.profile:
        ctx.kept, asked.apart = kept, not kept.whole
        answers = await _due(asked, options.reader_of(kept.profile), kept, started)
        kept.whole = asked.error is None
        if options.profile == AUTO and answers.read_at.get(Read.SLOWLY) == started and _another(answers):
            ctx.kept = None  # another product answers at this address now: the next run finds out which
    elif asked.error is None:
        answers = FirewallAnswers("", asked.answers)
    return Observation(
        target=target.name,
        vantage=ctx.vantage,
        started=started,
        duration=loop.time() - begun,
        answers=answers if asked.error is None or asked.answered else None,
        fault=None if asked.error is None else asked.error.fault(),
    )


@dataclass(slots=True)
class _Poll:
    """One poll under way; its first error ends it."""

    snmp: Asking
    device: Device
    deadline: float
    apart: bool = True
    """Whether scalars are asked before the tables, or with the cells of the tables in fewer questions."""
    error: SnmpError | None = None
    answered: bool = False
    answers: SnmpAnswers = field(default_factory=SnmpAnswers)

    def failed(self) -> bool:
        """Whether a question went without an answer."""
        return self.error is not None

    async def batch(
        self, batch: Batch, most_rows: int, known: Mapping[str, Mapping[str, Answer]] | None = None
    ) -> SnmpAnswers:
        """The batch's scalars and tables, until something fails or more than `most_rows` rows were read.

        `known` are columns that the same poll has read to their end: they may list a table's rows.
        """
        self.answers = answers = SnmpAnswers()
        scalars, cells = batch.oids, []
        if scalars and (self.apart or not batch.tables):
            await self._get(scalars, (), answers)
            scalars = ()
        if self.error is None and batch.tables:
            cells = await self._tables(batch.tables, answers, known or {}, most_rows)
        if self.error is None and (scalars or cells):
            await self._get(scalars, cells, answers)
        elif cells:
            answers.cut.extend(oid for oid in dict.fromkeys(oid for oid, _ in cells) if oid not in answers.cut)
        self.answered = self.answered or bool(answers.values or answers.rows)
        return answers

    async def _get(self, scalars: Sequence[str], cells: Sequence[tuple[str, str]], answers: SnmpAnswers) -> None:
        """Ask for scalars, and for cells by their whole OIDs; a column of which a cell was not answered is cut."""
        named = {f"{oid}.{index}": (oid, index) for oid, index in cells}
        got = await self.snmp.get(self.device, [*scalars, *named], self.deadline)
        self.error = got.error
        keep({oid: got.values[oid] for oid in scalars if oid in got.values}, answers.values, answers.errors)
        for name, (oid, index) in named.items():
            value = got.values.get(name, Missing.ERROR)
            if value is Missing.ERROR:
                if oid not in answers.cut:
                    answers.cut.append(oid)
            elif not isinstance(value, Missing):
                answers.rows[oid][index] = spelt(value) if isinstance(value, bytes) else value

    async def _tables(
        self,
        tables: Sequence[Columns],
        answers: SnmpAnswers,
        known: Mapping[str, Mapping[str, Answer]],
        most_rows: int,
    ) -> list[tuple[str, str]]:
        """Every column that lists rows, and those of the tables that have none such, together.

        Gives the cells, by column and index, that are still to be asked for.
        """
        listed = {table: self._listing(table, tables, known) for table in tables}
        walked = {
            oid: min(table.most_rows, most_rows)
            for table, listing in listed.items()
            for oid in (table.oids if listing is None else table.listing)
            if oid not in known
        }
        if walked:
            await self._walked(walked, answers)
        cells: list[tuple[str, str]] = []
        for table, listing in listed.items():
            rows = max((len(answers.rows.get(oid, ())) for oid in table.oids if oid in walked), default=0)
            most_rows -= rows
            if most_rows < 0 and self.error is None:
                self.error = Capped(f"{self.device.host}: the firewall has more rows than its profile's budget allows")
            if listing is not None and not self.failed():  # else they were not asked, which is another thing than empty
                asked = [oid for oid in table.oids if oid not in answers.rows]
                answers.rows.update({oid: {} for oid in asked})
                indexes = answers.rows[listing] if listing in answers.rows else known[listing]
                cells += [(oid, index) for index in indexes for oid in asked]
        return cells

    def _listing(
        self, table: Columns, tables: Sequence[Columns], known: Mapping[str, Mapping[str, Answer]]
    ) -> str | None:
        """The column whose rows are the table's; None where none is known or read, or SNMPv1 makes cells dear."""
        if not table.listing or self.device.credential.kind == "snmp-v1":
            return None
        (listing,) = table.listing
        return listing if listing in known or any(listing in other.oids for other in tables) else None

    async def _walked(self, most_rows: Mapping[str, int], answers: SnmpAnswers) -> None:
        """Read columns to their end, as many at once as may be."""
        columns = await self.snmp.columns(self.device, tuple(most_rows), self.deadline, most_rows)
        self.error = columns.error
        for oid, cells in columns.rows.items():
            kept: dict[str, Answer] = {}
            answers.rows[oid] = kept
            keep(cells, kept, answers.errors)
            if oid not in columns.complete:
                answers.cut.append(oid)


async def _product(asked: _Poll, options: FirewallOptions) -> str:
    """The profile to read by; empty where none is known for what the device says it is."""
    if options.profile != AUTO:
        return options.profile
    said = await asked.batch(Batch((SYS_OBJECT_ID, SYS_DESCR), ()), 0)
    return "" if asked.error is not None else recognise(said) or ""


def recognise(said: SnmpAnswers) -> str | None:
    """The profile of a firewall that fits sysObjectID and sysDescr; None where none does."""
    identity = Identity(_text(said, SYS_OBJECT_ID), _text(said, SYS_DESCR))
    found = recognised(identity, (load(name, search_path()) for name in recognisable()))
    return None if found is None else found.profile


def _text(said: SnmpAnswers, oid: str) -> str:
    value = said.values.get(oid)
    return value.strip().lstrip(".") if isinstance(value, str) else ""


async def _due(asked: _Poll, reader: Reader, kept: Kept, now: float) -> FirewallAnswers:
    """Everything that holds now: the quick values first, then together what else is due, then what is held of it."""
    budget = reader.profile.budget
    ages = {Read.SLOWLY: budget.slow_seconds, Read.DAILY: budget.daily_seconds}
    slower = {read: reader.questions[read] for read in ages if reader.questions[read]}
    answers = await asked.batch(reader.questions[Read.EVERY_RUN], budget.most_rows)
    # A clock that was set back must not keep old values for ever.
    due = [read for read in slower if read not in kept.batches or not 0 <= now - kept.batches[read][0] < ages[read]]
    if due and not asked.failed():
        got = await asked.batch(together([slower[read] for read in due]), budget.most_rows, answers.rows)
        if not asked.failed():
            kept.batches.update({read: (now, _part(got, slower[read])) for read in due})
        elif not any(read in kept.batches for read in due):
            _merge(answers, got)
    read_at = {}
    for read in slower:
        if read in kept.batches:
            at, held = kept.batches[read]
            if 0 <= now - at < _HOLDS * ages[read]:
                _merge(answers, held)
                read_at[read.value] = at
    return FirewallAnswers(kept.profile, answers, read_at)


def _part(answers: SnmpAnswers, batch: Batch) -> SnmpAnswers:
    """What of the answers is the batch's."""
    columns = {oid for table in batch.tables for oid in table.oids}
    return SnmpAnswers(
        {oid: answers.values[oid] for oid in batch.oids if oid in answers.values},
        {oid: cells for oid, cells in answers.rows.items() if oid in columns},
        [oid for oid in answers.errors if oid in batch.oids],
        [oid for oid in answers.cut if oid in columns],
    )


def _merge(into: SnmpAnswers, other: SnmpAnswers) -> None:
    for oid, value in other.values.items():
        into.values.setdefault(oid, value)
    for oid, cells in other.rows.items():
        into.rows.setdefault(oid, cells)
    into.errors.extend(oid for oid in other.errors if oid not in into.errors)
    into.cut.extend(oid for oid in other.cut if oid not in into.cut)


def _another(answers: FirewallAnswers) -> bool:
    """Whether the device now says that it is something else."""
    return bool(_text(answers.snmp, SYS_OBJECT_ID)) and recognise(answers.snmp) != answers.profile
