"""A pair of FortiGates of which both members are read by their command lines alone."""

from __future__ import annotations

import pytest

from checks.contract import Observation, Subject
from checks.firewall.answers import FirewallAnswers
from checks.firewall.cli import parsed
from checks.firewall.failovers import Failover, failovers
from checks.firewall.further import part_of
from checks.firewall.pair import CHECK, PairOptions
from checks.firewall.pair.answers import MemberPart, PairAnswers
from config.estate import Target
from config.profiles.asks import Way
from testbeds.command_outputs import HA_STATUS, OUTPUTS
from testbeds.single import check

AT = 1_795_990_000.0
PROFILE = "firewall/fortigate-ssh"
OPTIONS = PairOptions.model_validate({"members": ["fw-a", "fw-b"], "profile": PROFILE})
PRIMARY = OUTPUTS["fortios/system-status"]
SECONDARY = (
    PRIMARY.replace("FG100FTK00000001", "FG100FTK00000002")
    .replace("fw-hemel-a", "fw-hemel-b")
    .replace("a-p, primary", "a-p, secondary")
)


def member(status: str, ha: str) -> MemberPart:
    """One member, by what it printed."""
    reader = OPTIONS.reader_of(PROFILE)
    asks = reader.profile.asks
    assert asks is not None and asks.ssh is not None
    said = {"system_status": status, "ha_status": ha}
    documents = {
        name: (AT, parsed(command.parser, said.get(name, OUTPUTS[command.parser])))
        for name, command in asks.ssh.commands.items()
    }
    part = part_of(reader, documents)
    return MemberPart(FirewallAnswers(PROFILE, by_snmp=False, others={Way.SSH: part}))


def judged(ha: str) -> dict[str, str]:
    """What is not well of the pair, when both print the same of their cluster."""
    spec = check(CHECK.kind, OPTIONS, target="firewall")
    target = Target("firewall", "192.0.2.254", "dacorum", "forum", ("here",), (spec,))
    answers = PairAnswers({"fw-a": member(PRIMARY, ha), "fw-b": member(SECONDARY, ha)})
    observation = Observation("firewall", "here", AT, 0.0, answers, None)
    made = CHECK.assess(Subject("firewall", "dacorum", "forum", spec, (target,)), (observation,), None, AT)
    return {finding.key: finding.state.value for finding in made.findings if finding.state.value != "ok"}


def test_a_whole_pair_is_well() -> None:
    assert judged(HA_STATUS) == {}


def test_what_both_members_say_of_one_of_them_is_said_once() -> None:
    spoilt = HA_STATUS.replace("2(updated 1 seconds ago): in-sync", "2(updated 1 seconds ago): out-of-sync")
    spoilt = spoilt.replace("Health Status: OK", "Health Status:\n    WARNING: FG100FTK00000002 has hbdev down;")

    assert judged(spoilt) == {"pair/sync": "warning", "pair/heartbeat": "warning"}


def test_a_cluster_s_answer_that_is_not_understood_is_never_well() -> None:
    found = judged(HA_STATUS.replace("number of vcluster: 1", ""))

    assert "unknown" in found.values() and not {"warning", "critical"} & set(found.values())


def rounds(*both: tuple[str, str, str]) -> tuple[Failover, ...]:
    """The failovers noted over rounds; each is what both members print of themselves, and of the cluster."""
    spec = check(CHECK.kind, OPTIONS, target="firewall")
    target = Target("firewall", "192.0.2.254", "dacorum", "forum", ("here",), (spec,))
    subject, memory = Subject("firewall", "dacorum", "forum", spec, (target,)), None
    for number, (first, second, ha) in enumerate(both):
        answers = PairAnswers({"fw-a": member(first, ha), "fw-b": member(second, ha)})
        at = AT + 60.0 * number
        made = CHECK.assess(subject, (Observation("firewall", "here", at, 0.0, answers, None),), memory, at)
        memory = made.memory or memory
    return failovers(memory)


SWAPPED = (PRIMARY.replace("a-p, primary", "a-p, secondary"), SECONDARY.replace("a-p, secondary", "a-p, primary"))
NEWS = (
    "Primary selected using:\n"
    "    <2026/11/29 21:10:00> FG100FTK00000002 is selected as the primary because the value 1 of link-failure + "
    "pingsvr-failure is less than peer member FG100FTK00000001.\n"
)


def turned(ha: str) -> str:
    """The cluster with the other member as its primary."""
    return (
        ha.replace("FG100FTK00000001, HA operating index = 0", "X")
        .replace("FG100FTK00000002, HA operating index = 1", "FG100FTK00000002, HA operating index = 0")
        .replace("X", "FG100FTK00000001, HA operating index = 1")
        .replace("Primary     : fw-hemel-a", "Y")
        .replace("Secondary   : fw-hemel-b", "Primary     : fw-hemel-b")
        .replace("Y", "Secondary   : fw-hemel-a")
    )


@pytest.mark.parametrize(
    ("news", "why"),
    [(NEWS, "the value 1 of link-failure + pingsvr-failure is less"), ("Primary selected using:\n", "")],
    ids=["its-own", "an-older-one"],
)
def test_a_failover_is_noted_with_the_device_s_own_reason_if_it_is_about_this_one(news: str, why: str) -> None:
    before = (PRIMARY, SECONDARY, HA_STATUS)
    after = (*SWAPPED, turned(HA_STATUS.replace("Primary selected using:\n", news)))

    (failover,) = rounds(before, after)

    assert (failover.away_from, failover.to) == ("fw-a", "fw-b")
    assert why in failover.reason and bool(why) == bool(failover.reason)
