"""Asking one firewall: who it is if that is not known, then what is due by each way, no more than its budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.contract import Context, Fault, Observation, Reason, Target
from checks.firewall.answers import Connection, FirewallAnswers
from checks.firewall.further import HOLDS, READERS, SLOWER, Held, read
from checks.firewall.options import AUTO, FirewallOptions, Reader, recognisable
from checks.firewall.questions import Batch, Columns, together
from checks.network import raw
from checks.network.answers import SnmpAnswers, keep
from checks.network.limits import give_up_at
from checks.network.plan import Plan
from checks.network.transform import Answer, spelt
from checks.transports.snmp import Device, Missing, SnmpError
from checks.transports.snmp.asking import Asking
from checks.transports.snmp.errors import Capped
from config.profiles import Identity, load, recognised, search_path
from config.profiles.asks import Read, Way
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID

_CPU = "ridgeway_firewall_cpu_ratio"
_BUSY = 0.9
"""Processor time in use from which a device is spared the slower questions for a while."""


@dataclass(slots=True)
class Kept:
    """What a check keeps from one run to the next while the agent runs: the product, and the slower values."""

    options: FirewallOptions
    profile: str
    batches: dict[Read, tuple[float, SnmpAnswers]] = field(default_factory=dict)
    whole: bool = False
    """Whether the last poll was answered to its end, so that this one need not have the scalars safe first."""
    further: dict[Way, Held] = field(default_factory=dict)
    busy: bool = False
    """Whether the device said at the last run that it is busy."""


async def collect(target: Target, options: FirewallOptions, ctx: Context) -> Observation:
    """Ask one member: the product first where it is not known, then by all ways at once what is due."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    kept = ctx.kept if isinstance(ctx.kept, Kept) and ctx.kept.options == options else None
    asked = _poll(target, options, ctx, deadline)
    if kept is None:
        kept = Kept(options, options.profile if asked is None else await _product(asked, options))
    answers = FirewallAnswers(kept.profile)
    if (asked is None or asked.error is None) and kept.profile not in ("", AUTO):
        ctx.kept = kept
        answers = await _by_all_ways(asked, target, options, kept, ctx, deadline)
        answers.connections.extend(() if asked is None else asked.connections())
        if options.profile == AUTO and answers.read_at.get(Read.SLOWLY) == started and _another(answers):
            ctx.kept = None  # another product answers at this address now: the next run finds out which
    elif asked is not None and asked.error is None:
        answers = FirewallAnswers("", asked.answers)
    fault = None if asked is None or asked.error is None else asked.error.fault()
    told = asked is not None and (asked.answered or asked.error is None)
    faults = [fault, *(part.fault for part in answers.others.values())]
    first = next((one for one in faults if one is not None), None)
    told = told or any(part.read_at for part in answers.others.values())
    if not told and first is None:
        first = Fault(Reason.LOCAL, f"{target.name}: {_NAME_IT}", "firewall/local")
    return Observation(
        target=target.name,
        vantage=ctx.vantage,
        started=started,
        duration=loop.time() - begun,
        answers=answers if told else None,
        fault=first,
    )


_NAME_IT = (
    "without an SNMP credential the product is not recognised: name a `profile` that is read by HTTPS or SSH, or whose "
    "product also is"
)


def _poll(target: Target, options: FirewallOptions, ctx: Context, deadline: float) -> _Poll | None:
    """A poll over SNMP; None where there is no credential for it, or the profile is not read so."""
    credential = target.credentials.get(Way.SNMP)
    if credential is None or (options.profile != AUTO and options.reader.profile.way is not Way.SNMP):
        return None
    device = Device(
        target.address, credential, options.port, options.retries, options.max_oids_per_pdu, options.max_repetitions
    )
    return _Poll(ctx.transports.snmp, device, deadline)


async def _by_all_ways(
    asked: _Poll | None, target: Target, options: FirewallOptions, kept: Kept, ctx: Context, deadline: float
) -> FirewallAnswers:
    readers = options.readers_of(kept.profile)
    ways = [way for way in READERS if way in readers and way in target.credentials]
    further = [
        read(way, readers[way], target, options, kept.further.setdefault(way, Held()), ctx, deadline, kept.busy)
        for way in ways
    ]
    over_snmp = _over_snmp(asked, options, kept, ctx.now())
    if further:
        by_snmp, parts = await asyncio.gather(over_snmp, asyncio.gather(*further))
        answers = replace(by_snmp, others=dict(zip(ways, parts, strict=True)))
    else:
        answers = await over_snmp  # without the tasks, which most firewalls have no need of
    kept.busy = any(_is_busy(reader.plan, said) for reader, said in _read_by(readers, answers))
    return answers


async def _over_snmp(asked: _Poll | None, options: FirewallOptions, kept: Kept, now: float) -> FirewallAnswers:
    if asked is None:
        return FirewallAnswers(kept.profile, by_snmp=False)
    asked.apart = not kept.whole
    answers = await _due(asked, options.reader_of(kept.profile), kept, now)
    kept.whole = asked.error is None
    return answers


def _read_by(readers: Mapping[Way, Reader], answers: FirewallAnswers) -> Iterator[tuple[Reader, SnmpAnswers]]:
    if answers.by_snmp:
        yield readers[Way.SNMP], answers.snmp
    for way, part in answers.others.items():
        yield readers[way], part.answers


def _is_busy(plan: Plan, answers: SnmpAnswers) -> bool:
    """Whether the device says that its processors have little time left for us."""
    for value in plan.scalars:
        if value.family is not None and value.family.name == _CPU:
            said = raw.told(value, answers.values, answers.errors)
            if isinstance(said, int | float) and said * value.scale > _BUSY:
                return True
    return False


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

    def connections(self) -> list[Connection]:
        """How it is asked, as far as that can be told."""
        manner = self.snmp.manner(self.device)
        if manner is None:
            return []
        return [Connection(Way.SNMP, f"snmp-v{manner.version}", manner.signed, manner.well_known)]

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
    budget, ages = reader.profile.budget, kept.options.ages(reader.profile)
    longest = kept.options.longest_ages(reader.profile)
    slower = {often: reader.questions[often] for often in ages if reader.questions[often]}
    answers = await asked.batch(reader.questions[Read.EVERY_RUN], budget.most_rows)
    # A clock that was set back must not keep old values for ever.
    patience = SLOWER if kept.busy else 1.0
    due = [often for often in slower if not _holds(kept.batches.get(often), now, ages[often] * patience)]
    if due and not asked.failed():
        got = await asked.batch(together([slower[often] for often in due]), budget.most_rows, answers.rows)
        if not asked.failed():
            kept.batches.update({often: (now, _part(got, slower[often])) for often in due})
        elif not any(often in kept.batches for often in due):
            _merge(answers, got)
    read_at = {}
    for often in slower:
        if often in kept.batches:
            at, held = kept.batches[often]
            if 0 <= now - at < HOLDS * longest[often]:
                _merge(answers, held)
                read_at[often.value] = at
    return FirewallAnswers(kept.profile, answers, read_at)


def _holds(batch: tuple[float, SnmpAnswers] | None, now: float, age: float) -> bool:
    # A clock that was set back must not keep old values for ever.
    return batch is not None and 0 <= now - batch[0] < age


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
