"""What the connections to a firewall show of how well it is guarded, and what somebody accepts of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from checks.catalogue import load_catalogue
from checks.contract import Fault, Finding, Reason, State, covered
from checks.firewall import CHECK, FirewallAnswers, FirewallOptions
from checks.firewall.answers import Connection, Part
from checks.firewall.posture import KEYS, Posture, Weakness, connections_of, posture
from checks.transports.snmp import Device, SnmpTransport
from checks.wire import observation_from_text, observation_json
from config.estate import Credential
from config.profiles.asks import Way
from testbeds.fortigate import Watched, fortigate
from testbeds.snmpd import community

AT = 1_796_000_000.0
NOTHING: Mapping[Weakness, str] = {}
VERSION, COMMUNITY, CERTIFICATE, SSH = KEYS


def judged(*connections: Connection, accept: Mapping[Weakness, str] = NOTHING, failed: tuple[Way, ...] = ()) -> Posture:
    return posture(connections, accept, AT, frozenset(failed))


def states(of: Posture) -> dict[str, State]:
    return {finding.key: finding.state for finding in of.findings}


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (Connection(Way.SNMP, "snmp-v1"), {VERSION: State.WARNING, COMMUNITY: State.OK}),
        (Connection(Way.SNMP, "snmp-v2c"), {VERSION: State.WARNING, COMMUNITY: State.OK}),
        (Connection(Way.SNMP, "snmp-v2c", default_secret=True), {VERSION: State.WARNING, COMMUNITY: State.WARNING}),
        (Connection(Way.SNMP, "snmp-v3", signed=True), {VERSION: State.OK}),
        (Connection(Way.SNMP, "snmp-v3"), {VERSION: State.WARNING}),
        (Connection(Way.SSH, "ssh"), {}),
        (Connection(Way.SSH, "ssh", only_sha1=True), {SSH: State.WARNING}),
        (Connection(Way.HTTP, "https"), {}),
        (Connection(Way.HTTP, "https", certificate_not_after=AT + 1), {CERTIFICATE: State.OK}),
        (Connection(Way.HTTP, "https", certificate_not_after=AT), {CERTIFICATE: State.WARNING}),
    ],
    ids=["v1", "v2c", "well-known", "v3", "unsigned", "ssh", "sha1", "https", "good", "expired"],
)  # fmt: skip
def test_each_connection_shows_what_is_weak_of_it(connection: Connection, expected: dict[str, State]) -> None:
    assert states(judged(connection)) == expected


@pytest.mark.parametrize("weakness", Weakness)
def test_what_is_weak_says_how_it_is_mended_and_how_it_is_accepted(weakness: Weakness) -> None:
    shown = {
        Weakness.SNMP_V1: Connection(Way.SNMP, "snmp-v1"),
        Weakness.SNMP_V2C: Connection(Way.SNMP, "snmp-v2c"),
        Weakness.SNMP_V3_UNSIGNED: Connection(Way.SNMP, "snmp-v3"),
        Weakness.DEFAULT_COMMUNITY: Connection(Way.SNMP, "snmp-v2c", default_secret=True),
        Weakness.SSH_SHA1: Connection(Way.SSH, "ssh", only_sha1=True),
        Weakness.CERTIFICATE_EXPIRED: Connection(Way.HTTP, "https", certificate_not_after=AT - 86_400),
    }[weakness]

    weak = judged(shown)
    accepted = judged(shown, accept={weakness: "management network only"})

    (finding,) = [one for one in weak.findings if one.evidence.get("weakness") == weakness]
    assert finding.state is State.WARNING and f"accept: {{{weakness}: …}}" in finding.summary
    assert weak.facts == []
    assert accepted.facts == [f"accepted: {weakness} (management network only)"]
    (known,) = [one for one in accepted.findings if one.evidence.get("accepted") == weakness]
    assert (known.key, known.state) == (finding.key, State.OK)


def test_accepting_one_weakness_accepts_no_other() -> None:
    weak = Connection(Way.SNMP, "snmp-v2c", default_secret=True)

    said = judged(weak, accept={Weakness.SNMP_V2C: "an old release", Weakness.SNMP_V1: "an old release"})

    assert states(said) == {VERSION: State.OK, COMMUNITY: State.WARNING}
    assert said.facts == ["accepted: snmp-v2c (an old release)"]


def test_a_way_that_failed_takes_nothing_back_and_one_that_is_not_used_any_more_does() -> None:
    failed = judged(failed=(Way.SNMP, Way.HTTP))
    gone = judged(Connection(Way.SNMP, "snmp-v3", signed=True))

    assert failed.covers == {SSH} and failed.findings == []
    assert gone.covers == set(KEYS)


def test_ssh_that_offers_only_sha1_is_told_once_by_the_key_of_the_transport() -> None:
    fault = Fault(Reason.PROTOCOL, "fw: it offers only SHA-1 (or older) for host keys", "ssh/only-sha1")
    other = Fault(Reason.REFUSED, "fw: refused", "ssh/refused")

    old = connections_of(FirewallAnswers("p", others={Way.SSH: Part("p", fault=fault)}))
    refused = connections_of(FirewallAnswers("p", others={Way.SSH: Part("p", fault=other)}))

    assert old == (Connection(Way.SSH, "ssh", only_sha1=True),)
    assert refused == ()
    assert list(states(judged(*old, failed=(Way.SSH,)))) == [fault.condition]


@pytest.mark.parametrize(
    ("accept", "says"),
    [({"snmp-v2": "a good reason"}, "snmp-v2c"), ({"snmp-v2c": ""}, "at least 8"), ({"snmp-v2c": None}, "string")],
    ids=["word", "empty", "none"],
)  # fmt: skip
def test_nothing_is_accepted_without_a_known_word_and_a_reason(accept: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FirewallOptions.model_validate({"posture": {"accept": accept}})


async def _live(play: Any, snmp: SnmpTransport, **options: Any) -> dict[str, Finding]:
    said = await Watched(await play(fortigate()), snmp, **options).said()
    return {finding.key: finding for finding in said.findings}


async def test_a_live_firewall_read_by_v2c_with_a_well_known_community_is_told_so_without_the_word(
    play: Any, snmp: SnmpTransport
) -> None:
    findings = await _live(play, snmp, posture={})

    assert findings[VERSION].state is State.WARNING
    assert findings[COMMUNITY].state is State.WARNING
    said = " ".join(f"{finding.summary} {dict(finding.evidence)}" for finding in findings.values())
    assert "public" not in said and "private" not in said


async def test_what_is_accepted_stands_among_the_facts_of_the_member(play: Any, snmp: SnmpTransport) -> None:
    accept = {"snmp-v2c": "management network only", "default-community": "a laboratory"}

    findings = await _live(play, snmp, posture={"accept": accept})

    assert {finding.state for finding in findings.values()} == {State.OK}
    facts = findings["firewall/member"].evidence.values()
    assert "accepted: snmp-v2c (management network only)" in facts
    assert "accepted: default-community (a laboratory)" in facts


@pytest.mark.parametrize(("word", "well_known"), [("Public", True), ("private", True), ("publican", False)])
async def test_the_transport_tells_that_a_community_is_well_known_and_nothing_more(
    snmp: SnmpTransport, play: Any, word: str, well_known: bool
) -> None:
    watched = Watched(await play(fortigate()), snmp)
    credential = community(word)

    manner = snmp.manner(_device(watched, credential))

    assert manner is not None
    assert (manner.version, manner.well_known, manner.signed) == ("2c", well_known, False)
    assert word not in repr(manner)


def _device(watched: Watched, credential: Any) -> Any:
    return Device("127.0.0.1", credential, watched.device.port)


async def test_a_secret_that_cannot_be_read_tells_nothing_of_the_manner(snmp: SnmpTransport, play: Any) -> None:
    watched = Watched(await play(fortigate()), snmp)

    assert snmp.manner(_device(watched, Credential("empty", "snmp-v2c", {}))) is None


async def test_connections_travel_with_the_observation(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp)
    observation = await watched.observed()

    told = observation_from_text(json.dumps(observation_json(observation, CHECK)).encode(), load_catalogue())

    assert told == observation
    assert told.answers.connections == [Connection(Way.SNMP, "snmp-v2c", default_secret=True)]


async def test_a_poll_without_any_connection_says_nothing_of_the_posture(play: Any, snmp: SnmpTransport) -> None:
    watched = Watched(await play(fortigate()), snmp, posture={})
    observation = await watched.observed()

    observation.answers.connections.clear()
    said = watched.judged(observation)

    assert not [finding.key for finding in said.findings if finding.key in KEYS]
    assert covered(said.may_go, VERSION)
