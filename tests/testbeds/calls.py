"""Test calls of the kind `sip_call` as tests make them: short, at any hour, to a port of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from checks.contract import Assessment, Context, Observation
from checks.telephony.call import CHECK, SipCallOptions
from checks.transports import Transports
from config.estate import CheckSpec, Credential, Target
from config.secrets import SecretReference
from testbeds.single import check, subject, target, wall

ALWAYS = {"monday-sunday": "00:00-24:00"}
SHORT = {"seconds": 0.3, "ring_seconds": 3.0}
"""Below what an estate may say, so that tests end soon."""
WITH_AUDIO = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 8\r\n"


def options(port: int, short: Mapping[str, float] = SHORT, **more: Any) -> SipCallOptions:
    said = {"number": "5600", "allowed_numbers": ["5600"], "hours": ALWAYS, "bank_holidays": True, "port": port} | more
    return SipCallOptions.model_validate(said).model_copy(update=dict(short))


def account(folder: Path, user: str = "7001", password: str = "s3cret") -> Credential:
    """A credential of the role `sip`."""
    path = folder / "sip.password"
    path.write_text(password)
    path.chmod(0o600)
    return Credential("test-extension", "password", {"user": user, "password": SecretReference("file", str(path))})


def telephone(said: SipCallOptions, credential: Credential | None = None, beside: tuple[CheckSpec, ...] = ()) -> Target:
    """`beside`: its other checks."""
    what = target(check("sip_call", said), *beside)
    return replace(what, credentials={"sip": credential}) if credential is not None else what


async def observed(
    said: SipCallOptions,
    credential: Credential | None = None,
    timeout: float = 20.0,
    beside: tuple[CheckSpec, ...] = (),
) -> Observation:
    """One run, with transports of its own, that have hung up when this returns."""
    transports = Transports.open()
    context = Context("here", transports, wall, asyncio.get_running_loop().time() + timeout)
    try:
        return await CHECK.collect(telephone(said, credential, beside), said, context)
    finally:
        await transports.close()
        assert transports.sip.lines == 0


def judged(said: SipCallOptions, observation: Observation, **more: Any) -> Assessment:
    assert observation.answers is not None, observation.fault
    return CHECK.assess(subject(check("sip_call", said)), [observation], more.get("memory"), more.get("now", wall()))


async def called(said: SipCallOptions, **more: Any) -> Assessment:
    """One run, judged."""
    return judged(said, await observed(said, **more))


def states(assessment: Assessment) -> dict[str, str]:
    return {finding.key.partition("/")[2]: finding.state.value for finding in assessment.findings}


def summary(assessment: Assessment, name: str) -> str:
    return next(one.summary for one in assessment.findings if one.key == f"sip_call/{name}")


def values(assessment: Assessment) -> dict[str, float]:
    """Readings by their short names and labels."""
    return {
        " ".join((one.family.name.removeprefix("ridgeway_call_"), *one.labels)): one.value
        for one in assessment.readings
    }
