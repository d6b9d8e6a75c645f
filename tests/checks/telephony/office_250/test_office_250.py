"""The status page of a MiVoice Office 250, and whatever else may come in its place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent import fold
from checks.contract import Assessment, Context, Fault, Memory, Observation, Reason, State
from checks.telephony.mitel.options import MitelOptions, profiles_of
from checks.telephony.office_250 import CHECK, Office250Options
from checks.transports import Transports
from checks.transports.http.line import LARGEST
from config.estate import Credential
from testbeds.firewall_api import HANGS_UP, PASSWORD, USER, Answer, FirewallApi, firewall_api, samples
from testbeds.single import check, subject, target

PROFILE = "telephony/office-250"
PAGE = samples(PROFILE)["status"]
XML = "text/xml"
PREFIX = "mitel_office_250"


@dataclass(frozen=True, slots=True)
class Said:
    observation: Observation
    assessment: Assessment

    @property
    def fault(self) -> Fault | None:
        return self.observation.fault

    @property
    def bad(self) -> Mapping[str, State]:
        return {f.key.removeprefix(f"{PREFIX}/"): f.state for f in self.assessment.findings if f.state is not State.OK}

    def words(self, key: str) -> str:
        return next(f.summary for f in self.assessment.findings if f.key == f"{PREFIX}/{key}")

    def value(self, family: str) -> float | None:
        name = f"ridgeway_telephony_{family}"
        return next((one.value for one in self.assessment.readings if one.family.name == name), None)


async def said(
    api: FirewallApi, transports: Transports, credential: Credential | None = None, within: float = 5.0, **more: Any
) -> Said:
    options = Office250Options(port=api.port, pin=(api.pin,), **more)
    spec = check(CHECK.kind, options)
    asked = replace(target(spec), credentials={} if credential is None else {"http": credential})
    context = Context("here", transports, time.time, asyncio.get_running_loop().time() + within)
    observation = await CHECK.collect(asked, options, context)
    memory: Memory | None = None
    return Said(observation, CHECK.assess(subject(spec), [observation], memory, time.time()))


def alarm(text: str) -> bytes:
    return PAGE.replace(b"<status>0</status>", f"<status>{text}</status>".encode())


async def test_a_system_without_an_alarm_is_well_and_what_it_says_is_shown(transports: Transports) -> None:
    async with firewall_api(PROFILE) as api:
        found = await said(api, transports)

    assert found.fault is None and found.bad == {}
    assert found.words("alarm") == "no alarm"
    assert "release 6.3.11.1" in found.words("system") and "licence says OK" in found.words("system")
    assert "unproven" in found.words("system")
    assert (found.value("system_level"), found.value("active_calls"), found.value("flash_used_ratio")) == (0, 3, 0.25)


async def test_only_the_one_page_is_asked_for(transports: Transports) -> None:
    async with firewall_api(PROFILE) as api:
        await said(api, transports)

    assert [(one.method, one.path, one.body) for one in api.asked] == [("GET", "/diag_connect.cgi", "")]
    assert api.beyond == [] and api.open_connections == 0


@pytest.mark.parametrize(("number", "state", "words", "level"), [
    ("1", State.WARNING, "a minor alarm of the system", 2), ("000", State.WARNING, "a minor alarm of the system", 2),
    ("019", State.WARNING, "a minor alarm of the system", 2), ("20", State.WARNING, "of voice processing", 2),
    ("39", State.WARNING, "of voice processing", 2), ("100", State.CRITICAL, "a major alarm of the system", 3),
    ("199", State.CRITICAL, "a major alarm of the system", 3), ("200", State.CRITICAL, "of voice processing", 3),
    ("224", State.CRITICAL, "of voice processing", 3), ("225", State.WARNING, "of the network", 2),
    ("244", State.WARNING, "of the network", 2), ("A1001", State.WARNING, "of an application", 2),
    ("A1099", State.WARNING, "of an application", 2),
])  # fmt: skip
async def test_the_number_of_an_alarm_says_how_bad_it_is(
    number: str, state: State, words: str, level: float, transports: Transports
) -> None:
    async with firewall_api(PROFILE, status=Answer(alarm(number), kind=XML)) as api:
        found = await said(api, transports)

    assert found.bad == {"alarm": state}
    assert f"alarm {number}, by its number" in found.words("alarm") and words in found.words("alarm")
    assert found.value("system_level") == level


@pytest.mark.parametrize(
    "number", ["40", "99", "245", "999", "A1100", "A15", "-1", "0x0", "1001", "none", "٣", "00000"]
)
async def test_what_no_manual_knows_is_unknown_and_has_no_level(number: str, transports: Transports) -> None:
    async with firewall_api(PROFILE, status=Answer(alarm(number), kind=XML)) as api:
        found = await said(api, transports)

    assert found.bad == {"alarm": State.UNKNOWN}
    assert found.value("system_level") is None


@pytest.mark.parametrize("text", ["", "<a/>", "<a>0</a><a>0</a>"])
async def test_an_alarm_without_a_number_is_unknown(text: str, transports: Transports) -> None:
    async with firewall_api(PROFILE, status=Answer(alarm(text), kind=XML)) as api:
        found = await said(api, transports)

    assert found.bad["alarm"] is State.UNKNOWN
    assert found.value("system_level") is None


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE diag [<!ENTITY a "0">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + step, (b"&%c;" % (97 + step)) * 10) for step in range(8))
    + b"]><diag><data><dump><alarm><status>&i;</status></alarm></dump></data></diag>"
)
OUTSIDE = PAGE.replace(b"<diag>", b'<!DOCTYPE diag [<!ENTITY x SYSTEM "file:///etc/passwd">]><diag>', 1)


@pytest.mark.parametrize(("body", "kind", "why"), [
    (b"<!DOCTYPE html><html><title>Log in</title></html>", "text/html", "document type"),
    (b"<html><head><title>Log in</title></head><body/></html>", "text/html", "it has no /diag/data/dump/alarm/status"),
    (PAGE[: len(PAGE) // 2], XML, "it is not XML"),
    (b"", XML, "the answer is empty"),
    (BOMB, XML, "document type"),
    (OUTSIDE, XML, "document type"),
    (b"<diag>" + b"<data>" * 100 + b"</data>" * 100 + b"</diag>", XML, "nested"),
    (PAGE.replace(b"<alarm><status>0</status></alarm>", b""), XML, "it has no /diag/data/dump/alarm/status"),
    (PAGE.replace(b"</dump>", b"</dump>" + b" " * LARGEST), XML, "longer than"),
    (b'{"alarm": {"status": 0}}', "application/json", "it is not XML"),
    (PAGE.replace(b"UTF-8", b"UTF-99"), XML, "it is not XML"),
])  # fmt: skip
async def test_what_is_not_the_page_is_unknown_with_its_beginning(
    body: bytes, kind: str, why: str, transports: Transports
) -> None:
    async with firewall_api(PROFILE, status=Answer(body, kind=kind)) as api:
        found = await said(api, transports)

    assert found.bad == {"page": State.UNKNOWN}
    assert why in found.words("page")
    assert found.assessment.readings == ()
    assert "root:" not in found.words("page")


@pytest.mark.parametrize(("answer", "reason"), [
    (Answer(b"", 403), Reason.FORBIDDEN), (Answer(b"", 401), Reason.AUTHENTICATION),
    (Answer(b"", 302, headers=(("Location", "/login"),)), Reason.PROTOCOL), (Answer(b"", 404), Reason.PROTOCOL),
    (Answer(b"oops", 500), Reason.PROTOCOL), (Answer(b"", 503), Reason.LIMIT),
    (Answer(b"", HANGS_UP), Reason.PROTOCOL),
])  # fmt: skip
async def test_a_refusal_is_a_fault_and_nothing_is_judged(
    answer: Answer, reason: Reason, transports: Transports
) -> None:
    async with firewall_api(PROFILE, status=answer) as api:
        found = await said(api, transports)

    assert found.fault is not None and found.fault.reason is reason
    assert found.observation.answers is None and found.assessment.findings == ()
    assert len(api.asked) == 1, "what it sends on to is not followed, and nothing is tried twice"


async def test_a_page_that_drips_ends_at_the_deadline(transports: Transports) -> None:
    async with firewall_api(PROFILE, status=Answer(PAGE, kind=XML, delay=60)) as api:
        found = await said(api, transports, within=0.4)

    assert found.fault is not None and found.fault.reason is not Reason.INTERNAL
    assert found.observation.answers is None


async def test_a_password_is_sent_where_the_target_has_one_and_a_wrong_one_is_its_own_fault(
    transports: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with firewall_api(PROFILE) as api:
        api.guarded = True
        good = await said(api, transports, Credential("web", "password", {"user": USER, "password": PASSWORD}))
        wrong = await said(api, transports, Credential("web", "password", {"user": USER, "password": "guessed"}))
        nobody = await said(api, transports)

    assert good.bad == {} and good.fault is None
    assert wrong.fault is not None and wrong.fault.condition == "credential/web"
    assert nobody.fault is not None and nobody.fault.condition == "http/authentication"
    assert PASSWORD not in repr(good.observation)


async def test_a_certificate_of_somebody_else_is_not_trusted(transports: Transports) -> None:
    async with firewall_api(PROFILE) as api:
        api.pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        found = await said(api, transports)

    assert found.fault is not None and found.observation.answers is None
    assert api.asked == []


async def test_a_flash_card_that_is_nearly_full_is_a_warning_with_a_limit_of_ones_own(transports: Transports) -> None:
    full = PAGE.replace(b"<available>1500000000<", b"<available>5000000<")
    async with firewall_api(PROFILE, status=Answer(full, kind=XML)) as api:
        found = await said(api, transports)
        own = await said(api, transports, thresholds={"flash": {"critical": {"above": 0.95}}})

    assert found.bad == {"flash": State.WARNING}
    assert own.bad == {"flash": State.CRITICAL}


async def test_values_that_are_missing_are_absent_and_not_zero(transports: Transports) -> None:
    bare = b"<diag><data><dump><alarm><status>0</status></alarm></dump></data></diag>"
    async with firewall_api(PROFILE, status=Answer(bare, kind=XML)) as api:
        found = await said(api, transports)

    assert found.bad == {}
    assert found.value("active_calls") is None and found.value("flash_used_ratio") is None


async def test_the_agent_takes_both_assessments(transports: Transports) -> None:
    async with firewall_api(PROFILE) as api:
        page = await said(api, transports)
        api.answers["status"] = Answer(b"<html/>", kind="text/html")
        other = await said(api, transports)

    for found in (page, other):
        taken = fold.with_answers(CHECK.kind, found.assessment, None, None, time.time())
        assert taken.findings == found.assessment.findings


@pytest.mark.parametrize("options", [{"thresholds": {"nothing": {"warning": {"above": 1}}}}, {"port": 0}, {"way": "x"}])
def test_options_that_do_not_fit_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Office250Options.model_validate(options)


def test_a_profile_of_ones_own_that_does_not_ask_for_the_page_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "telephony").mkdir()
    text = f"profile: {PROFILE}\ntitle: Mine\nsource: me\nproven: yesterday\n"
    text += "values: {alarm: {title: alarm, oid: 1.3.6.1.2.1.1.5.0}}\n"
    (tmp_path / "telephony" / "office-250.yaml").write_text(text)
    monkeypatch.setenv("RIDGEWAY_PROFILES", str(tmp_path))

    with pytest.raises(ValidationError, match="must ask over HTTPS for status"):
        Office250Options()


def test_the_snmp_check_of_mitel_does_not_take_the_profile_of_the_page() -> None:
    assert PROFILE not in profiles_of()
    with pytest.raises(ValidationError, match="not one of telephony"):
        MitelOptions(profile=PROFILE)
