"""A pair of FortiGates of which both members are read by their command lines alone."""

from __future__ import annotations

from checks.contract import Observation, Subject
from checks.firewall.answers import FirewallAnswers
from checks.firewall.cli import parsed
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
