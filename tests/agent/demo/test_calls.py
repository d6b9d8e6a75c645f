"""Test calls as the demo makes them, to its own echo."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import pytest

from agent.demo.calls import hasty, keep_calling
from agent.demo.sip_echo import SipEcho
from checks.contract import Context
from checks.telephony.call import CHECK, CallAnswers, SipCallOptions
from checks.telephony.call.note import Note
from checks.transports import Transports
from config.estate import Target


async def called(kind: str, port: int, transports: Transports) -> CallAnswers:
    """What the kind of a catalogue brings back a moment after another call."""
    kinds = {"as it is": {CHECK.kind: CHECK}, "hasty": hasty({CHECK.kind: CHECK})}
    options = SipCallOptions.model_validate(
        {
            "number": "5600", "allowed_numbers": ["5600"], "port": port, "seconds": 5, "ring_seconds": 5,
            "hours": {"monday-sunday": "00:00-24:00"}, "bank_holidays": True,
        }
    )  # fmt: skip
    target = Target("pbx", "127.0.0.1", "c", "s", ("here",), ())
    note = Note(last=time.time()).packed()
    context = Context("here", transports, time.time, kept=time.time(), memory=note)
    context.deadline = asyncio.get_running_loop().time() + 20
    observation = await kinds[kind][CHECK.kind].collect(target, options, context)
    assert isinstance(observation.answers, CallAnswers)
    return observation.answers


async def test_the_demo_calls_again_where_an_estate_has_to_wait_and_looks_away_from_a_busy_machine(
    transports: Transports,
) -> None:
    echo = SipEcho()
    await echo.start()

    usual = await called("as it is", echo.at[1], transports)
    hurried = await called("hasty", echo.at[1], transports)
    echo.stop()

    assert usual.held_back and not hurried.held_back
    assert hurried.answered and hurried.sound is not None
    report = hurried.sound.report
    assert report is not None and report.received > 100
    assert (report.lateness_p99_seconds, report.skipped) == (None, 0)


async def test_calls_are_begun_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.demo.calls.EVERY", 0.001)
    begun: asyncio.Queue[Iterable[str]] = asyncio.Queue()

    calling = asyncio.create_task(keep_calling(begun.put_nowait, ["pbx/sip_call"]))
    async with asyncio.timeout(10):
        twice = [await begun.get(), await begun.get()]
    calling.cancel()

    assert twice == [["pbx/sip_call"]] * 2
