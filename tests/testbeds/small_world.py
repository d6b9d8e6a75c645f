"""A world so small that its truth fits in ten lines: what is dead, broken or full, and who lies behind whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.contract import State
from config.estate import Estate, Target
from testbeds.judging import NO_ANSWER, TWICE, Stage, all_of, any_of, check, estate, finding, target

GATE = "gate"
ALL, ANY = "all", "any"
NEEDS = {"link": (ALL, ()), "a": (ALL, ()), "b": (ALL, ()), "pbx": (ALL, ("link",)), "phone": (ANY, ("a", "b"))}
DEEP = {"desk": (ALL, ("pbx",))}
HAS_SNMP = ("link", "pbx", "desk")
NAMES = (GATE, *NEEDS, *DEEP)


@dataclass(slots=True)
class World:
    """The truth. `path` says whether a packet from the agent reaches a target and comes back."""

    dead: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    memory: dict[str, State] = field(default_factory=dict)

    def path(self, name: str) -> bool:
        if name in self.dead or GATE in self.dead:
            return False
        mode, parents = needs_of(name)
        ways = [self.path(parent) for parent in parents]
        return (any(ways) if mode == ANY else all(ways)) if ways else True


def needs_of(name: str) -> tuple[str, tuple[str, ...]]:
    return (NEEDS | DEEP).get(name, (ALL, ()))


def estate_of(names: frozenset[str], called: dict[str, str]) -> Estate:
    """The targets of these names; `called` gives some another name, and the old one as `formerly`."""
    made: list[Target] = []
    for name in NAMES:
        if name not in names:
            continue
        mode, parents = needs_of(name)
        there = tuple(called.get(parent, parent) for parent in parents if parent in names)
        need = (any_of(*there) if mode == ANY else all_of(*there)) if there else None
        now = called.get(name, name)
        old = tuple({name, f"{name}-2"} - {now})
        checks = [check(now, open_after=TWICE)]
        if name in HAS_SNMP:
            checks.append(check(now, "snmp", every=90.0))
        made.append(target(now, *checks, needs=need, formerly=old))
    return estate(*made, gateway=GATE if GATE in names else None)


def run(stage: Stage, world: World, name: str, now_called: str, which: str) -> bool:
    """One run of a check in this world; returns whether it reached the target."""
    check_id = f"{now_called}/{which}"
    if not world.path(name) or (which == "snmp" and name in world.mute):
        stage.result(check_id, fault=NO_ANSWER)
        return False
    if which == "snmp":
        stage.result(check_id, finding("snmp/memory", world.memory.get(name, State.OK)))
    else:
        stage.result(check_id)
    return True
