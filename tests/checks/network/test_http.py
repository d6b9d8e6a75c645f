"""The http check: real pages of a real nginx, and what each answer means."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import time as wall

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.fold import with_answers, without_answers
from checks.contract import Assessment, Context, Observation, Reason, State
from checks.families import family_faults
from checks.network.http import CHECK, HttpAnswers, HttpOptions
from checks.network.http_reading import Page
from checks.transports import Transports
from config.estate import Credential
from testbeds import network
from testbeds.certificates import DAY, Authority, expired
from testbeds.nginx import PASSWORD, USER, Nginx, Site, running
from testbeds.peers import free_port, wait_until
from testbeds.single import asked as asked_at
from testbeds.single import check, states, subject, target

OURS = Authority("Council authority")
NOW = datetime.now(UTC)
SOON = OURS.issue(not_before=NOW - 80 * DAY, not_after=NOW + 10 * DAY)
STATUS = {"state": "UP", "queue": {"depth": 12, "a/b": "7.5"}, "list": [True, None], "big": 1 << 70}
READER = Credential("web-reader", "password", {"user": USER, "password": PASSWORD})


@pytest.fixture(scope="module")
def web() -> Iterator[Nginx]:
    sites = {
        "plain": Site(),
        "tls": Site(OURS.issue()),
        "soon": Site(SOON),
        "expired": Site(expired(OURS)),
        "named": Site(OURS.issue(("intranet.example",))),
    }
    files = {
        "status.json": json.dumps(STATUS).encode(),
        "long.html": b"<p>beginning</p>\n" + b"x" * 2_000_000 + b"\n<p>end</p>",
        "bomb.gz": gzip.compress(b"\0" * 5_000_000),
    }
    with running(sites, files) as started:
        (started.folder / "ca.pem").write_text(OURS.pem)
        yield started


def options(web: Nginx, site: str, path: str = "/", **more: object) -> HttpOptions:
    scheme = "http" if site == "plain" else "https"
    if site != "plain" and "pin" not in more:
        more = {"ca": str(web.folder / "ca.pem")} | more
    return HttpOptions(url=f"{scheme}://:{web.port[site]}{path}", **({"label": "page"} | more))


async def asked(told: HttpOptions, credential: Credential | None = None, timeout: float = 5.0) -> Observation:
    transports = Transports.open()
    try:
        return await asked_by(transports, told, credential, timeout=timeout)
    finally:
        await transports.close()


async def asked_by(
    transports: Transports, told: HttpOptions, credential: Credential | None, name: str = "web", timeout: float = 5.0
) -> Observation:
    context = Context("here", transports, wall, asyncio.get_running_loop().time() + timeout)
    asked = target(check("http", told, target=name))
    if credential is not None:
        asked = replace(asked, credentials={"http": credential})
    return await CHECK.collect(asked, told, context)


def judged(told: HttpOptions, observation: Observation) -> Assessment:
    return CHECK.assess(subject(check("http", told)), (observation,), None, wall())


async def assessed(told: HttpOptions) -> Assessment:
    observation = await asked(told)
    assert observation.fault is None, observation.fault
    return judged(told, observation)


async def test_a_page_and_its_certificate_are_ok_and_measured(web):
    told = options(web, "tls", expect_text="all is well")

    assessment = await assessed(told)

    place = f"http/certificate/{web.port['tls']}"
    assert states(assessment.findings) == {"http/page": "ok", place: "ok"}
    assert assessment.covers == {"http/page", place} and assessment.may_go == frozenset()
    read = {(reading.family.name, *reading.labels): reading.value for reading in assessment.readings}
    assert read[("ridgeway_http_status_code", "page")] == 200
    assert read[("ridgeway_http_body_bytes", "page")] == len((web.pages / "index.html").read_bytes())
    phases = [key[2] for key in read if key[0] == "ridgeway_http_duration_seconds"]
    assert phases == ["resolve", "connect", "tls", "first_byte", "transfer"]
    end = read[("ridgeway_certificate_not_after_timestamp_seconds", str(web.port["tls"]))]
    assert 89 * 86_400 < end - wall() <= 90 * 86_400


@pytest.mark.parametrize(
    ("path", "more", "state", "words"),
    [
        ("/", {}, "ok", "is as expected (200, "),
        ("/nowhere", {}, "critical", "answers 404 where 200–299 is expected"),
        ("/nowhere", {"expect_status": [200, "404-410"]}, "ok", "(404, "),
        ("/forbidden", {}, "critical", "answers 403 where"),
        ("/private", {}, "critical", "answers 401 where"),
        ("/private", {"expect_status": 401}, "ok", "(401, "),
        ("/busy", {}, "critical", "answers 503, again in 120 s where"),
        ("/moved", {}, "critical", "answers 302 and sends on to"),
        ("/moved", {"follow": True}, "ok", "is as expected"),
        ("/elsewhere", {"follow": True}, "critical", "sends on to http://elsewhere.example/, which is not followed"),
        ("/", {"method": "HEAD"}, "ok", "(200, 0 octets"),
        ("/", {"expect_text": "all is lost"}, "critical", "does not hold the text 'all is lost'"),
        ("/", {"not_expect_text": "well"}, "critical", "holds the text 'well', which it must not"),
        ("/", {"expect_pattern": "all (is|was) w.ll"}, "ok", "is as expected"),
        ("/", {"expect_pattern": "^all"}, "critical", "does not hold a line like '^all'"),
        ("/", {"not_expect_pattern": "err[o0]r"}, "ok", "is as expected"),
        ("/", {"not_expect_pattern": "w[e]ll"}, "critical", "holds a line like"),
        ("/", {"expect_header": {"Content-Type": "html", "X-None": ""}}, "critical", "comes without the header X-None"),
        ("/", {"expect_header": {"Content-Type": "json"}}, "critical", "has 'text/html' in the header Content-Type"),
        ("/", {"expect_header": {"content-type": "html"}}, "ok", "is as expected"),
        ("/", {"critical_seconds": 0.000001}, "critical", "1e-06 s is critical"),
        ("/", {"warning_seconds": 0.000001}, "warning", "is too much"),
        ("/", {"json_values": {"/a": {}}}, "critical", "is not JSON: Expecting value in line 1, column 1"),
        ("/long.html", {"expect_text": "beginning"}, "ok", "1048576 octets"),
        ("/long.html", {"expect_text": "end"}, "unknown", "raise max_bytes"),
        ("/long.html", {"not_expect_text": "end"}, "unknown", "raise max_bytes"),
        ("/long.html", {"not_expect_pattern": "beg"}, "critical", "which it must not"),
        ("/long.html", {"expect_text": "end", "max_bytes": 3_000_000}, "ok", "is as expected"),
        ("/long.html", {"json_values": {"/a": {}}}, "unknown", "its values were not read"),
    ],
)  # fmt: skip
async def test_a_page_is_judged_by_what_is_expected_of_it(web, path, more, state, words):
    assessment = await assessed(options(web, "plain", path, **more))

    assert states(assessment.findings) == {"http/page": state}
    assert words in assessment.findings[0].summary


async def test_everything_that_is_wrong_is_said_and_the_page_shown_without_its_secrets(web):
    (web.pages / "odd.html").write_text("<b>password=hunter2</b>\n\x1b[31mdown")

    finding = (await assessed(options(web, "plain", "/odd.html", expect_text="up", expect_header={"X": ""}))).findings[
        0
    ]

    assert "without the header X" in finding.summary and "does not hold the text 'up'" in finding.summary
    assert "hunter2" not in str(finding) and "\x1b" not in str(finding)
    assert "down" in finding.evidence["page"]


async def test_the_query_of_a_url_is_sent_and_never_shown(web):
    told = options(web, "plain", "/nowhere?key=k-1234567", expect_text="x")

    observation = await asked(told)

    wait_until(lambda: any("/nowhere?key=k-1234567" in line for line in web.requests()), "nginx has logged it")
    assert "k-1234567" not in f"{observation} {judged(told, observation)}"


async def test_values_of_a_json_page_are_judged_and_measured(web):
    values = {
        "/state": {"equals": "UP"},
        "/queue/depth": {"name": "depth", "warning": {"above": 10}, "critical": {"above": 100}},
        "/queue/a~1b": {"critical": {"below": 8}},
        "/list/0": {"equals": True},
        "/list/1": {"equals": 1},
        "/list/2": {},
        "/queue": {},
        "/big": {},
    }

    assessment = await assessed(options(web, "plain", "/status.json", json_values=values))

    assert states(assessment.findings) == {
        "http/page": "ok",
        "http/page/state": "ok",
        "http/page/depth": "warning",
        "http/page/queue/a~1b": "critical",
        "http/page/list/0": "ok",
        "http/page/list/1": "critical",
        "http/page/list/2": "unknown",
        "http/page/queue": "unknown",
        "http/page/big": "unknown",
    }
    read = {r.labels[1]: r.value for r in assessment.readings if r.family.name == "ridgeway_http_value"}
    assert read == {"depth": 12, "queue/a~1b": 7.5, "list/0": 1.0}


async def test_values_that_were_not_read_are_not_covered(web):
    assessment = await assessed(options(web, "plain", "/nowhere", json_values={"/state": {"equals": "UP"}}))

    assert assessment.covers == {"http/page"}


async def test_a_certificate_that_ends_soon_is_a_warning_beside_a_good_page(web):
    place = f"http/certificate/{web.port['soon']}"

    late = await assessed(options(web, "soon"))
    calm = await assessed(options(web, "soon", certificate_warning_days=5, certificate_critical_days=1))
    urgent = await assessed(options(web, "soon", certificate_critical_days=12))

    assert states(late.findings) == {"http/page": "ok", place: "warning"}
    assert states(calm.findings)[place] == "ok"
    assert states(urgent.findings)[place] == "critical"


async def test_a_certificate_that_is_refused_is_the_one_finding_and_the_page_is_not_covered(web):
    told = options(web, "expired")

    assessment = await assessed(told)

    place = f"http/certificate/{web.port['expired']}"
    assert states(assessment.findings) == {place: "critical"}
    assert "the certificate expired on" in assessment.findings[0].summary
    assert assessment.covers == {place}
    assert [reading.family.unit for reading in assessment.readings] == ["seconds"]


async def test_a_pinned_certificate_that_expired_still_says_so(web):
    pin = expired(OURS).pin
    refused = await assessed(options(web, "expired", pin=pin))
    shown = refused.findings[0].evidence["pin"]

    assessment = await assessed(options(web, "expired", pin=[shown]))

    place = f"http/certificate/{web.port['expired']}"
    assert "which is not pinned" in refused.findings[0].summary
    assert states(assessment.findings) == {"http/page": "ok", place: "critical"}


async def test_a_host_that_is_named_stands_in_the_names_of_page_and_certificate(web):
    told = options(web, "named", "/told", host="intranet.example", label=None, expect_text="intranet.example")

    assessment = await assessed(told)

    port = web.port["named"]
    assert states(assessment.findings) == {
        f"http/intranet.example/{port}/told": "ok",
        f"http/certificate/intranet.example:{port}": "ok",
    }


async def test_nothing_listens_means_that_the_page_is_gone_and_the_target_reached():
    told = HttpOptions(url=f"http://:{free_port()}/", label="page")

    observation = await asked(told)
    assessment = without_answers("http", observation.fault, None, wall())

    assert (observation.fault.reason, observation.fault.reached) == (Reason.REFUSED, True)
    assert states(assessment.findings) == {"http/page": "critical"}


def test_a_target_that_is_silent_is_unreachable_whatever_the_check():
    tests = str(Path(network.__file__).parents[1])
    said = network.run_python(
        f"""
        import asyncio, sys
        sys.path.insert(0, {tests!r})
        from testbeds.single import asked
        from checks.network.http import CHECK, HttpOptions
        for address in ("10.11.0.2", "203.0.113.1"):
            fault = asyncio.run(asked(CHECK, HttpOptions(url="/"), address, timeout=0.5)).fault
            print(fault.reason.value, fault.condition, fault.state.value, fault.reached)
        """,
        (*network.SILENT, "ip route add unreachable 203.0.113.1"),
    )

    assert said.splitlines() == ["no-answer http/page critical False", "unreachable http/page critical False"]


async def test_a_page_is_asked_over_ipv6_where_that_is_told():
    async def greet(reader, writer):
        asked_for.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    asked_for: list[bytes] = []
    async with await asyncio.start_server(greet, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = HttpOptions(url=f"http://:{port}/", ip_version=6, label="page")
        observation = await asked_at(CHECK, told, "::1")

    assert observation.answers.page.status == 200
    assert f"Host: [::1]:{port}\r\n".encode() in asked_for[0]


async def test_a_page_that_never_ends_is_critical_in_time_and_over_with_the_next_good_run(web):
    left = asyncio.Event()

    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall is well")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()
        left.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        told = HttpOptions(url=f"http://:{server.sockets[0].getsockname()[1]}/", label="page", expect_text="well")
        observation = await asked(told, timeout=0.5)
        await left.wait()

    assert (observation.answers, observation.fault.reached) == (None, True)
    assert states(without_answers("http", observation.fault, None, wall()).findings) == {"http/page": "critical"}
    good = options(web, "plain")
    after = with_answers("http", judged(good, await asked(good)), None, None, wall())
    assert observation.fault.condition in after.covers


async def test_a_login_that_is_refused_is_filed_under_its_credential_and_never_tried_a_third_time(web):
    wrong = Credential("web-reader", "password", {"user": USER, "password": "old"})
    told = options(web, "plain", "/private")
    transports = Transports.open()
    before = len(web.requests())

    faults = [(await asked_by(transports, told, wrong, f"web-{number}")).fault for number in range(5)]

    assert [fault.reason for fault in faults] == [Reason.AUTHENTICATION] * 2 + [Reason.WITHHELD] * 3
    assert {fault.condition for fault in faults} == {"credential/web-reader"}
    assert len(web.requests()) - before == 2
    await transports.close()


async def test_a_login_that_is_right_reads_the_page_and_an_anonymous_check_does_not_use_it(web):
    told = options(web, "plain", "/private", expect_text="all is well")
    anonymous = options(web, "plain", "/private", expect_status=401, anonymous=True)

    assert states(judged(told, await asked(told, READER)).findings) == {"http/page": "ok"}
    assert states(judged(anonymous, await asked(anonymous, READER)).findings) == {"http/page": "ok"}


@pytest.mark.parametrize(
    ("path", "reason", "words"),
    [("/forbidden", Reason.FORBIDDEN, "give the account the right"), ("/often", Reason.LIMIT, "again in 7 s")],
)
async def test_a_page_that_we_may_not_see_is_unknown(web, path, reason, words):
    fault = (await asked(options(web, "plain", path), READER)).fault

    assert (fault.reason, fault.condition, fault.state) == (reason, f"http/{reason.value}", State.UNKNOWN)
    assert words in fault.message


async def test_what_is_our_own_fault_is_unknown(web, tmp_path):
    fault = (await asked(options(web, "tls", ca=str(tmp_path / "none.pem")))).fault

    assert (fault.condition, fault.state, fault.reached) == ("http/local", State.UNKNOWN, None)


async def test_answers_travel_as_json_and_mean_the_same(web):
    told = options(
        web, "tls", "/status.json", json_values={"/state": {"equals": "UP"}}, expect_header={"Server": "ngi"}
    )
    observation = await asked(told)
    codec = TypeAdapter(HttpAnswers)

    back = codec.validate_json(codec.dump_json(observation.answers))

    assert judged(told, replace(observation, answers=back)).findings == judged(told, observation).findings


def test_a_search_that_time_ended_is_unknown():
    told = HttpOptions(url="/", not_expect_pattern="x")
    page = Page(200, "OK", {"connect": 0.1}, 9, False, texts={"not_expect_pattern": None})
    observation = Observation("web", "here", 0.0, 0.1, HttpAnswers("https://web/", "192.0.2.1", 443, page, None))

    (finding,) = judged(told, observation).findings

    assert finding.state is State.UNKNOWN and "could not be searched" in finding.summary


@pytest.mark.parametrize(
    ("told", "page", "certificate"),
    [
        ({"url": "/"}, "page", "443"),
        ({"url": "/health/ready?x=1"}, "health/ready", "443"),
        ({"url": "https://:8443/"}, "8443", "8443"),
        ({"url": "http:///"}, "80", "80"),
        ({"url": "https://intranet.example/"}, "intranet.example", "intranet.example:443"),
        ({"url": "/", "host": "intranet.example"}, "intranet.example", "intranet.example:443"),
        ({"url": "/limit"}, "page/limit", "443"),
        ({"url": "/certificate/443"}, "page/certificate/443", "443"),
        ({"url": "/ä b".replace(" ", "%20")}, "_C3_A4_20b", "443"),
        ({"url": "/x", "label": "front-page"}, "front-page", "443"),
    ],
    ids=str,
)
def test_pages_and_certificates_have_names_that_do_not_clash(told, page, certificate):
    options = HttpOptions(**told)

    assert options.page == page
    assert options.certificate_at(options.url_at("192.0.2.1").port) == certificate


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"url": "status"},
        {"url": "ftp://x/"},
        {"url": "https://user:secret@x/"},
        {"url": "/a b"},
        {"url": "/a\r\nX: y"},
        {"url": "/#top"},
        {"url": "https://x:0/"},
        {"url": "https://x:99999/"},
        {"url": "https://-x-/"},
        {"url": "https://x/", "host": "y"},
        {"url": "/", "host": "a b"},
        {"url": "/", "method": "POST"},
        {"url": "/", "method": "HEAD", "expect_text": "x"},
        {"url": "/", "expect_status": []},
        {"url": "/", "expect_status": "299-200"},
        {"url": "/", "expect_status": True},
        {"url": "/", "expect_status": 99},
        {"url": "/", "expect_pattern": "(?=a)"},
        {"url": "/", "expect_pattern": "("},
        {"url": "/", "expect_pattern": ""},
        {"url": "/", "json_values": {"state": {}}},
        {"url": "/", "json_values": {"/a~2": {}}},
        {"url": "/", "json_values": {"/a": {"name": "x"}, "/b": {"name": "x"}}},
        {"url": "/", "pin": "sha256/abc"},
        {"url": "/", "pin": "sha256/" + "A" * 43 + "=", "ca": "/ca.pem"},
        {"url": "http:///", "ca": "/ca.pem"},
        {"url": "/", "ca": "ca.pem"},
        {"url": "/", "warning_seconds": 2, "critical_seconds": 1},
        {"url": "/", "certificate_critical_days": 30},
        {"url": "/", "verify": False},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(told):
    with pytest.raises(ValidationError):
        HttpOptions(**told)


def test_the_families_keep_the_rules():
    assert [fault for family in CHECK.families() for fault in family_faults(family)] == []
