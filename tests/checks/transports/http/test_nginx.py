"""HTTP against a real nginx: what is sent, whom TLS trusts, where redirects lead, and whom a credential is shown."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Limits, Post, TlsFault, TlsProblem, Url, refusal
from config.estate import Credential
from testbeds.certificates import DAY, Authority, expired, of_tomorrow
from testbeds.nginx import PASSWORD, USER, Nginx, Site, running
from testbeds.peers import free_port, wait_until

pytestmark = pytest.mark.acceptance
OURS = Authority("Council authority")
OTHERS = Authority("Somebody's authority")
GOOD = OURS.issue()
BETWEEN = OURS.issue(intermediate=True)
ALONE = OURS.issue(self_signed=True)
CLIENT = OURS.issue(("agent",), client=True, common_name="agent")
READER = Credential("web-reader", "password", {"user": USER, "password": PASSWORD})


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    sites = {
        "plain": Site(),
        "good": Site(GOOD),
        "chain": Site(OURS.issue(intermediate=True)),
        "broken-chain": Site(BETWEEN, leaf_only=True),
        "expired": Site(expired(OURS)),
        "tomorrow": Site(of_tomorrow(OURS)),
        "other-name": Site(OURS.issue(("intranet.example", "www.example", "192.0.2.7"))),
        "nameless": Site(OURS.issue((), common_name="old-appliance")),
        "self-signed": Site(ALONE),
        "stranger": Site(OTHERS.issue(intermediate=True)),
        "weak": Site(OURS.issue(key="rsa1024")),
        "clients": Site(GOOD, clients=OURS.pem),
    }
    sites["to-tls"] = Site(extra="location = /secure { return 301 https://127.0.0.1:443/; }")
    with running(sites, {"bomb.gz": gzip.compress(b"\0" * 50_000_000), "big": b"x" * 2_000_000}) as started:
        (started.folder / "ca.pem").write_text(OURS.pem)
        yield started


async def ask(web: Nginx, site: str, path: str = "/", **more: object) -> HttpReply:
    transports = Transports.open()
    try:
        return await asked(transports, web, site, path, **more)
    finally:
        await transports.close()


async def asked(transports: Transports, web: Nginx, site: str, path: str = "/", **more: object) -> HttpReply:
    scheme = "http" if site in ("plain", "to-tls") else "https"
    host = more.pop("host", "127.0.0.1")
    target = str(more.pop("target", "web"))
    url = Url.read(f"{scheme}://:{web.port[site]}{path}", str(host))
    if "pins" not in more:
        more = {"ca": str(web.folder / "ca.pem")} | more
    question = HttpQuestion(target, "127.0.0.1", url, **more)
    return await transports.http.ask(question, deadline=asyncio.get_running_loop().time() + 10)


async def fault_of(web: Nginx, site: str, path: str = "/", **more: object) -> TransportFault:
    with pytest.raises(TransportFault) as caught:
        await ask(web, site, path, **more)
    return caught.value


async def test_a_page_comes_with_its_status_headers_body_and_times(web):
    reply = await ask(web, "good")

    assert (reply.status, reply.reason, reply.truncated) == (200, "OK", False)
    assert b"all is well" in reply.body and reply.headers["content-type"] == "text/html"
    assert reply.address == "127.0.0.1"
    assert (reply.tls.version, reply.tls.certificate) == ("TLSv1.3", GOOD.der)
    assert min(reply.seconds.connect, reply.seconds.tls, reply.seconds.first_byte) > 0


async def test_head_brings_headers_only_and_an_empty_answer_is_one(web):
    assert (await ask(web, "plain", method="HEAD")).body == b""
    assert (await ask(web, "plain", "/empty")).status == 204


async def test_a_page_above_its_limit_is_cut_and_a_bomb_of_nginx_too(web):
    assert len((await ask(web, "plain", "/big", limits=Limits(body=1000))).body) == 1000
    bomb = await ask(web, "plain", "/bomb")

    assert (len(bomb.body), bomb.truncated) == (1_048_576, True)


@pytest.mark.parametrize(
    ("site", "problem", "words"),
    [
        ("expired", TlsProblem.EXPIRED, "the certificate expired on {expired}, "),
        ("tomorrow", TlsProblem.NOT_YET_VALID, "the certificate is not valid before {tomorrow}, "),
        ("other-name", TlsProblem.OTHER_NAME, "than 127.0.0.1: it is for intranet.example, www.example, 192.0.2.7;"),
        ("nameless", TlsProblem.OTHER_NAME, "it is for old-appliance (a common name only, which no longer counts)"),
        ("self-signed", TlsProblem.SELF_SIGNED, f"nobody vouches for it; set `pin` to {ALONE.pin}"),
        ("stranger", TlsProblem.UNKNOWN_AUTHORITY, "issued by Somebody's authority, an authority that is not trusted"),
        ("broken-chain", TlsProblem.INTERMEDIATE_MISSING, "intermediate one of its issuer Council authority, interm"),
        ("weak", TlsProblem.WEAK, "too weak"),
    ],
    ids=lambda value: value if isinstance(value, TlsProblem) else "",
)
async def test_each_way_in_which_a_certificate_is_bad_has_its_own_sentence(web, site, problem, words):
    fault = await fault_of(web, site)

    now = datetime.datetime.now(datetime.UTC)
    past, next_ = now - 3 * DAY, now + DAY
    words = words.replace("{expired}", f"{past.day} {past:%B %Y}").replace("{tomorrow}", f"{next_.day} {next_:%B %Y}")
    assert isinstance(fault, TlsFault)
    assert (fault.problem, fault.reason) == (problem, Reason.PROTOCOL)
    assert words in fault.message
    assert fault.certificate is not None and fault.port == web.port[site]


async def test_a_private_authority_that_was_not_given_is_unknown_not_a_missing_intermediate(web):
    fault = await fault_of(web, "good", ca=None)

    assert fault.problem is TlsProblem.UNKNOWN_AUTHORITY
    assert "issued by Council authority, an authority that is not trusted here" in fault.message


async def test_what_is_in_ca_is_trusted_a_root_or_an_intermediate_one_in_a_file_or_a_hashed_folder(web, tmp_path):
    (tmp_path / "ours.pem").write_text(OURS.pem)
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)

    (tmp_path / "between.pem").write_text(BETWEEN.chain_pem.removeprefix(BETWEEN.leaf_pem))

    assert (await ask(web, "broken-chain", ca=str(tmp_path / "between.pem"))).status == 200
    assert (await ask(web, "chain")).status == 200
    assert (await ask(web, "chain", ca=str(tmp_path))).status == 200


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_authorities_that_cannot_be_read_are_a_local_fault_that_names_the_file(web, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    fault = await fault_of(web, "good", ca=str(path))

    assert fault.reason is Reason.LOCAL and str(path) in fault.message


async def test_authorities_that_were_renewed_are_read_again(web, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(OTHERS.pem)
    transports = Transports.open()

    with pytest.raises(TlsFault):
        await asked(transports, web, "good", ca=str(path))
    path.write_text(OURS.pem + "\n")

    assert (await asked(transports, web, "good", ca=str(path))).status == 200
    await transports.close()


@pytest.mark.parametrize("site", ["self-signed", "expired", "other-name"])
async def test_a_pinned_key_replaces_authority_name_and_dates_and_the_certificate_is_still_shown(web, site):
    with pytest.raises(TlsFault) as caught:
        await ask(web, site, pins=(GOOD.pin,))
    shown = caught.value.certificate
    pin = caught.value.message.split("key is ")[1].split(",")[0]

    reply = await ask(web, site, pins=(GOOD.pin, pin))

    assert caught.value.problem is TlsProblem.PIN
    assert (reply.status, reply.tls.certificate) == (200, shown)


async def test_nothing_is_sent_to_a_peer_whose_key_is_not_the_pinned_one(web):
    before = len(web.requests())

    await fault_of(web, "good", "/told", pins=(ALONE.pin,), credential=READER)

    assert len(web.requests()) == before


async def test_a_name_is_asked_for_at_the_targets_own_address(web):
    reply = await ask(web, "other-name", "/told", host="intranet.example")

    assert reply.body.split(b"|")[3] == b"intranet.example"


async def test_redirects_are_followed_on_the_same_host_only_and_only_when_asked(web):
    assert (await ask(web, "plain", "/moved")).status == 302
    followed = await ask(web, "plain", "/moved", follow=True)
    elsewhere = await ask(web, "plain", "/elsewhere", follow=True)

    assert (followed.status, followed.redirects, followed.url.path) == (200, 1, "/")
    assert (elsewhere.status, elsewhere.headers["location"]) == (302, "http://elsewhere.example/")


async def test_redirects_without_end_are_left_after_five(web):
    before = len(web.requests())

    fault = await fault_of(web, "plain", "/around", follow=True)

    assert (fault.reason, "5 redirects" in fault.message) == (Reason.PROTOCOL, True)
    assert len(web.requests()) - before == 6


@pytest.mark.parametrize(
    ("credential", "place", "seen"),
    [
        (READER, 0, b"Basic cmVhZGVyOmNvcnJlY3QtaG9yc2U="),
        (Credential("token", "token", {"token": "abc.def"}), 0, b"Bearer abc.def"),
        (Credential("key", "header", {"header": "X-Api-Key", "value": "key-123"}), 1, b"key-123"),
    ],
    ids=["password", "token", "header"],
)
async def test_credentials_are_sent_in_their_header_shown_nowhere_and_no_cookie_is_kept(web, credential, place, seen):
    transports = Transports.open()

    await asked(transports, web, "plain", "/cookie", credential=credential)
    told = (await asked(transports, web, "plain", "/told", credential=credential)).body.split(b"|")

    assert (told[place].replace(b"[secret]", seen.split()[-1]), told[2]) == (seen, b"")
    assert web.requests()[-1].endswith(f"/told {seen.decode() if place == 0 else '-'}")
    assert seen.split()[-1] not in b"|".join(told)
    await transports.close()


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        (Credential("c", "token", {"token": "a\nX: y"}), "no HTTP header can carry"),
        (Credential("c", "password", {"user": "a:b", "password": "p"}), "colon"),
        (Credential("c", "snmp-v2c", {"community": "x"}), "is of kind snmp-v2c"),
        (Credential("c", "client-certificate", {"certificate": "x", "key": "y"}), "must be PEM"),
        (Credential("c", "token", {}), "has no token"),
    ],
)
async def test_a_credential_that_cannot_be_sent_is_a_local_fault_without_its_secret(web, credential, words):
    fault = await fault_of(web, "good", credential=credential)

    assert fault.reason is Reason.LOCAL and words in fault.message


async def test_a_password_that_is_right_lets_in_and_a_wrong_one_is_a_fault_of_the_credential(web):
    wrong = Credential("web-reader", "password", {"user": USER, "password": "guess-me"})

    assert (await ask(web, "plain", "/private", credential=READER)).status == 200
    assert (await ask(web, "plain", "/private")).status == 401
    fault = await fault_of(web, "plain", "/private", credential=wrong)

    assert fault.reason is Reason.AUTHENTICATION
    assert "guess-me" not in fault.message and "web-reader" in fault.message


async def test_twenty_targets_with_one_wrong_password_are_asked_twice_altogether(web):
    transports = Transports.open()
    wrong = Credential("web-reader", "password", {"user": USER, "password": "was-changed"})
    before = len(web.requests())

    ended = await asyncio.gather(
        *(asked(transports, web, "plain", "/private", credential=wrong, target=f"web-{n}") for n in range(20)),
        return_exceptions=True,
    )

    reasons = sorted(one.reason.value for one in ended if isinstance(one, TransportFault))
    assert reasons == ["authentication"] * 2 + ["withheld"] * 18
    assert len(web.requests()) - before == 2
    await transports.close()


async def test_twenty_targets_with_the_right_password_are_all_asked(web):
    transports = Transports.open()

    ended = await asyncio.gather(
        *(asked(transports, web, "plain", "/private", credential=READER, target=f"web-{n}") for n in range(20))
    )

    assert {reply.status for reply in ended} == {200}
    await transports.close()


async def test_a_client_certificate_is_shown_to_a_server_that_wants_one(web):
    shown = Credential("agent", "client-certificate", {"certificate": CLIENT.chain_pem, "key": CLIENT.key_pem})

    told = await ask(web, "clients", "/told", credential=shown)
    without = await ask(web, "clients", "/told")

    assert told.body.endswith(b"|CN=agent")
    assert without.status == 400


@pytest.mark.parametrize(
    ("path", "reason", "words"),
    [
        ("/private", Reason.AUTHENTICATION, "wants a login (401)"),
        ("/forbidden", Reason.FORBIDDEN, "give the account the right"),
        ("/often", Reason.LIMIT, "(429, again in 7 s)"),
        ("/busy", Reason.LIMIT, "(503, again in 120 s)"),
        ("/moved", Reason.PROTOCOL, "(302), which is not followed"),
        ("/nowhere", Reason.PROTOCOL, "answers 404 Not Found"),
    ],
)
async def test_a_refusal_says_whose_turn_it_is(web, path, reason, words):
    fault = refusal(await ask(web, "plain", path))

    assert fault is not None and fault.reason is reason and words in fault.message


async def test_a_post_needs_a_profile_that_allows_it_and_is_not_sent_on(web):
    post = Post(b"{}", "application/json", "test profile")

    reply = await ask(web, "plain", "/moved", post=post, follow=True)

    assert reply.status == 302
    wait_until(lambda: any(line.startswith("302 POST /moved") for line in web.requests()), "nginx has logged it")


async def test_proxies_and_netrc_of_the_environment_are_not_heeded(web, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")

    told = await ask(web, "plain", "/told")

    assert told.body.split(b"|")[0] == b""


async def test_a_port_where_nothing_listens_is_refused_and_a_name_without_address_is_named():
    transports = Transports.open()
    loop = asyncio.get_running_loop()
    cases = [("127.0.0.1", Reason.REFUSED), ("nobody.invalid", Reason.NAME)]

    for address, reason in cases:
        question = HttpQuestion("web", address, Url.read(f"http://:{free_port()}/", address))
        with pytest.raises(TransportFault) as caught:
            await transports.http.ask(question, deadline=loop.time() + 20)
        assert caught.value.reason is reason
    await transports.close()


def test_requests_is_imported_only_when_something_is_asked():
    code = "import sys, checks.transports; print({'requests', 'urllib3', 'OpenSSL'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4]
    )

    assert done.stdout == "set()\n"
