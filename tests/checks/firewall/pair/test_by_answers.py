"""Pairs of which both members are read over HTTPS alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checks.contract import Observation, Subject
from checks.firewall.answers import FirewallAnswers
from checks.firewall.further import part_of
from checks.firewall.http.shape import understood
from checks.firewall.pair import CHECK, PairOptions
from checks.firewall.pair.answers import MemberPart, PairAnswers
from config.estate import Target
from config.profiles.asks import Way
from testbeds.by_api import AT
from testbeds.firewall_api import asks_of, samples
from testbeds.single import check

Changes = list[tuple[bytes, bytes]]
FORTIGATE, PANOS = "firewall/fortigate-http", "firewall/panos-http"
SECOND: dict[str, Changes] = {
    FORTIGATE: [
        (b'"serial": "FGT60F0000000001"', b'"serial": "FGT60F0000000002"'),
        (b'"hostname": "fw-1",\n  "model"', b'"hostname": "fw-2",\n  "model"'),
    ],
    PANOS: [
        (b"<local-info><state>active", b"<local-info><state>passive"),
        (b"<peer-info><state>passive", b"<peer-info><state>active"),
        (b"012345678901", b"012345678902"),
        (b"pa-1", b"pa-2"),
    ],
}
"""What the second member answers otherwise."""


def member(profile: str, changes: Changes) -> MemberPart:
    """One member, by what it answered."""
    options = PairOptions.model_validate({"members": ["fw-a", "fw-b"], "profile": profile})
    bodies = {name: changed(body, changes) for name, body in samples(profile).items()}
    documents = {
        name: (AT, understood(question, bodies[name], bodies[name].decode()))
        for name, question in asks_of(profile).questions.items()
        if name in bodies
    }
    return MemberPart(
        FirewallAnswers(profile, by_snmp=False, others={Way.HTTP: part_of(options.reader_of(profile), documents)})
    )


def changed(body: bytes, changes: Changes) -> bytes:
    for before, after in changes:
        body = body.replace(before, after)
    return body


def judged(profile: str, both: Changes = [], second: Changes = []) -> Mapping[str, str]:  # noqa: B006 - only read
    """What is not well of the pair; `second` is what its second member answers otherwise beside that."""
    options = PairOptions.model_validate({"members": ["fw-a", "fw-b"], "profile": profile, "sync_grace_seconds": 0})
    spec = check(CHECK.kind, options, target="firewall")
    target = Target("firewall", "192.0.2.254", "dacorum", "forum", ("here",), (spec,))
    parts = {"fw-a": member(profile, both), "fw-b": member(profile, [*SECOND[profile], *both, *second])}
    observation = Observation("firewall", "here", AT, 0.0, PairAnswers(parts), None)
    made = CHECK.assess(Subject("firewall", "dacorum", "forum", spec, (target,)), (observation,), None, AT)
    return {finding.key: finding.state.value for finding in made.findings if finding.state.value != "ok"}


@pytest.mark.parametrize("profile", [FORTIGATE, PANOS])
def test_a_whole_pair_is_well(profile: str) -> None:
    assert judged(profile) == {}


def test_a_fortigate_out_of_sync_is_told_once() -> None:
    parts = b'"checksum": {\n    "global": "b6b3f5",\n    "root": "74cc1c",\n    "all": '
    sums = b'"FGT60F0000000002",\n   ' + parts

    assert judged(FORTIGATE, [(sums + b'"4df9cc"', sums + b'"0"')]) == {"pair/sync": "warning"}


@pytest.mark.parametrize(
    ("both", "second", "bad"),
    [
        ([(b">synchronized<", b">not synchronized<")], [], {"pair/sync": "warning"}),
        ([(b"<conn-ha2><conn-status>up", b"<conn-ha2><conn-status>down")], [], {"pair/heartbeat": "warning"}),
        (
            [(b"<build-compat>Match", b"<build-compat>Mismatch")],
            [(b"<sw-version>11.1.4", b"<sw-version>11.1.2")],
            {"pair/firmware": "warning"},
        ),
        ([], [(b"<local-info><state>passive", b"<local-info><state>active")], {"pair/service": "critical"}),
    ],
    ids=["sync", "link", "firmware", "two-actives"],
)
def test_what_ails_a_pair_of_pan_os_is_told_once(both: Changes, second: Changes, bad: dict[str, str]) -> None:
    found = judged(PANOS, both, second)

    assert {key: found.get(key) for key in bad} == bad
    assert not [key for key in found if key.startswith("firewall/")]
