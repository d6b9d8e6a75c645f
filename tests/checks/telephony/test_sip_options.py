"""The kind `sip_options` on endpoints that answer well, oddly, late, elsewhere and not at all."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.catalogue import load_catalogue
from checks.contract import Assessment, Context, Fault, Memory, Observation, Reason, State, covered
from checks.telephony.silence import heard, noted
from checks.telephony.sip_options import CHECK, Endpoint, SipAnswers, SipOptions
from checks.telephony.statuses import Sign, sign, state
from checks.transports import Transports
from checks.transports.sip.message import Request, written
from checks.wire import observation_from_text, observation_json
from config.estate import Target
from testbeds import kamailio
from testbeds.certificates import Authority, Issued, expired
from testbeds.peers import need
from testbeds.single import asked, check, subject, target, wall
from testbeds.sip_peer import Peer, always, over_tcp, over_udp, reply


async def said(peer: Peer, timeout: float = 3.0, **options: Any) -> Assessment:
    """One run against a peer, judged."""
    settings = SipOptions(port=peer.port, **options)
    observation = await asked(CHECK, settings, "127.0.0.1", timeout)
    assert observation.answers is not None, observation.fault
    return CHECK.assess(subject(check("sip_options", settings)), [observation], None, wall())


def states(assessment: Assessment) -> list[State]:
    return [finding.state for finding in assessment.findings]


async def test_an_endpoint_that_answers_is_up_and_measured() -> None:
    async with over_udp(always(200, "OK")) as peer:
        assessment = await said(peer)

    readings = {reading.family.name: reading.value for reading in assessment.readings}
    assert states(assessment) == [State.OK]
    assert readings["ridgeway_sip_up"] == 1
    assert readings["ridgeway_sip_response_code"] == 200
    assert readings["ridgeway_sip_requests_sent"] == 1
    assert readings["ridgeway_sip_round_trip_seconds"] > 0
    (request,) = peer.asked
    via = request.headers.first("via") or ""
    assert via.startswith("SIP/2.0/UDP 127.0.0.1:") and ";rport" in via
    assert request.headers.first("max-forwards") == "70"


@pytest.mark.parametrize(
    ("status", "more", "how", "words"),
    [
        (204, (), State.OK, "is up"),
        (401, (), State.OK, "wants to know who asks"),
        (404, (), State.OK, "does not welcome"),
        (486, (), State.OK, "does not welcome"),
        (603, (), State.OK, "does not welcome"),
        (302, (("contact", "<sip:x@192.0.2.9>"),), State.OK, "asked elsewhere, at 192.0.2.9"),
        (302, (("contact", "<sip:sbc.example:5070>"),), State.OK, "asked elsewhere, at sbc.example:5070"),
        (503, (("retry-after", "17"),), State.WARNING, "left alone for 17 s"),
        (500, (("retry-after", "17"),), State.WARNING, "overloaded"),
        (500, (), State.WARNING, "fails"),
        (408, (), State.CRITICAL, "behind it does not answer"),
        (504, (), State.CRITICAL, "behind it does not answer"),
        (699, (), State.WARNING, "fails"),
    ],
)
async def test_a_status_is_a_sign_and_not_compared_with_200(
    status: int, more: tuple[tuple[str, str], ...], how: State, words: str
) -> None:
    async with over_udp(always(status, "So", *more)) as peer:
        assessment = await said(peer)

    (finding,) = assessment.findings
    assert finding.state is how
    assert words in finding.summary


@pytest.mark.parametrize("contact", ["<sip:01632960123@192.0.2.9>", "<sip:01632960123>", "<tel:+441632960123>"])
async def test_a_number_in_an_answer_is_shown_nowhere(contact: str) -> None:
    async with over_udp(always(302, "4711 has moved to 01632 960123", ("contact", contact))) as peer:
        assessment = await said(peer)

    (finding,) = assessment.findings
    shown = f"{finding.summary} {finding.evidence}".replace(finding.key.partition("/")[2], "")
    assert "has moved to" in shown and "302" in shown
    assert not any(part in shown for part in ("4711", "960123", "1632"))


def test_every_status_has_a_sign_and_only_signs_of_life_are_fine() -> None:
    signs = {status: sign(status) for status in range(200, 700)}

    assert {state(signs[status]) for status in range(200, 300)} == {State.OK}
    assert {signs[status] for status in range(500, 600)} >= {Sign.DEGRADED, Sign.BEHIND, Sign.FAILING}
    assert all(state(one) is not State.UNKNOWN for one in signs.values())


async def test_a_lost_question_is_asked_again() -> None:
    def second(request: Request, count: int) -> list[bytes]:
        return [reply(request, 200)] if count == 2 else []

    async with over_udp(second) as peer:
        assessment = await said(peer)

    assert states(assessment) == [State.OK]
    assert len(peer.asked) == 2
    assert peer.asked[0] == peer.asked[1]


async def test_provisional_answers_are_waited_through_and_alone_are_no_answer() -> None:
    def slowly(request: Request, _count: int) -> list[bytes]:
        return [reply(request, 100), reply(request, 180), reply(request, 200)]

    async with over_udp(slowly) as peer:
        well = await said(peer)
    async with over_udp(always(100, "Trying")) as peer:
        stuck = await said(peer, timeout=1.0)

    assert states(well) == [State.OK]
    (finding,) = stuck.findings
    assert finding.state.bad
    assert "answers 100 and then nothing that is final" in finding.summary


@pytest.mark.parametrize(
    "odd",
    [
        lambda request: reply(request, 200).replace(b"z9hG4bK", b"z9hG4bK0"),
        lambda request: reply(request, 200).replace(b" OPTIONS", b" INVITE"),
        lambda request: reply(request, 200).replace(b"Call-ID: ", b"Call-ID: 0"),
        lambda request: reply(request, 200).replace(b";tag=", b";tag=0"),
        lambda request: b"HTTP/1.1 200 OK\r\n\r\n",
        lambda request: b"\xff" * 100,
        lambda request: b"SIP/2.0 200 OK\r\n\r\n",
        lambda request: reply(request, 200)[:-20],
        lambda request: reply(request, 200).replace(b"Content-Length: 0", b"Content-Length: 9999"),
        lambda request: b"\r\n\r\n",
    ],
    ids=["branch", "method", "call-id", "from", "http", "octets", "bare", "cut", "length", "keep-alive"],
)
async def test_what_is_no_answer_to_the_question_is_never_taken_for_one(odd: Any) -> None:
    async with over_udp(lambda request, _count: [odd(request)]) as peer:
        assessment = await said(peer, timeout=0.9)

    assert all(one.bad for one in states(assessment))
    assert {r.value for r in assessment.readings if r.family.name == "ridgeway_sip_up"} == {0}


async def test_an_answer_from_another_address_is_not_heard() -> None:
    async with over_udp(always(200), elsewhere=True) as peer:
        assessment = await said(peer, timeout=0.8)

    assert states(assessment) == [State.UNKNOWN]
    assert len(peer.asked) == 2  # it was asked again, and answered in vain


async def test_half_an_answer_and_then_the_end_of_the_connection_is_said() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SIP/2.0 200 OK\r\nVia: ")
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    async with server:
        assessment = await said(Peer(server.sockets[0].getsockname()[1]), transport="tcp")

    assert all(one.bad for one in states(assessment))
    assert "closes the connection without an answer" in assessment.findings[0].summary


async def test_odd_answers_before_the_right_one_do_no_harm() -> None:
    def crowd(request: Request, _count: int) -> list[bytes]:
        return [b"\x00" * 10, reply(request, 503).replace(b"z9hG4bK", b"z9hG4bK0"), reply(request, 200)]

    async with over_udp(crowd) as peer:
        assessment = await said(peer)

    assert states(assessment) == [State.OK]


@pytest.mark.parametrize(
    "odd",
    [
        lambda request: reply(request, 200).replace(b"z9hG4bK", b"z9hG4bK0"),
        lambda request: reply(request, 100),
        lambda request: written(replace(request, method="INVITE")),
        lambda request: b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["another's", "provisional", "requests", "no SIP"],
)
async def test_messages_without_end_that_are_no_answers_end(odd: Any) -> None:
    async with over_udp(lambda request, _count: [odd(request)] * 150) as peer:  # as many as a socket's buffer holds
        assessment = await said(peer)

    assert states(assessment) == [State.CRITICAL]
    assert "without end" in assessment.findings[0].summary


class Watching:
    """A check that runs again and again in one agent."""

    def __init__(self, transports: Transports, options: SipOptions) -> None:
        self.spec = check("sip_options", options, timeout=1.0)
        self.target: Target = target(self.spec)
        self.context = Context("here", transports, wall)

    async def once(self) -> Any:
        self.context.deadline = asyncio.get_running_loop().time() + 1.0
        return await CHECK.collect(self.target, self.spec.options, self.context)


async def test_silence_is_unknown_until_it_has_answered_and_then_a_fault_of_reach() -> None:
    answering = [False]
    transports = Transports.open()
    try:
        async with over_udp(lambda request, _: [reply(request, 200)] if answering[0] else []) as peer:
            watching = Watching(transports, SipOptions(port=peer.port))
            before = await watching.once()
            answering[0] = True
            well = await watching.once()
            answering[0] = False
            after = await watching.once()
    finally:
        await transports.close()

    first = CHECK.assess(subject(watching.spec), [before], None, wall())
    assert states(first) == [State.UNKNOWN]
    assert "a filter may drop strangers" in first.findings[0].summary
    assert before.answers.reached is None
    assert well.answers.reached is True
    assert after.answers is None
    assert after.fault.reason is Reason.NO_ANSWER and after.fault.reached is False


async def test_after_a_restart_silence_is_still_a_fault_of_reach_of_whom_has_answered_before() -> None:
    answering = [True]
    async with over_udp(lambda request, _: [reply(request, 200)] if answering[0] else []) as peer:
        first, second = Transports.open(), Transports.open()
        try:
            watching = Watching(first, SipOptions(port=peer.port))
            assessment = CHECK.assess(subject(watching.spec), [await watching.once()], None, wall())
            again = CHECK.assess(subject(watching.spec), [await watching.once()], assessment.memory, wall())
            answering[0] = False
            restarted = Watching(second, SipOptions(port=peer.port))
            restarted.context.memory = assessment.memory
            after = await restarted.once()
        finally:
            await first.close()
            await second.close()

    assert assessment.memory is not None and f"udp:127.0.0.1:{peer.port}" in assessment.memory.text
    assert again.memory is None  # nothing new is not written
    assert after.answers is None
    assert after.fault.reason is Reason.NO_ANSWER and after.fault.reached is False


def test_one_silent_endpoint_of_two_is_critical_by_the_note_alone_and_unknown_without_it() -> None:
    fault = Fault(Reason.NO_ANSWER, "no answer to SIP", "sip_options/no-answer", State.CRITICAL)
    answers = SipAnswers((Endpoint("udp:192.0.2.1:5060", 200), Endpoint("udp:192.0.2.2:5060", fault=fault)))
    observation = Observation("fw-a", "here", 0.0, 0.0, answers)
    judged = subject(check("sip_options", SipOptions()))
    note = noted(None, ["udp:192.0.2.2:5060"])

    known = CHECK.assess(judged, [observation], note, wall())
    never = CHECK.assess(judged, [observation], None, wall())
    newer = CHECK.assess(judged, [observation], Memory(99, "{"), wall())

    assert states(known) == [State.OK, State.CRITICAL]
    assert states(never) == states(newer) == [State.OK, State.UNKNOWN]
    assert known.memory is not None and heard(known.memory) == {"udp:192.0.2.1:5060", "udp:192.0.2.2:5060"}


def test_who_answers_now_is_not_forgotten_for_somebody_new() -> None:
    full = noted(None, [f"udp:192.0.2.{number}:5060" for number in range(64)])

    note = noted(full, ["udp:192.0.2.63:5060", "udp:198.51.100.1:5060"])

    assert note is not None
    assert {"udp:192.0.2.63:5060", "udp:198.51.100.1:5060"} <= heard(note)
    assert len(heard(note)) == 64


@given(st.lists(st.lists(st.text(max_size=5), max_size=5), max_size=40))
def test_the_note_of_who_has_answered_stays_small_and_holds_the_newest(rounds: list[list[str]]) -> None:
    note: Memory | None = None
    for answering in rounds:
        note = noted(note, answering) or note

        assert set(answering) <= heard(note)
        assert len(heard(note)) <= 64


@given(st.text() | st.from_regex(r'\{"answered":\[?("a"|1|null|\{\}|,)*\]?\}'))
def test_a_damaged_note_says_nothing_and_does_no_harm(text: str) -> None:
    assert all(isinstance(name, str) for name in heard(Memory(1, text)))


async def test_a_closed_port_is_told_at_once() -> None:
    async with over_udp(always(200)) as peer:
        port = peer.port

    assessment = await said(Peer(port))

    (finding,) = assessment.findings
    assert finding.state is State.CRITICAL
    assert "nothing listens for SIP there" in finding.summary


async def test_over_tcp_the_question_is_sent_once_and_the_answer_may_come_in_pieces() -> None:
    def in_pieces(request: Request, _count: int) -> list[bytes]:
        whole = reply(request, 200)
        return [whole[at : at + 7] for at in range(0, len(whole), 7)]

    async with over_tcp(in_pieces) as peer:
        assessment = await said(peer, transport="tcp")

    assert states(assessment) == [State.OK]
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no SIP"),
        (b"SIP/2.0 200 OK\r\n\r\n", "no Content-Length"),
        (b"x" * 70_000, "more than 65536"),
    ],
)
async def test_over_tcp_what_is_no_sip_is_said(octets: bytes, words: str) -> None:
    async with over_tcp(lambda request, _count: [octets]) as peer:
        assessment = await said(peer, transport="tcp")

    assert states(assessment) == [State.CRITICAL]
    assert words in assessment.findings[0].summary


async def test_a_half_open_connection_ends_at_the_deadline() -> None:
    async with over_tcp(lambda request, _count: []) as peer:
        assessment = await said(peer, transport="tcp", timeout=0.6)

    assert all(one.bad for one in states(assessment))


def _tls(issued: Issued, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*issued.write(folder))
    return context


@pytest.mark.parametrize(
    ("days", "states_", "words"),
    [(90, [State.OK, State.OK], "ends in 8"), (20, [State.OK, State.WARNING], "ends in 19 days"),
     (3, [State.OK, State.CRITICAL], "ends in 2 days")],
)  # fmt: skip
async def test_over_tls_the_days_of_the_certificate_are_told(
    tmp_path: Path, days: int, states_: list[State], words: str
) -> None:
    authority = Authority()
    issued = authority.issue(["127.0.0.1"], not_after=datetime.now(UTC) + timedelta(days=days))
    (tmp_path / "ca.pem").write_text(authority.pem)

    async with over_tcp(always(200), _tls(issued, tmp_path)) as peer:
        assessment = await said(peer, transport="tls", ca=str(tmp_path / "ca.pem"))

    assert states(assessment) == states_
    assert words in assessment.findings[1].summary
    assert "sips:" in peer.asked[0].uri


@pytest.mark.parametrize(("ends", "judged_too"), [(None, False), (wall() + 1e6, True)], ids=["unseen", "seen"])
def test_a_certificate_that_was_not_seen_keeps_its_state_and_is_not_taken_for_gone(
    ends: float | None, judged_too: bool
) -> None:
    fault = Fault(Reason.NO_ANSWER, "no answer to SIP", "sip_options/no-answer", State.CRITICAL)
    silent = Endpoint("tls:192.0.2.2:5061", fault=None if ends else fault, status=200 if ends else None)
    answers = SipAnswers(
        (Endpoint("tls:192.0.2.1:5061", 200, certificate_ends=wall() + 1e6), replace(silent, certificate_ends=ends))
    )
    observation = Observation("fw-a", "here", 0.0, 0.0, answers)

    assessment = CHECK.assess(subject(check("sip_options", SipOptions(transport="tls"))), [observation], None, wall())

    assert covered(assessment.covers, "sip_certificate/tls:192.0.2.1:5061")
    assert covered(assessment.covers, "sip_certificate/tls:192.0.2.2:5061") is judged_too
    assert covered(assessment.covers, "sip_certificate/tls:192.0.2.3:5061") is judged_too
    assert covered(assessment.covers, "sip_options/tls:192.0.2.3:5061")


@pytest.mark.parametrize("wrong", ["expired", "name", "authority"])
async def test_a_certificate_that_cannot_be_trusted_is_said_and_nothing_is_asked(tmp_path: Path, wrong: str) -> None:
    authority = Authority()
    issued = {
        "expired": lambda: expired(authority),
        "name": lambda: authority.issue(["elsewhere.example"]),
        "authority": lambda: Authority("Another").issue(["127.0.0.1"]),
    }[wrong]()
    (tmp_path / "ca.pem").write_text(authority.pem)

    async with over_tcp(always(200), _tls(issued, tmp_path)) as peer:
        assessment = await said(peer, transport="tls", ca=str(tmp_path / "ca.pem"))

    assert states(assessment) == [State.CRITICAL]
    assert "cannot be trusted" in assessment.findings[0].summary
    assert peer.asked == []


async def test_a_port_that_speaks_no_tls_is_said() -> None:
    async with over_tcp(lambda request, _count: [b"hello"]) as peer:
        assessment = await said(peer, transport="tls", timeout=1.0)

    assert all(one.bad for one in states(assessment))


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="belong to transport: tls"):
        SipOptions(ca="/x")
    with pytest.raises(ValidationError, match="must not be above"):
        SipOptions(certificate_warning_days=3, certificate_critical_days=7)


async def test_answers_travel() -> None:
    async with over_udp(always(503, "Busy", ("retry-after", "3"))) as peer:
        observation = await asked(CHECK, SipOptions(port=peer.port), "127.0.0.1", 3.0)
    kinds = {**load_catalogue(), "sip_options": CHECK}

    again = observation_from_text(json.dumps(observation_json(observation, CHECK)).encode(), kinds)

    assert again == observation
    assert isinstance(again.answers, SipAnswers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kamailio.Kamailio]:
    with kamailio.running(tmp_path_factory.mktemp("kamailio")) as started:
        yield started


@pytest.mark.acceptance
@pytest.mark.parametrize("carrier", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("user", "how", "status"),
    [
        (None, State.OK, 200),
        ("busy", State.OK, 486),
        ("guarded", State.OK, 401),
        ("moved", State.OK, 302),
        ("maintenance", State.WARNING, 503),
    ],
)
async def test_a_real_proxy_is_understood(
    server: kamailio.Kamailio, carrier: str, user: str | None, how: State, status: int
) -> None:
    assessment = await said(Peer(server.port), transport=carrier, user=user)

    codes = [r.value for r in assessment.readings if r.family.name == "ridgeway_sip_response_code"]
    assert (states(assessment), codes) == ([how], [status])


@pytest.mark.acceptance
async def test_sipsak_sees_what_we_see(server: kamailio.Kamailio) -> None:
    for user, fine in (("anybody", True), ("maintenance", False)):
        command = [str(need("sipsak")), "-s", f"sip:{user}@127.0.0.1:{server.port}"]
        theirs = (await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20)).returncode == 0

        ours = states(await said(Peer(server.port), user=user)) == [State.OK]

        assert (ours, theirs) == (fine, fine)


@pytest.mark.acceptance
async def test_a_proxy_that_drops_the_question_is_unknown(server: kamailio.Kamailio) -> None:
    assessment = await said(Peer(server.port), user="silent", timeout=1.2)

    assert states(assessment) == [State.UNKNOWN]


def ports(peer: Peer) -> list[str]:
    """Where the questions came from."""
    return [(request.headers.first("via") or "").partition(";")[0] for request in peer.asked]


async def test_a_socket_is_kept_for_the_next_question_and_what_came_late_is_no_answer_to_it() -> None:
    late: list[bytes] = []

    def answering(request: Request, _count: int) -> list[bytes]:
        late.append(reply(request, 503))
        return [reply(request, 200), *late]

    transports = Transports.open()
    try:
        async with over_udp(answering) as peer:
            watching = Watching(transports, SipOptions(port=peer.port))
            observations = [await watching.once() for _ in range(3)]
            kept = transports.sip.kept
    finally:
        await transports.close()

    assert [one.answers.endpoints[0].status for one in observations] == [200, 200, 200]
    assert len(set(ports(peer))) == 1 == kept
    assert transports.sip.kept == 0


async def test_a_socket_to_somebody_who_floods_it_between_two_questions_is_closed() -> None:
    def answering(request: Request, count: int) -> list[bytes]:
        return [reply(request, 200)] + [b"more"] * (250 if count == 1 else 0)

    transports = Transports.open()
    try:
        async with over_udp(answering) as peer:
            watching = Watching(transports, SipOptions(port=peer.port))
            await watching.once()
            async with asyncio.timeout(20):
                while transports.sip.kept:
                    await asyncio.sleep(0.005)
            again = await watching.once()
    finally:
        await transports.close()

    assert again.answers.reached
    assert len(set(ports(peer))) == 2


async def test_a_socket_on_which_nothing_came_is_not_kept() -> None:
    transports = Transports.open()
    try:
        async with over_udp(lambda request, count: [reply(request, 200)] if count == 1 else []) as peer:
            watching = Watching(transports, SipOptions(port=peer.port))
            await watching.once()
            await watching.once()
            kept = transports.sip.kept
    finally:
        await transports.close()

    assert kept == 0
