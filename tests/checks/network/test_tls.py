"""The tls check: one handshake, and a finding of its own for each thing that is wrong."""

import asyncio
import base64
import datetime
import json
from dataclasses import replace

import pytest
from pydantic import TypeAdapter, ValidationError

from checks.contract import Observation, Reason, State, covered
from checks.families import family_faults
from checks.network.tls import CHECK, TlsAnswers, TlsOptions
from checks.network.tls_judgement import Shown
from checks.transports import trust
from testbeds import tls_peers
from testbeds.certificates import Authority, expired, of_tomorrow
from testbeds.peers import free_port
from testbeds.single import asked, check, states, subject

AUTHORITY = Authority()
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
GOOD = {
    "handshake": "ok", "version": "ok", "expiry": "ok", "intermediates": "ok", "key": "ok", "chain": "ok", "name": "ok"
}  # fmt: skip


@pytest.fixture
def ca(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(AUTHORITY.pem)
    return str(path)


def _judged(observation, options, now=None):
    spec = check("tls", options)
    return CHECK.assess(subject(spec), (observation,), None, observation.started if now is None else now)


async def _checked(issued, pem=None, now=None, starttls=None, **options):
    """The states of all findings without their port, and the assessment."""
    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued, pem)) as served:
        chosen = TlsOptions(port=served.port, starttls=starttls, **{"server_name": "localhost"} | options)
        observation = await asked(CHECK, chosen, "127.0.0.1")
    assert observation.fault is None, observation.fault
    assessment = _judged(observation, chosen, now)
    prefix = f"tls/{chosen.port}/"
    return {key.removeprefix(prefix): state for key, state in states(assessment.findings).items()}, assessment


def _summary(assessment, key):
    return next(finding.summary for finding in assessment.findings if finding.key.endswith(f"/{key}"))


async def test_a_good_certificate_is_good_in_every_respect(ca):
    found, assessment = await _checked(AUTHORITY.issue(intermediate=True), ca=ca)

    assert found == GOOD
    assert "expires in 89 days" in _summary(assessment, "expiry")
    assert {family.name for family in CHECK.families()} == {reading.family.name for reading in assessment.readings}


async def test_each_certificate_that_was_sent_has_its_end_in_the_metrics(ca):
    issued = AUTHORITY.issue(intermediate=True)

    _, assessment = await _checked(issued, ca=ca)

    ends = {r.labels[0].partition("/")[2]: r.value for r in assessment.readings if "not_after" in r.family.name}
    assert set(ends) == {"", "1"}
    assert ends[""] == issued.certificate.not_valid_after_utc.timestamp()


async def test_an_expired_and_wrong_named_and_weak_and_untrusted_certificate_shows_all_of_it():
    stranger = Authority("stranger")
    issued = stranger.issue(["other.test"], not_before=NOW - 60 * DAY, not_after=NOW - 3 * DAY, key="rsa1024")

    found, assessment = await _checked(issued)

    wrong = {"expiry": "critical", "name": "critical", "chain": "critical", "key": "warning"}
    assert found == GOOD | wrong
    assert "expired 3 days ago" in _summary(assessment, "expiry")
    assert "is for other.test, not for localhost" in _summary(assessment, "name")
    assert "was neither sent nor is it known here" in _summary(assessment, "chain")
    assert "RSA 1024" in _summary(assessment, "key")


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (lambda: expired(AUTHORITY), {"expiry": "critical"}),
        (lambda: of_tomorrow(AUTHORITY), {"expiry": "critical"}),
        (lambda: AUTHORITY.issue(["other.test"]), {"name": "critical"}),
        (lambda: AUTHORITY.issue([], common_name="localhost"), {"name": "critical"}),
        (lambda: AUTHORITY.issue(self_signed=True), {"chain": "critical"}),
        (lambda: AUTHORITY.issue(client=True), {"chain": "critical"}),
        (lambda: AUTHORITY.issue(key="rsa1024"), {"key": "warning"}),
        (lambda: AUTHORITY.issue(not_before=NOW - 300 * DAY, not_after=NOW + 20 * DAY), {"expiry": "warning"}),
        (lambda: AUTHORITY.issue(not_before=NOW - 300 * DAY, not_after=NOW + 6 * DAY), {"expiry": "critical"}),
    ],
    ids=["expired", "of tomorrow", "other name", "common name only", "self-signed", "for clients", "weak", "20", "6"],
)
async def test_each_fault_of_a_certificate_is_one_finding_and_no_other(ca, made, wrong):
    found, _ = await _checked(made(), ca=ca)

    assert found == GOOD | wrong


async def test_a_missing_intermediate_is_an_incomplete_chain(ca):
    issued = AUTHORITY.issue(intermediate=True)

    found, assessment = await _checked(issued, issued.leaf_pem, ca=ca)

    assert found == GOOD | {"chain": "critical"}
    assert "let the server send its intermediates" in _summary(assessment, "chain")


async def test_an_intermediate_that_ends_is_told_apart_from_the_leaf_and_only_warns_when_nobody_needs_it(ca):
    issued = AUTHORITY.issue(intermediate=True)
    later = NOW.timestamp() + 1824.5 * 86_400

    found, assessment = await _checked(issued, now=later, ca=ca)
    unneeded = AUTHORITY.issue()
    found_unneeded, _ = await _checked(unneeded, unneeded.leaf_pem + expired(AUTHORITY, ["old"]).leaf_pem, ca=ca)

    assert found == GOOD | {"expiry": "critical", "intermediates": "critical"}
    assert "intermediate expires in 12 hours" in _summary(assessment, "intermediates")
    assert found_unneeded == GOOD | {"intermediates": "warning"}


async def test_an_expired_root_of_the_store_breaks_the_chain(ca):
    issued = AUTHORITY.issue(not_after=NOW + 5000 * DAY)

    found, assessment = await _checked(issued, now=NOW.timestamp() + 3651 * 86_400, ca=ca)

    assert found == GOOD | {"chain": "critical"}
    assert "which has itself expired" in _summary(assessment, "chain")


async def test_an_authority_file_that_cannot_be_read_makes_the_chain_unknown_and_nothing_else(tmp_path):
    found, assessment = await _checked(AUTHORITY.issue(), ca=str(tmp_path / "none.pem"))

    assert found == GOOD | {"chain": "unknown"}
    assert "cannot be read" in _summary(assessment, "chain")


async def test_the_pinned_key_takes_the_place_of_chain_and_name():
    issued = AUTHORITY.issue(["other.test"], self_signed=True)

    found, _ = await _checked(issued, pin=issued.pin)
    other, assessment = await _checked(issued, pin=[AUTHORITY.issue().pin], verify_name=True)

    without = {key: state for key, state in GOOD.items() if key not in ("chain", "name")}
    assert found == without | {"pin": "ok"}
    assert other == without | {"pin": "critical", "name": "critical"}
    assert issued.pin in _summary(assessment, "pin")


@pytest.mark.parametrize(("expected", "state"), [("RIDGEWAY test", "ok"), ("Let's Encrypt", "critical")])
async def test_the_issuer_must_be_the_expected_one(ca, expected, state):
    found, _ = await _checked(AUTHORITY.issue(), ca=ca, expect_issuer=expected)

    assert found == GOOD | {"issuer": state}


async def test_the_targets_own_address_is_the_name_when_none_is_given(ca):
    named, _ = await _checked(AUTHORITY.issue(["127.0.0.1"]), ca=ca, server_name=None)
    other, _ = await _checked(AUTHORITY.issue(["localhost"]), ca=ca, server_name=None)

    assert (named["name"], other["name"]) == ("ok", "critical")


async def test_every_key_is_covered_and_the_optional_ones_may_go(ca):
    found, assessment = await _checked(AUTHORITY.issue(), ca=ca)

    port = assessment.findings[0].key.split("/")[1]
    assert {f"tls/{port}/{key}" for key in found} <= assessment.covers
    for key in ("pin", "issuer", "chain", "name"):
        assert covered(assessment.covers, f"tls/{port}/{key}")
        assert covered(assessment.may_go, f"tls/{port}/{key}")
    assert not covered(assessment.may_go, f"tls/{port}/expiry")
    documented = {key.replace("<port>", port) for key in CHECK.finding_keys}
    assert assessment.covers <= documented


async def test_an_observation_survives_its_journey_as_json(ca):
    issued = AUTHORITY.issue(intermediate=True)
    async with tls_peers.serving(tls_peers.only_shake, tls_peers.server_context(issued)) as served:
        options = TlsOptions(port=served.port, server_name="localhost")
        observation = await asked(CHECK, options, "127.0.0.1")

    adapter = TypeAdapter(TlsAnswers)
    again = adapter.validate_python(json.loads(adapter.dump_json(observation.answers)))

    assert again == observation.answers
    assert _judged(replace(observation, answers=again), options) == _judged(observation, options)


async def test_starttls_is_judged_in_the_same_way(ca):
    issued = AUTHORITY.issue(["localhost"])
    behave = tls_peers.after(tls_peers.SCRIPTS["smtp"], tls_peers.server_context(issued))

    async with tls_peers.serving(behave) as served:
        options = TlsOptions(port=served.port, starttls="smtp", server_name="localhost", ca=ca)
        observation = await asked(CHECK, options, "127.0.0.1")

    assert set(states(_judged(observation, options).findings).values()) == {"ok"}


@pytest.mark.parametrize("kind", ["refused", "silent", "not offered", "injected"])
async def test_a_port_without_tls_is_critical_under_one_key(kind):
    async def behave(reader, writer):
        if kind == "not offered":
            writer.write(b"220 mail\r\n")
            await reader.readline()
            writer.write(b"250 mail\r\n")
        elif kind == "injected":
            await tls_peers.lines(b"220 a\r\n", (b"EHLO", b"250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n250 x\r\n"))(
                reader, writer
            )
        await reader.read()

    async with tls_peers.serving(behave) as served:
        port = free_port() if kind == "refused" else served.port
        observation = await asked(CHECK, TlsOptions(port=port, starttls="smtp"), "127.0.0.1", timeout=0.5)

    assert observation.answers is None
    assert observation.fault.condition == f"tls/{port}/handshake"
    assert (observation.fault.state, observation.fault.reached) == (State.CRITICAL, True)


async def test_a_name_without_address_is_unknown_not_critical():
    observation = await asked(CHECK, TlsOptions(), "nobody.invalid", timeout=20)

    assert observation.fault.reason is Reason.NAME
    assert (observation.fault.condition, observation.fault.state) == ("tls/name", State.UNKNOWN)


def _answers(**changed):
    der = base64.b64encode(AUTHORITY.issue().der).decode()
    plain = TlsAnswers(
        "10.0.0.1", "TLSv1.3", "TLS_AES_256_GCM_SHA384", 0.01, (Shown(der, True, True),), 1, (), "", False, ""
    )
    return replace(plain, **changed)


@pytest.mark.parametrize(
    ("changed", "options", "key", "state"),
    [
        ({"version": "TLSv1"}, {}, "version", "warning"),
        ({"version": "TLSv1.2"}, {}, "version", "ok"),
        ({"version": "TLSv1.2"}, {"min_version": 1.3}, "version", "warning"),
        ({"version": "TLSv1"}, {"min_version": 1.0}, "version", "ok"),
        ({"version": "TLSv1.2", "cipher": "ECDHE-RSA-DES-CBC3-SHA"}, {}, "version", "warning"),
        ({"version": "TLSv9"}, {}, "version", "unknown"),
        ({"broken": "bad signature"}, {}, "handshake", "critical"),
        ({"count": 9}, {}, "chain", "warning"),
        ({"trust_fault": "no store"}, {}, "chain", "unknown"),
    ],
)
def test_what_a_handshake_tells_is_judged(changed, options, key, state):
    chosen = TlsOptions(server_name="localhost", **options)

    found = states(_judged(Observation("fw-a", "here", NOW.timestamp(), 0.1, _answers(**changed)), chosen).findings)

    assert found[f"tls/443/{key}"] == state


def test_a_certificate_that_cannot_be_read_is_unknown_and_never_good():
    chosen = TlsOptions(server_name="localhost", pin=AUTHORITY.issue().pin, verify_name=True, expect_issuer="x")

    answers = _answers(shown=(Shown("MAAA", True, True), Shown("MAAA", True, True)))
    found = states(_judged(Observation("fw-a", "here", NOW.timestamp(), 0.1, answers), chosen).findings)

    unknown = {f"tls/443/{key}" for key in ("expiry", "intermediates", "key", "name", "pin", "issuer")}
    assert {key for key, state in found.items() if state == "unknown"} == unknown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"critical_days": 30}, "critical_days must not be above warning_days"),
        ({"pin": "sha256/abc"}, "a pin is written"),
        ({"pin": "sha256/" + "A" * 43 + "=", "ca": "/ca.pem"}, "ca only makes sense"),
        ({"server_name": "no name"}, "neither a host name nor an address"),
        ({"min_version": 1.4}, "min_version"),
        ({"starttls": "gopher"}, "starttls"),
        ({"ports": 1}, "ports"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        TlsOptions(**options)


def test_the_families_keep_the_rules():
    assert [fault for family in CHECK.families() for fault in family_faults(family)] == []


async def test_two_checks_of_one_port_read_the_store_once(ca, monkeypatch):
    loads = []
    load = trust._of_file
    monkeypatch.setattr(trust, "_of_file", lambda path: loads.append(path) or load(path))
    transport = trust.Trust()

    made = await asyncio.gather(*(transport.context(ca, asyncio.get_running_loop().time() + 5) for _ in range(10)))
    await transport.close()

    assert len(loads) == 1
    assert len({id(context) for context in made}) == 1
