"""What the connections to a firewall themselves show of how well it is guarded. Pure, and without any secret.

Only what the asking itself has seen: which version, which algorithms, which certificate. What a configuration hides (an
empty password of the cluster, an administrator as delivered) no question of ours tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from checks.contract import Finding, State
from checks.firewall.answers import Connection, FirewallAnswers
from checks.network.dates import day
from checks.transports.ssh import ONLY_SHA1
from config.profiles.asks import Way

_VERSION, _COMMUNITY, _CERTIFICATE = (
    f"firewall/posture/{what}" for what in ("snmp-version", "default-community", "certificate")
)


class Weakness(StrEnum):
    """What may be weak, and may be accepted by somebody who says why."""

    SNMP_V1 = "snmp-v1"
    SNMP_V2C = "snmp-v2c"
    SNMP_V3_UNSIGNED = "snmp-v3-unsigned"
    DEFAULT_COMMUNITY = "default-community"
    SSH_SHA1 = "ssh-sha1"
    CERTIFICATE_EXPIRED = "certificate-expired"


class PostureOptions(BaseModel):
    """What the estate says of weaknesses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept: dict[Weakness, Annotated[str, Field(min_length=8, max_length=200)]] = Field(default_factory=dict)
    """By weakness: why it is accepted, for whoever reads the finding."""


@dataclass(slots=True)
class Posture:
    """Findings, the keys that were judged, and what is accepted, as facts."""

    findings: list[Finding] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)
    facts: list[str] = field(default_factory=list)


KEYS = (_VERSION, _COMMUNITY, _CERTIFICATE, ONLY_SHA1)
_OF = {Way.SNMP: (_VERSION, _COMMUNITY), Way.HTTP: (_CERTIFICATE,), Way.SSH: (ONLY_SHA1,)}
"""What each way of asking shows."""
_SNMP = {
    Weakness.SNMP_V1: "it is asked by SNMP v1: whoever sees the network reads the community and all answers",
    Weakness.SNMP_V2C: "it is asked by SNMP v2c: whoever sees the network reads the community and all answers",
    Weakness.SNMP_V3_UNSIGNED: "it is asked by SNMPv3 without authentication: whoever knows the user's name may ask",
}
_MEND = {
    Weakness.SNMP_V1: "use SNMPv3",
    Weakness.SNMP_V2C: "use SNMPv3",
    Weakness.SNMP_V3_UNSIGNED: "give its user authentication and privacy",
    Weakness.DEFAULT_COMMUNITY: "choose another one on both sides",
    Weakness.SSH_SHA1: "update it, or switch newer algorithms on",
    Weakness.CERTIFICATE_EXPIRED: "renew it",
}


def connections_of(answers: FirewallAnswers) -> tuple[Connection, ...]:
    """How the firewall was asked; that it offers only SHA-1 over SSH is told by why nothing was read that way."""
    ssh = answers.others.get(Way.SSH)
    if ssh is None or ssh.fault is None or ssh.fault.condition != ONLY_SHA1:
        return tuple(answers.connections)
    return (*answers.connections, Connection(Way.SSH, "ssh", only_sha1=True))


def posture(
    connections: Iterable[Connection], accept: Mapping[Weakness, str], at: float, failed: frozenset[Way]
) -> Posture:
    """Judge the connections of one poll at `at` (Unix seconds).

    Of a way that `failed` nothing is known but what its connection shows all the same; what the other ways do not show
    is not there any more.
    """
    judged = Posture(covers=set(KEYS) - {key for way in failed for key in _OF[way]})
    for connection in connections:
        for key, weakness, words in _seen(connection, at):
            judged.covers.add(key)
            judged.findings.append(_finding(key, weakness, words, accept, judged.facts))
    return judged


def _finding(
    key: str, weakness: Weakness | None, words: str, accept: Mapping[Weakness, str], facts: list[str]
) -> Finding:
    if weakness is None:
        return Finding(key, State.OK, words)
    reason = accept.get(weakness)
    if reason is not None:
        facts.append(f"accepted: {weakness.value} ({reason})"[:200])
        return Finding(key, State.OK, f"{words}; accepted: {reason}"[:300], {"accepted": weakness.value})
    instead = f"or accept it with a reason: posture: {{accept: {{{weakness.value}: …}}}}"
    return Finding(key, State.WARNING, f"{words}; {_MEND[weakness]}, {instead}"[:300], {"weakness": weakness.value})


def _seen(connection: Connection, at: float) -> Iterator[tuple[str, Weakness | None, str]]:
    """What a connection shows: the key, the weakness if it is one, and words."""
    if connection.way is Way.SNMP:
        yield from _snmp(connection)
    if connection.only_sha1:
        words = "over SSH it offers nothing newer than SHA-1, which can be forged, so nothing is read that way"
        yield ONLY_SHA1, Weakness.SSH_SHA1, words
    if connection.certificate_not_after is not None:
        ended = connection.certificate_not_after <= at
        words = f"the certificate of its management {'ended' if ended else 'ends'} on"
        date = day(connection.certificate_not_after)
        yield _CERTIFICATE, Weakness.CERTIFICATE_EXPIRED if ended else None, f"{words} {date}"


def _snmp(connection: Connection) -> Iterator[tuple[str, Weakness | None, str]]:
    weakness = {"snmp-v1": Weakness.SNMP_V1, "snmp-v2c": Weakness.SNMP_V2C}.get(connection.protocol)
    if weakness is None:
        weakness = None if connection.signed else Weakness.SNMP_V3_UNSIGNED
        yield _VERSION, weakness, _SNMP[weakness] if weakness else "it is asked by SNMPv3 with authentication"
        return
    yield _VERSION, weakness, _SNMP[weakness]
    if connection.default_secret:
        yield _COMMUNITY, Weakness.DEFAULT_COMMUNITY, "its SNMP community is one of those that devices are sold with"
    else:
        yield _COMMUNITY, None, "its SNMP community is none of those that devices are sold with"
