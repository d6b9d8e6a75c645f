"""The kind `sip_register`: it registers, reads what is there, and takes back what is its own, whatever happens."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.catalogue import load_catalogue
from checks.contract import Assessment, Reason, State, covered
from checks.telephony.register import CHECK, RegisterOptions, Registrations
from checks.telephony.sip_options import CHECK as OPTIONS
from checks.telephony.sip_options import SipOptions
from checks.transports.sip import Carrier
from checks.transports.sip.message import Request
from checks.wire import observation_from_text, observation_json
from testbeds.certificates import Authority
from testbeds.registrar import PASSWORD, USER, Registrar
from testbeds.registration import WELL, probing, states, words
from testbeds.single import asked, check, subject, wall
from testbeds.sip_peer import Answering, always, over_tcp, over_udp, reply


async def said(answering: Answering, **options: Any) -> Assessment:
    async with over_udp(answering) as peer, probing(peer.port, **options) as probe:
        return await probe.judged()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("proxy", [False, True])
async def test_an_extension_is_registered_measured_and_let_go(algorithm: str, proxy: bool) -> None:
    registrar = Registrar(algorithm, proxy=proxy)

    assessment = await said(registrar.answer)

    readings = {reading.family.name: reading.value for reading in assessment.readings}
    assert states(assessment) == WELL
    assert "registers the test extension for 60 s" in words(assessment)
    assert readings["ridgeway_sip_registered"] == 1
    assert readings["ridgeway_sip_registration_seconds"] > 0
    assert registrar.bindings == {}
    assert registrar.wrong == 0


async def test_one_call_id_rising_numbers_and_one_contact_of_its_own_never_a_star() -> None:
    registrar = Registrar()

    await said(registrar.answer)

    numbers = [int((request.headers.first("cseq") or "").split()[0]) for request in registrar.asked]
    contacts = {(request.headers.first("contact") or "").partition(";expires")[0] for request in registrar.asked}
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert len({request.headers.first("call-id") for request in registrar.asked}) == 1
    assert len(contacts) == 1 and "*" not in contacts
    assert [request.headers.first("expires") for request in registrar.asked] == ["60", "60", "0", "0"]


async def test_a_stale_nonce_is_exchanged_once_and_is_no_wrong_password() -> None:
    once, for_ever = Registrar(stale=1), Registrar(stale=99)

    fine = await said(once.answer)
    looping = await said(for_ever.answer)

    assert states(fine) == WELL
    assert [finding.key for finding in looping.findings] == ["credential/test-extension"]
    assert len(for_ever.asked) == 3


async def test_a_brief_interval_is_lengthened_once_and_only_as_far_as_an_hour() -> None:
    longer, too_long = Registrar(least=300), Registrar(least=7200)

    fine = await said(longer.answer)
    refused = await said(too_long.answer)

    assert states(fine) == WELL
    assert "for 300 s" in words(fine)
    assert states(refused) == {"registrar": State.WARNING}
    assert "423" in words(refused)
    assert longer.bindings == too_long.bindings == {}


async def test_somebody_else_on_the_test_extension_is_a_finding_of_its_own_and_stays_registered() -> None:
    registrar = Registrar(bindings={"sip:4711@192.0.2.77:5060": 3000, "mailto:somebody@forum.example": 9})

    assessment = await said(registrar.answer)

    assert states(assessment) == {**WELL, "other": State.WARNING}
    assert "2 times more" in words(assessment) and "192.0.2.77" in words(assessment)
    assert sorted(registrar.bindings) == ["mailto:somebody@forum.example", "sip:4711@192.0.2.77:5060"]


async def test_two_checks_of_one_agent_take_turns_on_the_extension() -> None:
    registrar = Registrar()

    async with over_udp(registrar.answer) as peer, probing(peer.port) as one, probing(peer.port) as another:
        another.context = replace(another.context, transports=one.transports)
        assessments = await asyncio.gather(one.judged(), another.judged())

    assert [states(assessment) for assessment in assessments] == [WELL, WELL]


async def test_a_gateway_that_rewrites_the_host_is_understood() -> None:
    registrar = Registrar(rewrites=True)

    assessment = await said(registrar.answer)

    assert states(assessment) == WELL
    assert registrar.bindings == {}


async def test_a_registrar_that_says_200_and_lists_nothing_is_not_fine() -> None:
    assessment = await said(Registrar(lists=False).answer)

    assert states(assessment) == {"registrar": State.CRITICAL}
    assert {reading.value for reading in assessment.readings} == {0}


@pytest.mark.parametrize("oddity", ["deaf_to_removal", "ignores_removal"])
async def test_a_registration_that_may_be_left_behind_is_said(oddity: str) -> None:
    assessment = await said(Registrar(**{oddity: True}).answer, timeout=1.5)

    assert states(assessment) == {**WELL, "left": State.WARNING}
    assert "ends by itself, in 60 s at most" in words(assessment)


async def test_a_registrar_that_registers_and_says_nothing_is_unregistered_all_the_same() -> None:
    registrar = Registrar(breaks_off=True)

    assessment = await said(registrar.answer, timeout=2.0)

    assert states(assessment) == {"registrar": State.CRITICAL}
    assert "asks who registers, and then says nothing more" in words(assessment)
    assert registrar.bindings == {}


async def test_a_registrar_that_falls_silent_with_our_registration_is_reached_and_it_is_said_what_may_be_left() -> None:
    registrar = Registrar(breaks_off=True, deaf_to_removal=True)

    async with over_udp(registrar.answer) as peer, probing(peer.port, timeout=1.5) as probe:
        probe.context.kept = frozenset({f"udp:127.0.0.1:{peer.port}"})
        assessment = await probe.judged()

    assert states(assessment) == {"registrar": State.CRITICAL, "left": State.WARNING}


async def test_being_cancelled_leaves_nothing_behind() -> None:
    registered = asyncio.Event()

    class Slow(Registrar):
        def answer(self, request: Request, count: int) -> list[bytes]:
            given = super().answer(request, count)
            if self.bindings:
                registered.set()
            return given

    registrar = Slow(breaks_off=True)
    async with over_udp(registrar.answer) as peer, probing(peer.port, timeout=30.0) as probe:
        run = asyncio.create_task(probe.once())
        await registered.wait()

        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert registrar.bindings == {}


async def test_being_cancelled_twice_leaves_nothing_behind_either() -> None:
    registered, removing = asyncio.Event(), asyncio.Event()

    class Slow(Registrar):
        def answer(self, request: Request, count: int) -> list[bytes]:
            if request.headers.first("expires") == "0":
                removing.set()
            given = super().answer(request, count)
            if self.bindings:
                registered.set()
            return given

    registrar = Slow(breaks_off=True)
    async with over_udp(registrar.answer) as peer, probing(peer.port, timeout=30.0) as probe:
        run = asyncio.create_task(probe.once())
        await registered.wait()
        run.cancel()
        await removing.wait()

        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert registrar.bindings == {}


async def test_over_tcp_a_broken_connection_is_opened_anew_to_take_the_registration_back() -> None:
    registrar = Registrar()
    broken = []

    def breaking(request: Request, count: int) -> list[bytes]:
        given = registrar.answer(request, count)
        if registrar.bindings and not broken:
            broken.append(True)
            return [b"no SIP at all\r\n\r\n"]
        return given

    async with over_tcp(breaking) as peer, probing(peer.port, transport="tcp") as probe:
        assessment = await probe.judged()

    assert states(assessment) == {"registrar": State.CRITICAL}
    assert "is no SIP" in words(assessment)
    assert registrar.bindings == {}


@pytest.mark.parametrize(
    ("status", "more", "how", "said_of_it"),
    [
        (302, (("contact", "<sip:4711@192.0.2.9>"),), State.WARNING, "asked elsewhere, at 192.0.2.9"),
        (404, (), State.CRITICAL, "look at the extension"),
        (403, (), State.CRITICAL, "403"),
        (503, (("retry-after", "30"),), State.WARNING, "left alone for 30 s"),
        (500, (), State.CRITICAL, "500"),
    ],
)
async def test_a_refusal_is_told_without_anybodys_number(
    status: int, more: tuple[tuple[str, str], ...], how: State, said_of_it: str
) -> None:
    assessment = await said(always(status, "4711 is not at 0044123456", *more))

    assert states(assessment) == {"registrar": how}
    assert said_of_it in words(assessment)
    assert USER not in words(assessment) and "0044" not in words(assessment)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_password_is_tried_once_an_hour_and_nowhere_else(status: int) -> None:
    registrar = Registrar(password="another")

    def answering(request: Request, count: int) -> list[bytes]:
        given = registrar.answer(request, count)
        return [reply(request, status)] if registrar.wrong and status == 403 else given

    async with over_udp(answering) as peer, probing(peer.port) as probe:
        first = await probe.judged()
        asked = len(peer.asked)
        second = await probe.judged()
        asked_again = len(peer.asked)

    assert [finding.key for finding in first.findings] == ["credential/test-extension"]
    assert "password" in words(first) and PASSWORD not in words(first) and USER not in words(first)
    assert registrar.wrong == 1
    assert "was not asked" in words(second)
    assert asked_again == asked


async def test_a_refusal_that_is_heard_only_while_taking_back_spares_the_account_too() -> None:
    registrar = Registrar(password="another")

    def lossy(request: Request, count: int) -> list[bytes]:
        given = registrar.answer(request, count)
        registering = request.headers.first("expires") != "0"
        return [] if registering and request.headers.first("authorization") else given

    async with over_udp(lossy) as peer, probing(peer.port, timeout=1.0) as probe:
        await probe.judged()
        refused = probe.transports.lockout.refused()
        second = await probe.judged()

    assert list(refused) == ["test-extension"]
    assert "was not asked" in words(second)


async def test_over_tls_the_extension_is_registered_by_a_sips_uri(tmp_path: Path) -> None:
    registrar, authority = Registrar("SHA-256"), Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.issue(["forum.example"]).write(tmp_path))
    how = {"transport": "tls", "ca": str(tmp_path / "ca.pem"), "domain": "forum.example"}

    async with over_tcp(registrar.answer, tls) as peer, probing(peer.port, **how) as probe:
        assessment = await probe.judged()

    assert states(assessment) == WELL
    assert registrar.bindings == {}
    assert registrar.asked[0].uri == "sips:forum.example"
    assert (registrar.asked[0].headers.first("contact") or "").startswith("<sips:ridgeway-")


async def test_a_digest_that_nobody_knows_is_unknown_and_costs_no_try() -> None:
    def odd(request: Request, _count: int) -> list[bytes]:
        return [reply(request, 401, "", ("www-authenticate", 'Digest realm="r", nonce="n", algorithm=SHA-512-256'))]

    async with over_udp(odd) as peer, probing(peer.port) as probe:
        assessment = await probe.judged()
        refused = probe.transports.lockout.refused()

    assert states(assessment) == {"registrar": State.UNKNOWN}
    assert "SHA-512-256" in words(assessment)
    assert refused == {}
    assert len(peer.asked) == 1


async def test_silence_is_unknown_until_it_has_answered_and_then_a_fault_of_reach_after_a_restart_too() -> None:
    async with over_udp(lambda request, _count: []) as peer, probing(peer.port, timeout=0.8) as probe:
        never = await probe.judged()
    registrar = Registrar()
    silent = [False]
    async with over_udp(lambda request, count: [] if silent[0] else registrar.answer(request, count)) as peer:
        async with probing(peer.port, timeout=0.8) as probe:
            note = (await probe.judged()).memory
        silent[0] = True
        async with probing(peer.port, timeout=0.8) as probe:
            probe.context.memory = note
            after = await probe.once()

    assert states(never) == {"registrar": State.UNKNOWN}
    assert note is not None
    assert after.answers is None
    assert after.fault is not None and after.fault.reason is Reason.NO_ANSWER
    assert after.fault.condition == "sip_options/no-answer", "one cause with what OPTIONS finds"


async def test_a_registrar_that_is_not_there_is_one_cause_with_what_options_says_of_it_and_is_over_with_it() -> None:
    registrar = Registrar()
    async with over_tcp(registrar.answer) as peer, probing(peer.port, transport="tcp") as probe:
        there = await probe.judged()
    options = SipOptions(port=peer.port, transport=Carrier.TCP)
    async with probing(peer.port, transport="tcp") as probe:
        refused = await probe.judged()
        asked_there = await asked(OPTIONS, options, "127.0.0.1", 3.0)

    key = f"sip_options/tcp:127.0.0.1:{peer.port}"
    by_options = OPTIONS.assess(subject(check("sip_options", options)), [asked_there], None, wall())
    assert [(one.key, one.state) for one in refused.findings] == [(key, State.CRITICAL)]
    assert [one.key for one in by_options.findings] == [key]
    assert covered(there.covers, key) and covered(there.may_go, key)
    assert not covered(refused.covers, f"sip_register/tcp:127.0.0.1:{peer.port}"), "what it said keeps its state"


async def test_a_secret_that_is_not_there_is_said_and_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_EXTENSION")

    async with over_udp(always(200)) as peer, probing(peer.port) as probe:
        observation = await probe.once()

    assert observation.fault is not None and observation.fault.reason is Reason.LOCAL
    assert "TEST_EXTENSION" in observation.fault.message
    assert peer.asked == []


async def test_another_user_may_be_named_in_the_digest_and_the_extension_is_written_as_a_uri_can_hold_it() -> None:
    registrar = Registrar(auth_user="probe one")

    names = {"user": "4711 @x", "auth_user": "probe one", "domain": "forum.example"}
    async with over_udp(registrar.answer) as peer, probing(peer.port, **names) as probe:
        assessment = await probe.judged()

    assert states(assessment) == WELL
    assert registrar.asked[0].uri == "sip:forum.example"
    assert registrar.asked[0].headers.first("to") == "<sip:4711%20%40x@forum.example>"


async def test_answers_travel() -> None:
    async with over_udp(Registrar().answer) as peer, probing(peer.port) as probe:
        observation = await probe.once()
    kinds = {**load_catalogue(), "sip_register": CHECK}

    again = observation_from_text(json.dumps(observation_json(observation, CHECK)).encode(), kinds)

    assert again == observation
    assert isinstance(again.answers, Registrations)
    assert USER not in json.dumps(observation_json(observation, CHECK))


@pytest.mark.parametrize("options", [{"expires": 59}, {"expires": 121}, {"srv": True, "port": 5060}, {"ca": "/x"}])
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RegisterOptions(**options)
