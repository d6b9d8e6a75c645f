"""Odd answers, scripted with sipp: what is no answer is never taken for one, and what is, is understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.contract import Assessment, State
from checks.telephony.sip_options import CHECK, SipOptions
from testbeds.registrar import PASSWORD, USER
from testbeds.registration import WELL, probing, words
from testbeds.registration import states as registration_states
from testbeds.single import asked as run
from testbeds.single import check, subject, wall
from testbeds.sipp import asked, pause, playing, response

pytestmark = pytest.mark.acceptance
OK = response("200 OK")


async def said(folder: Path, *steps: str, tcp: bool = False, timeout: float = 3.0) -> Assessment:
    with playing(folder, asked(), *steps, tcp=tcp) as port:
        options = SipOptions(port=port, transport="tcp" if tcp else "udp")
        observation = await run(CHECK, options, "127.0.0.1", timeout)
    assert observation.answers is not None, observation.fault
    return CHECK.assess(subject(check("sip_options", options)), [observation], None, wall())


def sent(assessment: Assessment) -> float:
    return next(r.value for r in assessment.readings if r.family.name == "ridgeway_sip_requests_sent")


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    "steps",
    [
        (OK,),
        (response("100 Trying"), response("180 Ringing"), response("183 Progress"), OK),
        (response("200 OK", tag="one"), response("200 OK", tag="two"), response("486 Busy", tag="three")),
        (response("503 Full", call_id="Call-ID: another@127.0.0.1"), OK),
        (response("503 Full", via="Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKanother"), OK),
        (response("503 Full", sender="From: <sip:ridgeway@127.0.0.1>;tag=another"), OK),
        (response("200 OK", "m: <sip:a@127.0.0.1>, <sip:b@127.0.0.1>", 's: "a;b,<c>"'),),
    ],
    ids=["plain", "provisional", "forked", "call-id", "branch", "from", "compact"],
)
async def test_the_answer_to_our_question_is_found_among_others(
    tmp_path: Path, steps: tuple[str, ...], tcp: bool
) -> None:
    assessment = await said(tmp_path, *steps, tcp=tcp)

    assert [finding.state for finding in assessment.findings] == [State.OK]
    assert sent(assessment) == 1


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((response("100 Trying"),), "answers 100 and then nothing that is final"),
        ((response("200 OK", call_id="Call-ID: another@127.0.0.1"),), "no answer to SIP"),
        ((response("200 OK", sender="From: <sip:ridgeway@127.0.0.1>;tag=another"),), "no answer to SIP"),
        ((response("200 OK", "X-Huge: " + 9000 * "a"),), "more than 8192"),
        ((response("200 OK", *(f"X-{number}: a" for number in range(201))),), "more than 200"),
        ((pause(60_000), OK), "no answer to SIP"),
    ],
    ids=["100 only", "call-id", "from", "huge", "many", "never"],
)
async def test_what_is_no_answer_is_never_taken_for_one(tmp_path: Path, steps: tuple[str, ...], why: str) -> None:
    assessment = await said(tmp_path, *steps, timeout=0.8)

    assert all(finding.state.bad for finding in assessment.findings)
    assert why in assessment.findings[0].summary


async def test_a_huge_header_in_a_stream_is_said_at_once(tmp_path: Path) -> None:
    assessment = await said(tmp_path, response("200 OK", "X-Huge: " + 9000 * "a"), tcp=True)

    assert [finding.state for finding in assessment.findings] == [State.CRITICAL]
    assert "more than 8192" in assessment.findings[0].summary


async def test_a_question_that_was_lost_is_sent_anew_as_it_was(tmp_path: Path) -> None:
    assessment = await said(tmp_path, asked(), OK, timeout=5.0)

    assert [finding.state for finding in assessment.findings] == [State.OK]
    assert sent(assessment) == 2


_CHALLENGE = response(
    "401 Unauthorized", 'WWW-Authenticate: Digest realm="sipp", nonce="47364c23432d2e131a5fb210812c", algorithm=MD5'
)


def registrar(password: str) -> tuple[str, ...]:
    """A registrar for one visit: sipp itself works the digest out, and refuses whatever is another."""
    verified = f'<action><verifyauth assign_to="right" username="{USER}" password="{password}"/></action>'
    return (
        asked("REGISTER"), _CHALLENGE, f'<recv request="REGISTER">{verified}</recv>',
        '<nop next="right" test="right"/>', _CHALLENGE, '<nop next="end"/>', '<label id="right"/>',
        response("200 OK", "[last_Contact:]"), asked("REGISTER"), _CHALLENGE, asked("REGISTER"), response("200 OK"),
        '<label id="end"/>', pause(1),
    )  # fmt: skip


async def test_a_digest_is_found_right_by_sipp(tmp_path: Path) -> None:
    with playing(tmp_path, *registrar(PASSWORD)) as port:
        async with probing(port) as probe:
            assessment = await probe.judged()

    assert registration_states(assessment) == WELL, words(assessment)


async def test_a_digest_of_another_password_is_found_wrong_by_sipp(tmp_path: Path) -> None:
    with playing(tmp_path, *registrar("another")) as port:
        async with probing(port) as probe:
            assessment = await probe.judged()

    assert [finding.key for finding in assessment.findings] == ["credential/test-extension"]
