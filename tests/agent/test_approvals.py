"""Approving what a check remembers: by whom, of which check, kept with its audit in one batch, asked again after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from agent.approvals import ApprovalCommands, UnknownCheck
from agent.commands import CommandError
from agent.ledger.batch import Batch, CheckRecord
from agent.ledger.errors import LedgerError
from checks.contract import Approval, Assessment, Memory, State
from checks.firewall_config import CHECK, FirewallConfigOptions
from checks.firewall_config.answers import Part, Reading
from checks.firewall_config.change import advanced, begun
from checks.firewall_config.note import packed, unpacked
from config.estate import CheckSpec
from testbeds.single import check, estate, target

NOW = 1_795_000_000.0


def noted() -> Memory:
    """A note in which one part waits."""
    first, second = (Reading("fw-a", (Part("policy", digest, digest, 3),), "end") for digest in "12")
    return packed(advanced(begun(first, "m", NOW), second, "m", NOW + 60, lambda _after, _until: (), 60.0))


@dataclass
class World:
    """What the commands act on, in memory."""

    memories: dict[str, dict[str, Memory]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    kept: list[Batch] = field(default_factory=list)
    full: bool = False

    def remembered(self, check_id: str) -> Mapping[str, Memory]:
        return self.memories.get(check_id, {})

    def remember(self, check_id: str, vantage: str, memory: Memory) -> None:
        self.memories[check_id][vantage] = memory

    def start(self, spec: CheckSpec, _due: float) -> None:
        self.started.append(spec.id)

    def row(self, check_id: str, vantage: str, memory: Memory) -> CheckRecord:
        return CheckRecord(check_id, vantage, "fw-a", "firewall_config", State.OK, NOW, 1.0, 60.0, True, NOW,
                           Assessment(()), memory)  # fmt: skip

    async def keep(self, batch: Batch) -> None:
        if self.full:
            raise LedgerError("the disk is full")
        self.kept.append(batch)


def commands(world: World, *names: str) -> ApprovalCommands:
    options = FirewallConfigOptions(syntax="asa")
    specs = [check("firewall_config", options, name=name) for name in names or ("firewall_config",)]
    tcp = replace(check("tcp", options), id="fw-a/tcp")
    return ApprovalCommands(
        estate(target(*specs, tcp)), {"firewall_config": CHECK}, world, world.row, world.keep, lambda: NOW + 100
    )


def given_by(by: str = "jo", change: str = "CHG-7", state: str = "") -> Approval:
    return Approval(NOW + 90, by, change, "port opened", state)


async def test_an_approval_is_kept_with_its_audit_and_the_check_is_asked_again() -> None:
    world = World({"fw-a/firewall_config": {"here": noted()}})

    done = await commands(world).approve("fw-a", None, given_by())

    assert done == ["fw-a/firewall_config"]
    (batch,) = world.kept
    assert batch.durable
    assert [(one.actor, one.action, one.subject, one.detail["change"]) for one in batch.audit] == [
        ("jo", "config-approve", "fw-a/firewall_config", "CHG-7")
    ]
    (row,) = batch.checks
    assert row.memory == world.memories["fw-a/firewall_config"]["here"]
    note = unpacked(row.memory)
    assert note is not None
    assert note.pending == {}
    assert world.started == ["fw-a/firewall_config"]


@pytest.mark.parametrize(
    ("target_name", "check_name", "given_", "why"),
    [
        ("fw-z", None, given_by(), "the estate has no target fw-z"),
        ("fw-a", "tcp", given_by(), "has no check whose state is approved"),
        ("fw-a", None, given_by(by=" "), "every act carries a name"),
        ("fw-a", None, given_by(change=" "), "which change record"),
        ("fw-a", None, given_by(state="0" * 12), "look at it again"),
    ],
)
async def test_what_cannot_be_approved_changes_nothing(
    target_name: str, check_name: str | None, given_: Approval, why: str
) -> None:
    world = World({"fw-a/firewall_config": {"here": noted()}})

    with pytest.raises(CommandError, match=why):
        await commands(world).approve(target_name, check_name, given_)

    assert world.kept == []
    assert world.memories == {"fw-a/firewall_config": {"here": noted()}}


async def test_of_two_checks_one_has_to_be_named() -> None:
    world = World({f"fw-a/{name}": {"here": noted()} for name in ("rules", "vrrp")})
    both = commands(world, "rules", "vrrp")

    with pytest.raises(CommandError, match="approve one of fw-a/rules, fw-a/vrrp"):
        await both.approve("fw-a", None, given_by())
    await both.approve("fw-a", "vrrp", given_by())

    assert world.started == ["fw-a/vrrp"]


async def test_what_was_never_read_cannot_be_approved_and_is_listed() -> None:
    world = World()

    with pytest.raises(CommandError, match="nothing was read of fw-a yet"):
        await commands(world).approve("fw-a", None, given_by())
    (listed,) = commands(world).noted(None)

    assert (listed.spec.id, listed.shown) == ("fw-a/firewall_config", {})


def test_what_is_shown_is_plain_and_says_what_waits() -> None:
    (listed,) = commands(World({"fw-a/firewall_config": {"here": noted()}})).noted("fw-a")

    shown = json.loads(json.dumps(listed.shown))
    assert shown["pending"]["policy"] == {
        "lines": 3, "lines_approved": 3, "changed_after": NOW, "seen_at": NOW + 60,
    }  # fmt: skip
    assert [one["what"] for one in shown["log"]] == ["seen"]


def test_a_target_that_is_not_there_is_told_so() -> None:
    with pytest.raises(UnknownCheck, match="fw-z"):
        commands(World()).noted("fw-z")


async def test_what_the_ledger_does_not_take_is_not_approved() -> None:
    before = noted()
    world = World({"fw-a/firewall_config": {"here": before}}, full=True)

    with pytest.raises(LedgerError):
        await commands(world).approve("fw-a", None, given_by())

    assert world.memories["fw-a/firewall_config"]["here"] == before
    assert world.started == []
