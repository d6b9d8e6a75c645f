"""The kind `firewall`: one member, judged by its profiles, its role and what is expected of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checks.contract import Assessment, CheckKind, Family, KindDefaults, Memory, Observation, Subject
from checks.firewall import by_http, by_ssh
from checks.firewall.answers import FirewallAnswers
from checks.firewall.asking import collect
from checks.firewall.further import READERS
from checks.firewall.judgement import FAMILIES, judged
from checks.firewall.options import KIND, FirewallOptions, of_firewalls
from checks.network.plan import families
from checks.network.ssh_login import LOGIN_KEYS, over_after_login
from config.estate import MofN, WakeClass
from config.profiles import load, search_path
from config.profiles.asks import Way

READERS[Way.HTTP] = by_http.read
READERS[Way.SSH] = by_ssh.read


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the answers mean. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, FirewallOptions)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, FirewallAnswers):
            at = observation.started + observation.duration
            made = judged(options, observation.answers, not _cut_short(observation), memory, at)
            over = _over(subject, observation.answers)
            return replace(made, covers=made.covers | over, may_go=made.may_go | over)
    return Assessment(findings=())


def _over(subject: Subject, answers: FirewallAnswers) -> frozenset[str]:
    """The troubles of a log-in that cannot be there any more: it was let in, and read to the end."""
    part = answers.others.get(Way.SSH)
    if part is None or part.fault is not None or not part.cost.questions:
        return frozenset()
    return over_after_login(subject)


def _cut_short(observation: Observation) -> bool:
    """Whether the reading over SNMP ended before its end. Those by other ways tell it themselves."""
    return observation.fault is not None and observation.fault.condition.startswith("snmp/")


def shipped_families() -> tuple[Family, ...]:
    """Every family that a firewall profile on the search path can make, and those of the kind itself."""
    directories = search_path()
    made = families(load(name, directories) for name in of_firewalls())
    return (*FAMILIES, *(family for family in made if family not in FAMILIES))


CHECK = CheckKind(
    kind=KIND,
    title="One member of a firewall",
    options=FirewallOptions,
    answers=FirewallAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=15.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "firewall/member": "What the firewall is and does, and what is not judged of it: always ok.",
        "firewall/ha": "Its role in the cluster, or that of the other members as it sees them, is not as it should be.",
        "firewall/<value>": "A value is beyond its limit, cannot be read, or is not what the profile knows.",
        "firewall/<table>": "A table that should have rows has none.",
        "firewall/profile": "No profile is known for what the device says it is, or it answers nothing of its profile.",
        "firewall/<column>/<row>": "The same for one row of a table, for example firewall/licence_expiry/IPS.",
        "firewall/missing/<serial>": "A member that was in the cluster is not listed any more: has it power?",
        "firewall/tunnel/<name>": "A tunnel that must be up is down, or not there.",
        "firewall/licence/<name>": "A licence that the estate expects is not among those the firewall has.",
        "firewall/forecast/<value>": "It will be full soon, if it goes on as it did: plan, there is no hurry yet.",
        "firewall/forecast/<column>/<row>": "The same for one row of a table, for example a disk.",
        "firewall/posture/snmp-version": "It is asked by SNMP v1 or v2c, or by an SNMPv3 user without authentication.",
        "firewall/posture/default-community": "Its SNMP community is one of those that devices are sold with.",
        "firewall/posture/certificate": "The certificate of its management has ended.",
        "ssh/only-sha1": "Over SSH it offers nothing newer than SHA-1, which is not used: update it.",
        "firewall/interface/<name>": "An interface that must be up is down, or not there.",
        "firewall/ways": "Two ways of reading the firewall tell different roles: see which one is right.",
        "firewall/http/<question>": "The answer to a question over HTTPS is none that the profile understands.",
        "firewall/ssh/<question>": "What a command printed is nothing that the profile understands.",
        "firewall/local": "There is no way to ask: a credential, or the profile's name, is missing in the estate.",
        "http/<reason>": "The firewall answers other questions, but not over HTTPS: its message says why.",
        **LOGIN_KEYS,
        "ssh/<reason>": "The firewall answers other questions, but not over SSH: its message says why.",
        "snmp/no-answer": "The firewall answers other checks, but not SNMP: look at its access list and its community.",
        "snmp/refused": "Nothing listens on the SNMP port: switch the agent on, and allow SNMP on that interface.",
        "snmp/authentication": "The firewall rejects the SNMPv3 user or a password, or its reply was not its own.",
        "snmp/protocol": "What came back is not SNMP, or not an answer to the question.",
        "snmp/limit": "A table is longer than it may be, or the firewall walks in a circle.",
        "snmp/local": "The agent itself could not ask: open files, secret, settings.",
        "snmp/name": "The target's name does not resolve.",
    },
    families=shipped_families,
    collect=collect,
    assess=assess,
    requires=(("snmp", "http", "ssh"),),
)
__all__ = ["CHECK", "FirewallAnswers", "FirewallOptions"]
