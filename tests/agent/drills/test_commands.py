"""What is refused before a drill begins, what is probed where nobody says, and what is left when it cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio

from agent.commands import CommandError
from agent.drills import commands as module
from agent.drills.commands import DrillCommands, Wanted
from agent.drills.records import Drill, Outcome
from agent.drills.under_way import Sight
from agent.ledger.batch import Audit, MaintenanceWindow
from agent.ledger.errors import LedgerClosed
from agent.windows import Windows
from checks.contract import Reason
from checks.network.tcp import TcpOptions
from checks.transports import Transports
from checks.transports.fault import TransportFault
from config.estate import Estate
from testbeds import kept
from testbeds.agent import Service
from testbeds.judging import check, estate, target

NOW = kept.NOW


@dataclass
class World:
    """A real listener, real transports, and a ledger that takes what it is told to."""

    service: Service
    transports: Transports
    takes: bool = True
    hangs: bool = False
    drills: list[Drill] = field(default_factory=list)
    windows_kept: list[MaintenanceWindow] = field(default_factory=list)
    audit: list[Audit] = field(default_factory=list)
    told: Mapping[tuple[str, str], float] = field(default_factory=dict)
    windows: Windows = field(init=False)
    commands: DrillCommands = field(init=False)

    def make(self, of: Estate, proven: Mapping[str, float] | None = None) -> None:
        async def fresh(_spec: object) -> object:
            return None

        self.windows = Windows(of)
        sight = Sight(lambda _spec: [], lambda _spec: [], lambda _specs: None, fresh)
        self.commands = DrillCommands(
            of, self.windows, self.transports, sight, self.keep, lambda: NOW, proven or {}, self.hear
        )

    def hear(self, proven: Mapping[tuple[str, str], float]) -> None:
        self.told = proven

    def keep(self, **rows: Any) -> Future[object] | None:
        self.drills += rows.get("drills", ())
        self.windows_kept += rows.get("maintenance", ())
        self.audit += rows.get("audit", ())
        kept_at: Future[object] = Future()
        if not self.takes:
            kept_at.set_exception(LedgerClosed("the ledger is closed"))
        elif not self.hangs:
            kept_at.set_result(())
        return kept_at

    def wanted(self, **fields: Any) -> Wanted:
        return replace(Wanted("forum", "jo", "yearly"), **fields)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    service = Service()
    transports = Transports.open()
    made = World(service, transports)
    spec = check("forum", "web", kind="tcp", options=TcpOptions(port=service.port))
    forum = replace(target("forum", spec), address="127.0.0.1")
    made.make(estate(forum, replace(target("bare"), address="127.0.0.1")))
    try:
        yield made
    finally:
        await made.commands.stop()
        await transports.close()
        service.close()


class NoPing:
    """An ICMP transport on a machine that does not permit it."""

    async def ping(self, *_: object, **__: object) -> None:
        raise TransportFault(Reason.LOCAL, "not permitted")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"by": " "}, "say who you are"),
        ({"target": "nothing"}, "no target nothing"),
        ({"seconds": 59.0}, "from 1 minute to 4 hours"),
        ({"seconds": 14_401.0}, "from 1 minute to 4 hours"),
        ({"probes": tuple(f"icmp:192.0.2.{n}" for n in range(5))}, "at most 4 places"),
        ({"probes": ("udp:host:53",)}, "write tcp:HOST:PORT"),
        ({"until_whole": True}, "nothing tells when forum is whole"),
    ],
)
async def test_what_cannot_be_drilled_is_refused_and_nothing_is_announced(
    world: World, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        await world.commands.begin(world.wanted(**fields))

    assert (world.drills, world.windows_kept, dict(world.windows.added)) == ([], [], {})


async def test_where_ping_is_not_permitted_a_port_that_a_check_asks_is_probed(world: World) -> None:
    world.transports = replace(world.transports, icmp=NoPing())  # type: ignore[arg-type]
    world.make(world.commands._estate)

    await world.commands.begin(world.wanted())

    assert world.commands.under_way is not None
    assert [one.probe for one in world.commands.under_way.now().evidence.probes] == [
        f"tcp:127.0.0.1:{world.service.port}"
    ]


async def test_a_target_of_which_nothing_is_answered_is_refused_with_every_reason(world: World) -> None:
    world.service.close()
    world.transports = replace(world.transports, icmp=NoPing())  # type: ignore[arg-type]
    world.make(world.commands._estate)

    with pytest.raises(CommandError, match=r"icmp:127\.0\.0\.1: this machine may not.*connection is refused.*--probe"):
        await world.commands.begin(world.wanted())


async def test_of_two_that_are_begun_at_the_same_moment_one_is_refused(world: World) -> None:
    probe = f"tcp:127.0.0.1:{world.service.port}"

    outcomes = await asyncio.gather(
        *(world.commands.begin(world.wanted(probes=(probe,))) for _ in range(2)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in outcomes) == ["CommandError", "Drill"]
    assert len(world.windows.added) == 1


@pytest.mark.parametrize("trouble", ["refused", "slow"])
async def test_a_drill_whose_evidence_cannot_be_kept_is_not_begun_and_its_window_is_lifted(
    world: World, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ON_DISK_WITHIN", 0.05)
    world.takes, world.hangs = trouble != "refused", trouble == "slow"

    with pytest.raises(CommandError, match="evidence would be lost"):
        await world.commands.begin(world.wanted(probes=(f"tcp:127.0.0.1:{world.service.port}",)))

    assert world.commands.under_way is None
    assert dict(world.windows.added) == {}
    assert world.drills[-1].outcome is Outcome.BROKEN_OFF, "should it be kept after all"


async def test_a_target_that_is_taken_out_of_the_estate_breaks_its_drill_off(world: World) -> None:
    await world.commands.begin(world.wanted(probes=(f"tcp:127.0.0.1:{world.service.port}",)))
    running = world.commands.under_way
    assert running is not None

    world.commands.use(estate(target("other")))
    await running.done()

    assert (world.drills[-1].outcome, world.drills[-1].ended_by) == (Outcome.BROKEN_OFF, "agent")
    assert "taken out of the estate" in world.drills[-1].summary
    assert len(world.windows.added) == 1, "the window of what is broken off stays"


async def test_a_window_that_somebody_ended_during_a_drill_is_not_ended_again(world: World) -> None:
    drill = await world.commands.begin(world.wanted(probes=(f"tcp:127.0.0.1:{world.service.port}",)))
    running = world.commands.under_way
    assert running is not None
    world.windows.remove(drill.window)
    before = len(world.windows_kept)

    world.commands.end(drill.id, "jo")
    await running.done()

    assert world.drills[-1].outcome is Outcome.MEASURED
    assert len(world.windows_kept) == before


async def test_a_proof_goes_with_a_target_that_is_renamed_and_is_told_with_its_council(world: World) -> None:
    world.make(estate(target("forum-pair", formerly=("forum",), council="aylesbury-vale")), {"forum": NOW, "gone": NOW})

    assert world.told == {("forum-pair", "aylesbury-vale"): NOW}
    assert world.commands.proven["forum-pair"] == NOW


async def test_only_the_drill_under_way_can_be_ended(world: World) -> None:
    with pytest.raises(CommandError, match="no drill is under way"):
        world.commands.end(None, "jo")

    drill = await world.commands.begin(world.wanted(probes=(f"tcp:127.0.0.1:{world.service.port}",)))
    with pytest.raises(CommandError, match="DRL-0 is not under way"):
        world.commands.end("DRL-0", "jo")

    assert world.commands.end(None, "jo").id == drill.id
