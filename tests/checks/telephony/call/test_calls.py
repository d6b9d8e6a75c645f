"""The kind `sip_call` on far ends that answer well, badly, oddly, late and not at all: no call is left up."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.demo.sip_echo import SipEcho
from checks.contract import Context, Reason, State
from checks.telephony.call import CHECK
from checks.telephony.sip_options import SipOptions
from checks.transports import Transports
from checks.transports.sip.message import Request
from checks.wire import observation_from_text, observation_json
from testbeds.calls import (
    WITH_AUDIO,
    account,
    called,
    judged,
    observed,
    options,
    states,
    summary,
    telephone,
    values,
)
from testbeds.peers import free_port
from testbeds.single import check, wall
from testbeds.sip_peer import Answering, Peer, over_tcp, over_udp, reply
from testbeds.telling import until

SDP = ("content-type", "application/sdp")
RATED = {"seconds": 2.2, "ring_seconds": 3.0}


@pytest.fixture
async def echo() -> AsyncIterator[SipEcho]:
    endpoint = SipEcho()
    endpoint.manner.rings = 0.02
    await endpoint.start()
    yield endpoint
    assert endpoint.calls == 0
    endpoint.stop()


def methods(peer: Peer) -> list[str]:
    return [request.method for request in peer.asked]


def answering(*to_invite: Callable[[Request], bytes], body: bytes = WITH_AUDIO.format(40_000).encode()) -> Answering:
    """Answers INVITE as it is told, ACK with nothing, and everything else with 200."""

    def say(request: Request, _count: int) -> list[bytes]:
        if request.method == "INVITE":
            return [one(request) for one in to_invite]
        return [] if request.method == "ACK" else [reply(request, 200)]

    return say


def status(code: int, *more: tuple[str, str], body: bytes = b"", tag: str = "peer") -> Callable[[Request], bytes]:
    return lambda request: reply(request, code, "So", *more, body=body).replace(b";tag=peer", f";tag={tag}".encode())


async def test_a_call_that_is_echoed_is_heard_both_ways_and_rated(echo: SipEcho) -> None:
    assessment = await called(options(echo.at[1], RATED))

    said, told = states(assessment), values(assessment)
    assert said.pop("quality", "unknown") in ("ok", "unknown")  # not ok where this machine is too busy to send in time
    assert said == dict.fromkeys(("call", "setup", "audio", "end", "marking"), "ok")
    assert told["up"] == 1 and told["received_dscp"] == 46
    assert 0 <= told["loss_ratio received"] < 0.1
    assert 0 <= told["setup_seconds"] <= told["answer_seconds"]
    assert echo.asked["INVITE"] == echo.asked["ACK"] == echo.asked["BYE"] == 1


@pytest.mark.parametrize("name", ["one_way", "mute", "marked"])
async def test_what_is_wrong_with_the_sound_is_said(echo: SipEcho, name: str) -> None:
    setattr(echo.manner.line, name, name != "marked")

    assessment = await called(options(echo.at[1], {"seconds": 1.5, "ring_seconds": 3.0}))

    said = states(assessment)
    if name == "one_way":
        assert said["audio"] == "critical" and "we hear nothing: not one packet" in summary(assessment, "audio")
        assert values(assessment)["up"] == 0 and "quality" not in said
    elif name == "mute":
        assert said["audio"] in ("warning", "critical")  # by whether its reports had come by then
        assert "silence comes back" in summary(assessment, "audio")
    else:
        assert said["audio"] == "ok" and said["marking"] == "warning"
        assert "taken off" in summary(assessment, "marking")


async def test_silence_is_enough_where_any_packet_is_and_not_where_sound_is_expected(echo: SipEcho) -> None:
    echo.manner.line.mute = True

    any_packet = await called(options(echo.at[1], expect="any-rtp"))
    sound = await called(options(echo.at[1], expect="sound"))

    assert states(any_packet)["audio"] == "ok" and "whether they hear us is not known" in summary(any_packet, "audio")
    assert states(sound)["audio"] == "critical"


async def test_one_call_over_a_bad_line_is_measured_and_neither_well_nor_an_alarm(echo: SipEcho) -> None:
    echo.manner.line.loss = 0.2

    assessment = await called(options(echo.at[1], RATED))

    assert abs(values(assessment)["loss_ratio received"] - 0.2) < 0.05
    assert states(assessment).get("quality", "unknown") == "unknown"  # none where this machine was too busy to send


@pytest.mark.parametrize(
    ("code", "more", "state", "words"),
    [
        (486, (), "warning", "busy"),
        (600, (), "warning", "busy"),
        (302, (("contact", "<sip:999@elsewhere.example>"),), "unknown", "follows nobody"),
        (401, (("www-authenticate", 'Digest realm="a", nonce="b"'),), "unknown", "credential of the role sip"),
        (403, (), "critical", "refused"),
        (404, (), "critical", "refused"),
        (503, (), "critical", "fails"),
        (603, (), "critical", "refused"),
    ],
)
async def test_a_call_that_is_not_answered_says_why_and_goes_nowhere_else(
    code: int, more: tuple[tuple[str, str], ...], state: str, words: str
) -> None:
    async with over_udp(answering(status(100), status(code, *more))) as peer:
        assessment = await called(options(peer.port))

    assert states(assessment) == {"call": state}
    assert words in summary(assessment, "call") and "999" not in str(assessment.findings)
    assert values(assessment) == {"up": 0}
    assert methods(peer) == ["INVITE", "ACK"]


async def test_the_number_of_anybody_stands_in_no_finding() -> None:
    async with over_udp(lambda request, _: [reply(request, 404, "No 5600 or 01632 960123 here")]) as peer:
        assessment = await called(options(peer.port))

    assert not any(number in repr(assessment) for number in ("5600", "960123"))


@pytest.mark.parametrize("first", [200, 487])
async def test_a_call_that_only_rings_is_cancelled(first: int) -> None:
    def ringing(request: Request, _count: int) -> list[bytes]:
        if request.method == "INVITE":
            return [reply(request, 180)]
        if request.method == "CANCEL":
            said = {200: reply(request, 200), 487: reply(peer.asked[0], 487)}
            return [said[first], said[687 - first]]
        return []

    async with over_udp(ringing) as peer:
        assessment = await called(options(peer.port, {"seconds": 0.3, "ring_seconds": 0.3}))

    assert states(assessment) == {"call": "critical", "setup": "ok"}
    assert "rings and does not answer" in summary(assessment, "call")
    assert methods(peer) == ["INVITE", "CANCEL", "ACK"]


async def test_trying_and_nothing_more_is_critical_and_cancelled() -> None:
    def trying(request: Request, _count: int) -> list[bytes]:
        if request.method == "CANCEL":
            return [reply(request, 200), reply(peer.asked[0], 487)]
        return [reply(request, 100)] if request.method == "INVITE" else []

    async with over_udp(trying) as peer:
        assessment = await called(options(peer.port, {"seconds": 0.3, "ring_seconds": 0.3}))

    assert states(assessment) == {"call": "critical"}
    assert "answers 100 to a call and" in summary(assessment, "call")
    assert methods(peer) == ["INVITE", "CANCEL", "ACK"]


async def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() -> None:
    def late(request: Request, _count: int) -> list[bytes]:
        if request.method == "INVITE":
            return [reply(request, 180)]
        if request.method == "CANCEL":
            return [reply(request, 200), reply(peer.asked[0], 200, "OK", SDP)]
        return [reply(request, 200)] if request.method == "BYE" else []

    async with over_udp(late) as peer:
        assessment = await called(options(peer.port, {"seconds": 0.3, "ring_seconds": 0.3}))

    assert states(assessment)["call"] == "critical"
    assert methods(peer) == ["INVITE", "CANCEL", "ACK", "BYE"]


async def test_of_two_that_answer_one_is_kept_and_both_are_hung_up() -> None:
    body = WITH_AUDIO.format(free_port()).encode()
    one, two = (status(200, SDP, body=body, tag=tag) for tag in ("one", "two"))

    async with over_udp(answering(status(180), one, two)) as peer:
        assessment = await called(options(peer.port))

    byes = [request.headers.first("to") for request in peer.asked if request.method == "BYE"]
    assert sorted(str(to)[-3:] for to in byes) == ["one", "two"]
    assert methods(peer).count("ACK") == 2
    finding = next(each for each in assessment.findings if each.key == "sip_call/call")
    assert finding.evidence["further answers"] == "1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "without sound"),
        (b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=image 40000 udptl t38\r\n", "no audio in it"),
        (WITH_AUDIO.format(0).encode(), "refuses the sound"),
        (WITH_AUDIO.format(40_000).replace("AVP 8", "SAVP 8").encode(), "encrypted"),
        (WITH_AUDIO.format(40_000).replace("IP4 127.0.0.1\r\nt", "IP4 239.1.1.1\r\nt").encode(), "multicast"),
        (b"\xff" * 2000, "without sound"),
    ],
)
async def test_an_answer_without_sound_is_a_finding_and_the_call_is_hung_up(body: bytes, words: str) -> None:
    async with over_udp(answering(status(200, SDP, body=body))) as peer:
        assessment = await called(options(peer.port))

    assert states(assessment)["audio"] == "critical"
    assert words in summary(assessment, "audio")
    assert methods(peer) == ["INVITE", "ACK", "BYE"]


async def test_a_far_end_that_hangs_up_at_once_is_answered_and_a_warning(echo: SipEcho) -> None:
    def hangs_up(request: Request, _count: int) -> list[bytes]:
        if request.method == "INVITE":
            return [reply(request, 200, "OK", SDP, body=WITH_AUDIO.format(40_000).encode())]
        if request.method == "ACK":
            headers = dict(request.headers.fields)
            lines = (
                "BYE sip:x SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKbye", f"From: {headers['to']}",
                f"To: {headers['from']}", f"Call-ID: {headers['call-id']}", "CSeq: 1 BYE", "Content-Length: 0",
            )  # fmt: skip
            return ["\r\n".join((*lines, "", "")).encode()]
        return []

    async with over_tcp(hangs_up) as peer:
        assessment = await called(
            options(peer.port, {"seconds": 3.0, "ring_seconds": 3.0}, transport="tcp"), timeout=30
        )

    assert states(assessment)["end"] == "warning"
    assert "the far end hung up after" in summary(assessment, "end")


async def test_a_bye_that_is_not_answered_is_a_warning() -> None:
    def deaf(request: Request, _count: int) -> list[bytes]:
        if request.method == "INVITE":
            return [reply(request, 200, "OK", SDP, body=WITH_AUDIO.format(40_000).encode())]
        return []

    async with over_udp(deaf) as peer:
        assessment = await called(options(peer.port))

    assert states(assessment)["end"] == "warning"
    assert "not confirmed" in summary(assessment, "end")
    assert methods(peer).count("BYE") >= 3


@pytest.mark.parametrize(
    "odd",
    [
        lambda request: reply(request, 200, "OK", SDP).replace(b"Call-ID: ", b"Call-ID: x"),
        lambda request: reply(request, 200, "OK", ("x-huge", "y" * 60_000)),
        lambda request: reply(request, 200).replace(b"SIP/2.0 200", b"SIP/3.0 200"),
        lambda request: b"\x00" * 100,
    ],
    ids=["call-id", "huge header", "version", "octets"],
)
async def test_what_is_no_answer_is_taken_for_none(odd: Any) -> None:
    async with over_udp(lambda request, _count: [odd(request)] if request.method == "INVITE" else []) as peer:
        observation = await observed(options(peer.port, {"seconds": 0.3, "ring_seconds": 0.4}))

    assert observation.answers is None and observation.fault is not None
    assert observation.fault.reason is Reason.NO_ANSWER and observation.fault.state is State.CRITICAL


async def test_a_closed_port_is_critical_and_another_address_is_tried_only_then(echo: SipEcho) -> None:
    observation = await observed(options(free_port(), {"seconds": 0.3, "ring_seconds": 2.0}, transport="tcp"))

    assert observation.fault is not None
    assert (observation.fault.reason, observation.fault.state) == (Reason.REFUSED, State.CRITICAL)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_test_extension_proves_who_calls(tmp_path: Path, algorithm: str) -> None:
    endpoint = SipEcho(users={"7001": "s3cret"}, algorithm=algorithm)
    await endpoint.start()

    well = await called(options(endpoint.at[1]), credential=account(tmp_path))
    wrong = await observed(options(endpoint.at[1]), account(tmp_path, password="wr0ng"))

    endpoint.stop()
    assert states(well)["call"] == "ok"
    assert wrong.fault is not None and wrong.fault.condition == "credential/test-extension"
    assert "wr0ng" not in repr(wrong)


async def test_a_refused_password_is_not_tried_again_within_the_hour(tmp_path: Path) -> None:
    endpoint = SipEcho(users={"7001": "s3cret"})
    await endpoint.start()
    said, transports = options(endpoint.at[1]), Transports.open()
    what = telephone(said, account(tmp_path, password="wr0ng"))

    found = []
    for _ in range(2):
        context = Context("here", transports, wall, asyncio.get_running_loop().time() + 20)
        found.append((await CHECK.collect(what, said, context)).fault)
    await transports.close()

    asked = endpoint.asked["INVITE"]
    endpoint.stop()
    assert [fault and fault.reason for fault in found] == [Reason.AUTHENTICATION, Reason.WITHHELD]
    assert asked == 2  # the bare one and the one that was refused


async def test_outside_of_the_hours_nothing_is_sent_and_nothing_ends(echo: SipEcho) -> None:
    said = options(echo.at[1], hours={"monday": "00:00-00:01"}, bank_holidays=True)

    observation = await observed(said)
    before = judged(options(echo.at[1]), await observed(options(echo.at[1])))
    assessment = judged(said, observation, memory=before.memory)

    assert observation.answers.reached is None
    assert states(assessment) == {"hours": "unsupported"}
    assert "no call is made before Mon" in summary(assessment, "hours")
    assert "the last one was made" in summary(assessment, "hours")
    assert not assessment.asked and assessment.covers == {"sip_call/hours"} and assessment.memory is None
    assert echo.asked["INVITE"] == 1


async def test_one_check_calls_once_a_minute_at_most_however_often_it_runs(echo: SipEcho) -> None:
    said, transports = options(echo.at[1]), Transports.open()
    context = Context("here", transports, wall)

    runs = []
    for _ in range(2):
        context.deadline = asyncio.get_running_loop().time() + 20
        runs.append(await CHECK.collect(telephone(said), said, context))
    context.kept, context.memory = None, judged(said, runs[0]).memory  # as after a restart of the agent
    runs.append(await CHECK.collect(telephone(said), said, context))
    await transports.close()

    assert [run.answers.answered for run in runs] == [True, False, False]
    assert all("never more than one in 60 s" in run.answers.held_back for run in runs[1:])
    assert echo.asked["INVITE"] == 1


async def test_two_checks_of_a_target_call_one_after_the_other() -> None:
    transports = Transports.open()

    async def run(port: int) -> None:
        context = Context("here", transports, wall, asyncio.get_running_loop().time() + 30)
        said = options(port)
        assert (await CHECK.collect(telephone(said), said, context)).answers.answered

    body = WITH_AUDIO.format(40_000).encode()
    async with over_udp(answering(status(200, SDP, body=body))) as peer:
        await asyncio.gather(run(peer.port), run(peer.port))
        await transports.close()

    assert methods(peer) == ["INVITE", "ACK", "BYE"] * 2


@pytest.mark.parametrize("ringing", [True, False])
async def test_a_run_that_is_cancelled_leaves_no_call_up(echo: SipEcho, ringing: bool) -> None:
    echo.manner.rings = 30.0 if ringing else 0.0
    said, transports = options(echo.at[1], {"seconds": 10.0, "ring_seconds": 20.0}), Transports.open()
    context = Context("here", transports, wall, asyncio.get_running_loop().time() + 60)

    run = asyncio.create_task(CHECK.collect(telephone(said), said, context))
    await until(lambda: echo.calls == 1 and (ringing or echo.asked["ACK"] > 0), "the call is under way")
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await transports.close()

    assert echo.calls == 0
    assert echo.asked["CANCEL" if ringing else "BYE"] == 1


async def test_a_time_out_that_is_too_short_for_a_call_makes_none(echo: SipEcho) -> None:
    observation = await observed(options(echo.at[1], {"seconds": 8.0, "ring_seconds": 20.0}), timeout=10)

    assert observation.fault is not None and observation.fault.reason is Reason.LOCAL
    assert "longer" in observation.fault.message
    assert not echo.asked


async def test_an_observation_travels_as_json(echo: SipEcho) -> None:
    observation = await observed(options(echo.at[1]))

    text = json.dumps(observation_json(observation, CHECK)).encode()
    again = observation_from_text(text, {CHECK.kind: CHECK})

    assert again == observation


@pytest.mark.parametrize(
    ("silent", "transport", "reason"),
    [(None, "tcp", Reason.REFUSED), (frozenset({"INVITE", "OPTIONS"}), "udp", Reason.NO_ANSWER)],
)
async def test_nobody_there_is_no_second_incident_beside_that_of_a_check_by_options(
    silent: frozenset[str] | None, transport: str, reason: Reason
) -> None:
    async with contextlib.AsyncExitStack() as held:
        port = free_port() if silent is None else (await held.enter_async_context(over_udp(_deaf_to(silent)))).port
        said = options(port, {"seconds": 0.3, "ring_seconds": 1.0}, transport=transport)
        alone = await observed(said)
        beside = await observed(said, beside=(check("sip_options", SipOptions(port=port, transport=transport)),))
        elsewhere = await observed(said, beside=(check("sip_options", SipOptions(port=port + 1)),))

    assert alone.fault is not None and elsewhere.fault is not None
    assert (alone.fault.reason, elsewhere.fault.state) == (reason, State.CRITICAL)
    assert beside.fault is None
    assessment = judged(said, beside)
    assert states(assessment) == {"hours": "unsupported"} and values(assessment) == {"up": 0.0}
    assert "the check sip_options says so" in summary(assessment, "hours")
    assert not assessment.asked and assessment.covers == {"sip_call/hours"}


async def test_a_call_into_silence_of_somebody_who_answers_options_is_told_by_the_call_itself() -> None:
    async with over_udp(_deaf_to(frozenset({"INVITE"}))) as peer:
        said = options(peer.port, {"seconds": 0.3, "ring_seconds": 1.0})
        observation = await observed(said, beside=(check("sip_options", SipOptions(port=peer.port)),))

    assert observation.fault is not None and observation.fault.condition == "sip_call/no-answer"
    assert "OPTIONS" in {request.method for request in peer.asked}


def _deaf_to(methods: frozenset[str]) -> Answering:
    return lambda request, _count: [] if request.method in methods else [reply(request, 200)]
