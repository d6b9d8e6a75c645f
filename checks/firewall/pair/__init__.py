"""The kind `firewall_pair`: the members of one firewall read in one round, and judged as what they are together."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from checks.contract import Assessment, CheckKind, Family, KindDefaults, Memory, Observation, Subject
from checks.firewall import CHECK as ONE
from checks.firewall import shipped_families as families_of_one
from checks.firewall.pair.answers import MemberPart, PairAnswers
from checks.firewall.pair.asking import collect
from checks.firewall.pair.judgement import FAMILIES, judged
from checks.firewall.pair.options import KIND, PairOptions
from config.estate import MofN, WakeClass


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the answers mean. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, PairOptions)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, PairAnswers):
            at = observation.started + observation.duration
            return judged(options, _named(options, observation.answers), _addresses(subject, options), memory, at)
    return Assessment(findings=())


def _named(options: PairOptions, answers: PairAnswers) -> PairAnswers:
    """With a part for every member that the estate names, whatever the other side knew of them."""
    return PairAnswers({name: answers.members.get(name, MemberPart()) for name in options.members})


def _addresses(subject: Subject, options: PairOptions) -> tuple[str, ...]:
    """The addresses by which people reach the pair: the target's own, if it is one, and those of the options."""
    own = [target.address for target in subject.targets]
    return tuple(dict.fromkeys(str(ip_address(one)) for one in (*own, *options.addresses) if _is_address(one)))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def shipped_families() -> tuple[Family, ...]:
    """Those of one member, with the label `member`, and those of the pair."""
    return (*FAMILIES, *families_of_one())


_FAULTS = ("snmp/", "http/", "ssh/", "firewall/local", "firewall/tunnel/")
"""Keys of one member's that the pair has too: faults of asking, where no member answers, and tunnels."""
CHECK = CheckKind(
    kind=KIND,
    title="The members of one firewall, judged together",
    options=PairOptions,
    answers=PairAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=20.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "pair/service": "The service fails: two members are active, or none, or an address is on both or on neither.",
        "pair/address": "Whether one member only has the shared address cannot be told: look at its SSH.",
        "pair/member/<name>": "A member is away, failed, or in no role to take over: the next fault is an outage.",
        "pair/views": "The members tell different stories of each other: believe neither, and look at both.",
        "pair/takeover": "Something keeps the standby from taking over.",
        "pair/sync": "The configuration is not the same on all members: after a take-over other rules would hold.",
        "pair/firmware": "The members run different firmware.",
        "pair/content": "The members have different signatures.",
        "pair/licences": "A member lacks a licence that another has, and the product needs the same on all.",
        "pair/heartbeat": "A link over which the members see each other is not well.",
        "pair/missing/<serial>": "A member that the estate does not name was in the cluster and is gone.",
        "pair/facts": "Which member it runs on, since when, and what cannot be told of it: always ok.",
        "firewall/<member>/<value>": "What that member says of itself, as of the kind firewall.",
        **{key: words for key, words in ONE.finding_keys.items() if key.startswith(_FAULTS)},
    },
    families=shipped_families,
    collect=collect,
    assess=assess,
    requires=ONE.requires,
    inputs=lambda options: options.members,
)
__all__ = ["CHECK", "MemberPart", "PairAnswers", "PairOptions"]
