"""What devices send in the place of an answer: never ok, one cause where it is one, and no harm to the device."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.contract import Reason, State
from checks.firewall import by_http
from checks.transports import Transports
from checks.transports.http.line import LARGEST
from testbeds.by_api import Watch
from testbeds.firewall_api import HANGS_UP, Answer, firewall_api, samples

FORTIGATE = "firewall/fortigate-http"
HTML = Answer(b"<!DOCTYPE html><html><title>Login</title></html>", kind="text/html")
UNKNOWN = State.UNKNOWN
MONITOR = "firewall/link_state/wan-mon"


def changed(question: str, change: Any) -> bytes:
    """A sample with a change made to it."""
    document = json.loads(samples(FORTIGATE)[question])
    change(document)
    return json.dumps(document).encode()


def wan1(status: str) -> Any:
    """Changes what the monitor of the first line says."""
    return lambda document: document[0]["results"]["wan-mon"]["wan1"].update(status=status)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (HTML, "a web page or XML, where JSON belongs"),
        (Answer(b'{"status": "success", "results": {"cpu": [{"curr'), "it is not JSON"),
        (Answer(b""), "the answer is empty"),
        (Answer(b'{"items": [], "status": "ok"}'), "it says ok at /status"),
        (Answer(b'{"status": "success", "results": []}'), "it has no /results/cpu"),
        (Answer(b"[" * 1000 + b"]" * 1000), "nested"),
        (Answer(b'{"status": "success", "results": {"cpu": []}, "x": "' + b"x" * LARGEST + b'"}'), "longer than"),
        (Answer(b'{"http_status": 403, "status": "error"}', 403), "may not be read (403)"),
        (Answer(b'{"http_status": 404, "status": "error"}', 404), "answers 404"),
        (Answer(b'{"http_status": 424, "status": "error"}', 424), "answers 424"),
        (Answer(b"oops", 500), "answers 500"),
        (Answer(b"", 302, headers=(("Location", "/login"),)), "sends on to another place (302)"),
    ],
)
async def test_one_question_without_an_answer_is_unknown_with_what_came_and_the_rest_counts(
    answer: Answer, why: str, transports: Transports
) -> None:
    async with firewall_api(FORTIGATE, usage=answer) as api:
        said = await Watch(api, transports).said()

        assert said.fault is None
        assert said.bad["firewall/http/usage"] is UNKNOWN
        assert why in said.words("firewall/http/usage")
        assert said.value("firewall_cpu_ratio", "all") is None
        assert said.value("firewall_ha_role", "fw-1", "active") == 1.0
        assert not any(path.path.startswith("/login") for path in api.asked)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HTML, Reason.PROTOCOL),
        (Answer(b"", 302, headers=(("Location", "https://elsewhere.example/"),)), Reason.PROTOCOL),
        (Answer(b'{"status": "error"}', 403), Reason.FORBIDDEN),
        (Answer(b"oops", 500), Reason.PROTOCOL),
        (Answer(b"", 503), Reason.LIMIT),
        (Answer(b"", 429), Reason.LIMIT),
        (Answer(b"", HANGS_UP), Reason.PROTOCOL),
    ],
)
async def test_a_device_that_answers_nothing_is_one_fault_and_not_one_for_each_question(
    answer: Answer, reason: Reason, transports: Transports
) -> None:
    async with firewall_api(FORTIGATE) as api:
        for name in api.asks.questions:
            api.answers[name] = answer
        said = await Watch(api, transports).said()

        assert said.fault is not None and said.fault.reason is reason
        assert said.fault.condition == f"http/{reason.value}"
        assert said.observation.answers is None or not said.part.not_understood


async def test_a_busy_device_is_asked_nothing_more(transports: Transports) -> None:
    async with firewall_api(FORTIGATE, ha_statistics=Answer(b"", 503)) as api:
        said = await Watch(api, transports).said()

        assert said.fault is not None and said.fault.reason is Reason.LIMIT
        assert len(api.asked) == 2
        assert said.value("firewall_cpu_ratio", "all") == 0.12


async def test_a_path_that_a_release_lacks_is_absent_and_silent(transports: Transports) -> None:
    async with firewall_api(FORTIGATE, sensors=None, ssl_vpn=None, sdwan=None, disk=None) as api:
        said = await Watch(api, transports).said()

        assert said.bad == {} and not said.part.not_understood
        assert said.value("firewall_disk_used_ratio", "log") is None


async def test_an_older_release_is_asked_by_its_own_name_for_the_path(transports: Transports) -> None:
    async with firewall_api("firewall/opnsense-http") as api:
        old = {question.or_get[0] for question in api.asks.questions.values() if question.or_get}
        api.older = True
        said = await Watch(api, transports).said()

        assert said.bad == {}
        assert {one.path for one in api.asked} >= old


async def test_a_device_that_forgot_the_token_and_knows_it_again_recovers(transports: Transports) -> None:
    async with firewall_api(FORTIGATE) as api:
        watch = Watch(api, transports)
        api.deaf = True
        first = await watch.said()
        api.deaf = False
        transports.lockout.forget("api")
        second = await watch.said()

        assert first.fault is not None and first.fault.reason is Reason.AUTHENTICATION
        assert second.fault is None and second.bad == {}


@pytest.mark.parametrize(
    ("question", "change", "key"),
    [
        ("usage", lambda d: d["results"]["cpu"][0].update(current="twelve"), "firewall/cpu_used"),
        ("usage", lambda d: d["results"]["mem"][0].update(current=None), "firewall/memory_used"),
        ("usage", lambda d: d["results"]["session"][0].update(current={"now": 5}), "firewall/sessions"),
        ("usage", lambda d: d["results"].update(session=[]), "firewall/sessions"),
        ("usage", lambda d: d["results"]["cpu"][0].update(current=True), "firewall/cpu_used"),
        ("state", lambda d: d["results"].update(conserve_mode="maybe"), "firewall/conserve_mode"),
        ("link_monitors", wan1("lkskdlf"), MONITOR),
        ("link_monitors", wan1("unknown"), MONITOR),
        ("link_monitors", wan1("error"), MONITOR),
        ("licences", lambda d: d["results"]["ips"].update(expires="soon"), "firewall/licence_expiry/ips"),
        ("sensors", lambda d: d["results"][0].update(alarm="perhaps"), "firewall/sensor_alarm/CPU Temperature"),
    ],
)  # fmt: skip
async def test_wrong_types_and_words_nobody_knows_are_unknown(
    question: str, change: Any, key: str, transports: Transports
) -> None:
    async with firewall_api(FORTIGATE, **{question: changed(question, change)}) as api:
        said = await Watch(api, transports).said()

        assert said.bad == {key: UNKNOWN}


async def test_the_standby_says_error_or_unknown_of_its_monitors_and_is_well(transports: Transports) -> None:
    monitors = changed("link_monitors", lambda d: d[0]["results"]["wan-mon"].update(wan1={"status": "error"}))
    async with firewall_api(
        FORTIGATE,
        link_monitors=monitors,
        usage=changed("usage", lambda d: d.update(serial="FGT60F0000000002")),
    ) as api:
        said = await Watch(api, transports).said()

        assert said.bad == {}
        assert said.value("firewall_link_monitor_up", "wan-mon") is None
        assert "standby" in said.words("firewall/member")


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_list_of_virtual_domains_and_a_single_one_are_read_alike(wrapped: bool, transports: Transports) -> None:
    tunnels = json.loads(samples(FORTIGATE)["tunnels"])
    async with firewall_api(FORTIGATE, tunnels=json.dumps(tunnels if wrapped else tunnels[0]).encode()) as api:
        said = await Watch(api, transports).said()

        assert said.value("firewall_vpn_tunnel_up", "council-link", "192.0.2.1") == 1.0


async def test_a_slow_question_rests_and_does_not_keep_the_others_from_being_asked_next_time(
    transports: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_http, "SLOWEST", 0.5)
    async with firewall_api(FORTIGATE) as api:
        api.answers["ha_peer"] = Answer(b"{}", delay=30.0)
        watch = Watch(api, transports)
        first = await watch.said()
        watch.now += 60
        second = await watch.said()

        assert first.fault is None and first.bad["firewall/http/ha_peer"] is UNKNOWN
        assert "no whole answer within 0.5 s" in first.words("firewall/http/ha_peer")
        asked = [one.path for one in api.asked]
        assert asked.count("/api/v2/monitor/system/ha-peer") == 1
        assert second.value("firewall_vpn_tunnel_up", "council-link", "192.0.2.1") == 1.0


async def test_a_slow_question_of_every_run_rests_too_and_the_others_have_their_turn(
    transports: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_http, "SLOWEST", 0.5)
    async with firewall_api(FORTIGATE) as api:
        api.answers["ha_checksums"] = Answer(b"{}", delay=30.0)
        watch = Watch(api, transports)
        for _ in range(3):
            said = await watch.said()
            watch.now += 60
        api.answers["ha_checksums"] = Answer(samples(FORTIGATE)["ha_checksums"])
        watch.now += 300
        last = await watch.said()

        asked = [one.path for one in api.asked]
        assert asked.count("/api/v2/monitor/system/ha-checksums") == 2
        assert said.bad["firewall/http/ha_checksums"] is UNKNOWN
        assert said.value("firewall_vpn_tunnel_up", "council-link", "192.0.2.1") == 1.0
        assert "/api/v2/monitor/license/status" in asked
        assert last.bad == {}


async def test_a_device_that_shows_our_session_does_not_make_us_show_it(transports: Transports) -> None:
    async with firewall_api("firewall/gaia-http", version=Answer(b'{"you sent": "session-00000001"}')) as api:
        said = await Watch(api, transports).said()

        assert "session-0" not in f"{said.observation!r} {said.assessment!r}"
        assert said.bad["firewall/http/version"] is UNKNOWN


async def test_a_certificate_that_nobody_trusts_ends_the_reading_before_anything_is_sent(
    transports: Transports,
) -> None:
    async with firewall_api(FORTIGATE) as api:
        api.pin = "sha256/" + "A" * 43 + "="
        said = await Watch(api, transports).said()

        assert said.fault is not None and said.fault.condition == "http/protocol"
        assert "not pinned" in said.fault.message
        assert api.asked == []


async def test_a_credential_of_the_wrong_kind_is_said_and_sent_nowhere(transports: Transports) -> None:
    async with firewall_api(FORTIGATE) as api:
        watch = Watch(api, transports, wrong_kind=True)
        said = await watch.said()

        assert said.fault is not None and said.fault.reason is Reason.LOCAL
        assert "takes a token" in said.fault.message
        assert api.asked == []
