"""Proof that phones are at home again after a restart of their backup, and everything that is none."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.demo.devices import SimpleValue, SimulatedDevices
from checks.contract import Assessment, Context, Fault, Memory, Reason, State
from checks.telephony.mitel import CHECK, MitelAnswers, MitelOptions
from checks.telephony.mitel.answers import PrimaryPart
from checks.telephony.mitel.crosscheck import SipHeard
from checks.telephony.mitel.note import unpacked
from checks.telephony.sip_options import Endpoint
from checks.transports import Transports
from checks.wire import observation_from_text, observation_json
from testbeds.mitel import IPERA, MITEL_TREE, NOW, assessed, bad, business, index_of, said
from testbeds.peers import free_port
from testbeds.single import check, subject, target
from testbeds.snmpd import community

KEY = "mitel/resilience/controller-a"
LOST = {KEY: State.UNKNOWN}
OPTIONS: dict[str, Any] = {"primaries": {"Controller-A": "forum"}}
HOME = [("IP Sets", 1, 200, 0), ("SIP Link", 3, 1, 1)]
MINUTE = 60.0


def primary(
    categories: Sequence[tuple[str, int, int, int]] = HOME, name: str = "controller-a", uptime: float = 86_400,
    sip: SipHeard | None = None, fault: Fault | None = None, cut: bool = False,
) -> PrimaryPart:  # fmt: skip
    """What a primary answers to the check of its backup."""
    answers = business(categories=categories, uptime=uptime).snmp
    answers.values["1.3.6.1.2.1.1.5.0"] = name
    if cut:
        answers.cut.append(f"{IPERA}.2.4.1.3")
    return PrimaryPart(answers, fault, sip)


HOME_PART = primary()


def restarted(usually: PrimaryPart | None = HOME_PART) -> Memory | None:
    """What is remembered of a backup that has phones, and of what its primary had while they were at home."""
    before = replace(business(uptime=86_000), primaries={} if usually is None else {"forum": usually})
    known = assessed(before, None, NOW - 400, **OPTIONS).memory
    return assessed(business(resiliency={"controller-a": 1}), known, **OPTIONS).memory


def rounds(
    *parts: PrimaryPart | None, memory: Memory | None = None, apart: float = 5 * MINUTE, **options: Any
) -> list[Assessment]:
    """Rounds after a restart, five minutes from each other; None: the primary was not asked."""
    memory, found = memory or restarted(), []
    for number, part in enumerate(parts, start=1):
        at = number * apart
        answers = replace(business(uptime=at), primaries={} if part is None else {"forum": part})
        found.append(assessed(answers, memory, NOW + at, **(OPTIONS | options)))
        memory = found[-1].memory or memory
    return found


def test_a_primary_that_is_well_for_a_quarter_of_an_hour_proves_it_and_the_finding_says_by_what() -> None:
    found = rounds(primary(), primary(), primary(), primary(), primary())

    assert [bad(one) for one in found] == [LOST, LOST, LOST, {}, {}]
    assert "forum has been well for 10 min of 15" in said(found[2], KEY)
    assert said(found[3], KEY) == (
        "the phones of controller-a are at home, proven by forum: it has answered for 15 min since this backup "
        "restarted, and all its 200 sets are registered"
    )
    (finding,) = [finding for finding in found[4].findings if finding.key == KEY]
    assert "proven by forum" in finding.evidence["proof"]


def test_a_proof_is_shown_for_an_hour_and_then_it_is_history() -> None:
    found = rounds(*[primary()] * 17)

    assert KEY in {finding.key for finding in found[14].findings}
    assert KEY not in {finding.key for finding in found[16].findings}
    assert bad(found[16]) == {}


NO_ANSWER = Fault(Reason.NO_ANSWER, "forum does not answer", "snmp/no-answer")
SILENT = SipHeard(fault=Fault(Reason.NO_ANSWER, "silent", "sip_options/no-answer"))


@pytest.mark.parametrize(("part", "words"), [
    (None, "forum was not asked"),
    (primary(fault=NO_ANSWER), "forum: forum does not answer"),
    (primary([("IP Sets", 1, 199, 1)]), "1 sets out of service, 199 registered"),
    (primary([("IP Sets", 1, 0, 0)]), "0 sets out of service, 0 registered"),
    (primary([("IP Sets", 1, 90, 0), ("DNIC Sets", 1, 5, 2)]), "2 sets out of service"),
    (primary([]), "lists no category of sets"),
    (primary([("SIP Link", 1, 2, 0)]), "lists no category of sets"),
    (primary(cut=True), "could not be read"),
    (primary(name="controller-c"), "calls itself controller-c"),
    (primary(name=""), "calls itself nothing"),
    (primary(sip=SILENT), "forum does not answer SIP"),
])  # fmt: skip
def test_what_is_no_proof_leaves_it_unknown_and_says_why(part: PrimaryPart | None, words: str) -> None:
    found = rounds(*[part] * 6)

    assert [bad(one) for one in found] == [LOST] * 6
    assert words in said(found[-1], KEY)


def test_fewer_sets_than_it_had_are_no_proof_though_none_is_out_of_service() -> None:
    fewer, nearly = primary([("IP Sets", 1, 189, 0)]), primary([("IP Sets", 1, 190, 0)])

    assert [bad(one) for one in rounds(*[fewer] * 6)] == [LOST] * 6
    assert "has 189 sets registered, and had 200" in said(rounds(fewer)[0], KEY)
    assert bad(rounds(*[nearly] * 4)[-1]) == {}


def test_without_having_seen_how_many_there_are_at_home_nothing_is_proved() -> None:
    found = rounds(*[primary()] * 6, memory=restarted(usually=None))

    assert [bad(one) for one in found] == [LOST] * 6
    assert "was never seen" in said(found[-1], KEY)


def test_what_is_usual_is_the_most_of_a_week_and_is_not_learnt_while_phones_are_away() -> None:
    memory, seen = None, []
    for hours, row, sets in ((0, {}, 200), (1, {}, 150), (2, {"controller-a": 1}, 300), (24 * 8, {}, 150)):
        answers = business(uptime=86_400 + hours * 3600, resiliency=row)
        part = {"forum": primary([("IP Sets", 1, sets, 0)])}
        memory = assessed(replace(answers, primaries=part), memory, NOW + hours * 3600, **OPTIONS).memory or memory
        seen.append(unpacked(memory).proofs.usual["forum"].sets)

    assert seen == [200, 200, 200, 150]


def test_a_primary_that_is_not_named_is_asked_for() -> None:
    (found,) = rounds(primary(), primaries={})

    assert bad(found) == LOST and "name its target under `primaries`" in said(found, KEY)


def test_one_bad_round_begins_the_proof_anew() -> None:
    found = rounds(*[primary()] * 3, primary(fault=NO_ANSWER), *[primary()] * 4)

    assert [bad(one) for one in found] == [LOST] * 7 + [{}]


def test_a_primary_that_starts_meanwhile_begins_the_proof_anew() -> None:
    found = rounds(primary(), primary(), primary(uptime=120), primary(uptime=420), primary(uptime=720))

    assert [bad(one) for one in found] == [LOST] * 5


def test_rounds_that_were_missed_prove_nothing() -> None:
    assert [bad(one) for one in rounds(*[primary()] * 4, apart=11 * MINUTE)] == [LOST] * 4


def test_a_primary_that_does_not_say_since_when_it_runs_proves_nothing() -> None:
    part = primary()
    part.snmp.values["1.3.6.1.2.1.1.3.0"] = None

    assert [bad(one) for one in rounds(*[part] * 6)] == [LOST] * 6


def test_a_primary_that_also_answers_sip_proves_it() -> None:
    part = primary(sip=SipHeard((Endpoint("192.0.2.20", 200, "OK"),)))

    assert bad(rounds(*[part] * 4)[-1]) == {}


def test_phones_that_come_again_end_the_proof() -> None:
    proving = rounds(primary(), primary())[-1].memory
    here = replace(business(uptime=900, resiliency={"controller-a": 1}), primaries={"forum": primary()})

    again = assessed(here, proving, NOW + 900, **OPTIONS)

    assert bad(again) == {KEY: State.WARNING}


def test_a_table_that_was_not_read_to_its_end_keeps_what_is_known() -> None:
    proving = rounds(primary(), primary())[-1].memory
    cut = replace(business(uptime=900), primaries={"forum": primary()})
    cut.snmp.cut.append(f"{IPERA}.4.1.1.5")

    partial = assessed(cut, proving, NOW + 900, whole=False, **OPTIONS)
    then = rounds(*[primary()] * 4, memory=partial.memory or proving)

    assert KEY not in {finding.key for finding in partial.findings}
    assert bad(then[-1]) == {}


UPTIME = "1.3.6.1.2.1.1.3.0"
PRIMARY: dict[str, SimpleValue] = {
    UPTIME: ("ticks", 0), "1.3.6.1.2.1.1.5.0": "controller-a",
    f"{IPERA}.2.4.1.2.1": 200, f"{IPERA}.2.4.1.3.1": 0, f"{IPERA}.2.4.1.4.1": 1, f"{IPERA}.2.4.1.5.1": 10,
    f"{IPERA}.2.4.1.6.1": 50, f"{IPERA}.2.4.1.7.1": 100, f"{IPERA}.2.4.1.8.1": "IP Sets",
}  # fmt: skip


@pytest.fixture
async def devices() -> AsyncIterator[SimulatedDevices]:
    simulated = SimulatedDevices()
    port = free_port(socket.SOCK_DGRAM)
    simulated.add("controller-b", MITEL_TREE, port=port)
    simulated.add("forum", PRIMARY, host="127.0.0.2", port=port)
    await simulated.start()
    yield simulated
    await simulated.stop()


async def test_a_primary_is_asked_in_the_same_round_and_closes_the_incident(devices: SimulatedDevices) -> None:
    options = MitelOptions.model_validate(OPTIONS | {"port": devices["controller-b"].port, "retries": 0})
    spec = check("mitel", options)
    system = replace(target(spec), credentials={"snmp": community()})
    forum = replace(system, name="forum", address=devices["forum"].host, checks=())
    transports, now, memory = Transports.open(), time.time(), None
    context = Context("here", transports, lambda: now, inputs=(forum,))
    found, row = [], f"{IPERA}.4.1.1.5.{index_of('controller-a')}"
    devices["controller-b"].remove(row)
    try:
        for step in range(-1, 6):
            devices["forum"].set(UPTIME, ("ticks", 8_640_000 + step * 31_000))
            if step == 0:
                devices["controller-b"].set(row, 1)
            if step == 1:
                devices["controller-b"].remove(row)
            if step > 0:
                devices["controller-b"].set(UPTIME, ("ticks", 6_000 + (step - 1) * 31_000))
            context.deadline = asyncio.get_running_loop().time() + 5
            observation = await CHECK.collect(system, options, context)
            sent = json.dumps(observation_json(observation, CHECK)).encode()
            observation = observation_from_text(sent, {"mitel": CHECK})  # as one of another vantage comes
            assert isinstance(observation.answers, MitelAnswers), observation.fault
            assert set(observation.answers.primaries) == {"forum"}
            found.append(CHECK.assess(subject(spec), [observation], memory, now))
            memory, now = found[-1].memory or memory, now + 310
    finally:
        await transports.close()

    states = [bad(one).get(KEY, State.OK) for one in found]
    assert states == [State.OK, State.WARNING, *[State.UNKNOWN] * 3, State.OK, State.OK]
    assert "proven by forum" in said(found[5], KEY)


def test_the_targets_of_primaries_are_inputs_of_the_check_which_needs_credentials_of_its_own_too() -> None:
    assert CHECK.inputs(MitelOptions.model_validate(OPTIONS)) == ("forum",)
    assert CHECK.asks_itself and CHECK.requires == ("snmp",)
