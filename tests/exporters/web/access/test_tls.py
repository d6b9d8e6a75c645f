"""Real TLS: what is spoken, which certificates get in, and new files that take effect while the agent runs."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import errno
import ipaddress
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from config.estate import Access, Proxy, Rights, Token
from config.secrets import SecretReference
from testbeds.certificates import Authority
from testbeds.front import Front, front, opened, users
from testbeds.peers import need

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = TLS + "  client_ca_file: authority.pem\n  client_auth_type: "
ALL = CLIENTS + "RequireAndVerifyClientCert\n"
SOME = CLIENTS + "VerifyClientCertIfGiven\n"


async def s_client(door: Front, *options: str) -> str:
    """What OpenSSL says of one handshake."""
    command = [need("openssl"), "s_client", "-connect", f"127.0.0.1:{door.port}", *options]

    def run() -> str:
        done = subprocess.run(command, input=b"", capture_output=True, timeout=30)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    return await asyncio.to_thread(run)


async def refused(door: Front, **options: Any) -> bool:
    """Whether the connection is hung up on before there is an answer."""
    try:
        await door.ask(**options)
    except (requests.exceptions.SSLError, requests.exceptions.ConnectionError):
        return True
    return False


async def test_pages_are_served_by_tls_1_2_and_1_3_and_by_nothing_older_or_plain(tmp_path: Path) -> None:
    async with front(tmp_path, TLS + users(ann="right")) as door:
        spoken = [await s_client(door, option) for option in ("-tls1_2", "-tls1_3")]
        older = await s_client(door, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        right = await door.status(auth=("ann", "right"))
        with pytest.raises(requests.exceptions.ConnectionError):
            await asyncio.to_thread(requests.get, f"http://127.0.0.1:{door.port}/who", timeout=20)
        still = await door.status(auth=("ann", "right"))

    assert ["Protocol  : TLSv1.2" in spoken[0], "TLSv1.3" in spoken[1]] == [True, True]
    assert "Cipher is (NONE)" in older
    assert (right, still) == (200, 200)


@pytest.mark.parametrize(
    ("more", "taken", "not_taken"),
    [
        ("  min_version: TLS13\n", ["-tls1_3"], ["-tls1_2"]),
        ("  max_version: TLS12\n", ["-tls1_2"], ["-tls1_3"]),
        ("  curve_preferences: [CurveP384]\n", ["-groups", "P-384"], ["-groups", "X25519"]),
        ("  curve_preferences: [X25519]\n", ["-groups", "X25519"], ["-groups", "P-256"]),
        (
            "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n",
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
        ),
    ],
)
async def test_what_the_file_says_of_versions_curves_and_suites_is_what_is_spoken(
    tmp_path: Path, more: str, taken: list[str], not_taken: list[str]
) -> None:
    async with front(tmp_path, TLS + more) as door:
        good, bad = await s_client(door, *taken), await s_client(door, *not_taken)

    assert "Cipher is (NONE)" not in good
    assert "Cipher is (NONE)" in bad


async def test_a_client_certificate_names_a_person_by_its_first_alternative_name(tmp_path: Path) -> None:
    people = {"ann.example": Rights(frozenset({"dacorum"}), may_act=True), "bob": Rights(None)}
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example", "other.example"], client=True, common_name="nobody")
    door.issue("bob", names=[], client=True, common_name="bob")
    door.issue("eve", names=["eve.example"], client=True)
    async with opened(door, ALL, Access(people=people)):
        ann, bob, eve = [await door.ask(cert=name) for name in ("ann", "bob", "eve")]
        bare = await refused(door)

    assert (ann.json()["name"], ann.json()["councils"], ann.json()["may_act"]) == ("ann.example", ["dacorum"], True)
    assert (bob.json()["name"], bob.json()["councils"]) == ("bob", None)
    assert eve.status_code == 403
    assert bare


async def test_a_certificate_of_another_authority_or_out_of_date_gets_no_connection(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    door = Front(tmp_path)
    door.issue()
    door.issue("late", names=["ann.example"], client=True, not_after=now - datetime.timedelta(hours=1))
    Authority(door.authority.name).issue(["ann.example"], client=True).write(tmp_path, "foreign")
    async with opened(door, ALL):
        tried = [await refused(door, cert=name) for name in ("late", "foreign")]

    assert tried == [True, True]


async def test_only_the_names_that_are_listed_get_a_request_in(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["x.example", "2001:db8::1"], client=True)
    door.issue("bob", names=["y.example", "2001:db8::2"], client=True, common_name="x.example")
    async with opened(door, ALL + '  client_allowed_sans: ["2001:db8::1"]\n'):
        ann = await door.status(cert="ann")
        bob = await refused(door, cert="bob")
        refusals = dict(door.counts.refusals)

    assert (ann, bob, refusals) == (200, True, {"certificate": 1})


async def test_with_passwords_a_certificate_alone_is_not_enough_as_in_the_toolkit(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example"], client=True)
    async with opened(door, ALL + users(bob="right")):
        alone = await door.status(cert="ann")
        both = await door.ask(cert="ann", auth=("bob", "right"))
        wrong = await door.status(cert="ann", auth=("bob", "wrong"))
        password_alone = await refused(door, auth=("bob", "right"))

    assert (alone, both.json()["name"], wrong, password_alone) == (401, "bob", 401, True)


async def test_a_certificate_that_nobody_must_show_is_no_authentication_of_the_agent(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example"], client=True)
    async with opened(door, SOME):
        told = [(await door.ask(**options)).json()["name"] for options in ({}, {"cert": "ann"})]

    assert told == ["loopback", "loopback"]


async def test_the_certificate_of_a_proxy_names_nobody_who_asks_through_it(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("proxy", names=["proxy.example"], client=True)
    people = {"proxy.example": Rights(None), "ann": Rights(None)}
    proxy = Proxy((ipaddress.ip_network("127.0.0.1"),), "X-Forwarded-User")
    async with opened(door, ALL, Access(people=people, proxy=proxy)):
        nobody = await door.status(cert="proxy")
        ann = await door.ask(cert="proxy", headers={"X-Forwarded-User": "ann"})

    assert nobody == 403
    assert ann.json()["name"] == "ann"


# While it runs


async def test_a_new_certificate_is_shown_to_the_next_connection_and_no_old_one_is_dropped(tmp_path: Path) -> None:
    async with front(tmp_path, TLS + users(ann="right")) as door:
        trust = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=trust)
        before = writer.get_extra_info("peercert")["serialNumber"]
        renewed = door.issue()
        await door.control.look()
        writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        old = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        _, fresh = await asyncio.open_connection("127.0.0.1", door.port, ssl=trust)
        after = fresh.get_extra_info("peercert")["serialNumber"]
        fresh.close()
        ends, reloads = door.counts.not_after, door.counts.reloads

    assert old.startswith(b"HTTP/1.1 200 ")
    assert before != after
    assert int(after, 16) == renewed.certificate.serial_number
    assert ends == renewed.certificate.not_valid_after_utc.timestamp()
    assert reloads == [True, True]


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("web-config.yml", "tls_server_config: {"),
        ("web-config.yml", "{}"),
        ("web-config.yml", ""),
        ("server.pem", "half of a certi"),
        ("server.key", ""),
    ],
)
async def test_a_broken_file_leaves_the_old_in_force_is_told_once_and_a_good_one_mends_it(
    tmp_path: Path, name: str, broken: str
) -> None:
    async with front(tmp_path, TLS + users(ann="right")) as door:
        good = (tmp_path / name).read_text()
        door.write(broken, name)
        for _ in range(3):
            await door.control.look()
        meanwhile = await door.status(auth=("ann", "right"))
        told = list(door.counts.reloads)
        door.write(good, name)
        await door.control.look()
        afterwards = await door.status(auth=("ann", "right"))

    assert (meanwhile, told) == (200, [True, False])
    assert (afterwards, door.counts.reloads) == (200, [True, False, True])


async def test_a_certificate_and_a_key_that_come_one_after_the_other_meet(tmp_path: Path) -> None:
    async with front(tmp_path, TLS + users(ann="right")) as door:
        renewed = door.authority.issue()
        door.write(renewed.chain_pem, "server.pem")
        await door.control.look()
        between = await door.status(auth=("ann", "right"))
        door.write(renewed.key_pem, "server.key")
        await door.control.look()

    assert between == 200
    assert door.counts.reloads == [True, False, True]
    assert door.counts.not_after == renewed.certificate.not_valid_after_utc.timestamp()


async def test_what_could_not_be_read_for_a_moment_is_read_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_descriptor_left(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async with front(tmp_path, TLS) as door:
        renewed = door.issue()
        with monkeypatch.context() as full:
            full.setattr("exporters.web.access.tls.os.memfd_create", no_descriptor_left)
            await door.control.look()
        await door.control.look()

    assert door.counts.reloads == [True, False, True]
    assert door.counts.not_after == renewed.certificate.not_valid_after_utc.timestamp()


async def test_another_authority_other_versions_and_other_users_count_at_once(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example"], client=True)
    other = Authority("Another")
    other.issue(["bob.example"], client=True).write(tmp_path, "bob")
    async with opened(door, ALL):
        before = [await refused(door, cert=name) for name in ("ann", "bob")]
        door.write(other.pem, "others.pem")
        door.write(ALL.replace("authority.pem", "others.pem") + "  min_version: TLS13\n")
        await door.control.look()
        after = [await refused(door, cert=name) for name in ("ann", "bob")]
        older = await s_client(door, "-tls1_2")
        door.write(TLS + users(carol="right"))
        await door.control.look()
        carol = [await door.status(auth=("carol", word)) for word in ("right", "wrong")]

    assert (before, after) == ([False, True], [True, False])
    assert "Cipher is (NONE)" in older
    assert carol == [200, 401]


async def test_a_name_that_is_no_longer_listed_is_refused_on_an_open_connection_too(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example"], client=True)
    async with opened(door, ALL + "  client_allowed_sans: [ann.example]\n"):
        options = {"verify": str(tmp_path / "authority.pem"), "cert": (tmp_path / "ann.pem", tmp_path / "ann.key")}
        url = f"https://127.0.0.1:{door.port}/who"
        with requests.Session() as line:
            before = await asyncio.to_thread(line.get, url, timeout=20, **options)
            door.write(ALL + "  client_allowed_sans: [bob.example]\n")
            await door.control.look()
            after = await asyncio.to_thread(line.get, url, timeout=20, **options)

    assert (before.status_code, after.status_code) == (200, 403)


async def test_a_certificate_names_nobody_any_more_when_none_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", "0123456789abcdef")
    token = Token("t", SecretReference("env", "T"), Rights(None))
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example"], client=True)
    async with opened(door, ALL, Access({"t": token})):
        options = {"verify": str(tmp_path / "authority.pem"), "cert": (tmp_path / "ann.pem", tmp_path / "ann.key")}
        url = f"https://127.0.0.1:{door.port}/who"
        with requests.Session() as line:
            before = await asyncio.to_thread(line.get, url, timeout=20, **options)
            door.write(TLS)
            await door.control.look()
            after = await asyncio.to_thread(line.get, url, timeout=20, **options)

    assert (before.json()["name"], after.status_code) == ("ann.example", 401)


async def test_a_certificate_that_ends_is_refused_on_an_open_connection_and_on_a_new_one(tmp_path: Path) -> None:
    door = Front(tmp_path)
    door.issue()
    door.issue("ann", names=["ann.example"], client=True)
    async with opened(door, ALL):
        options = {"verify": str(tmp_path / "authority.pem"), "cert": (tmp_path / "ann.pem", tmp_path / "ann.key")}
        url = f"https://127.0.0.1:{door.port}/who"
        with requests.Session() as line:
            before = await asyncio.to_thread(line.get, url, timeout=20, **options)
            door.later = 91 * 86_400.0
            after = await asyncio.to_thread(line.get, url, timeout=20, **options)
        anew = await refused(door, cert="ann")

    assert (before.status_code, after.status_code, anew) == (200, 403, True)


async def test_a_password_that_was_right_is_wrong_as_soon_as_the_file_has_another(tmp_path: Path) -> None:
    async with front(tmp_path, users(ann="right")) as door:
        before = await door.status(auth=("ann", "right"))
        door.write(users(ann="other"))
        await door.control.look()
        after = [await door.status(auth=("ann", word)) for word in ("right", "other")]

    assert (before, after) == (200, [401, 200])


async def test_the_files_are_looked_at_without_being_asked(tmp_path: Path) -> None:
    async with front(tmp_path, users(ann="right")) as door:
        door.write(users(ann="other"))
        async with asyncio.timeout(30):
            while await door.status(auth=("ann", "other")) != 200:
                await asyncio.sleep(0.05)

    assert door.counts.reloads == [True, True]


async def test_headers_of_the_file_stand_on_every_answer_once(tmp_path: Path) -> None:
    headers = "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=60\n    X-Frame-Options: deny\n"
    more = '    X-Content-Type-Options: nosniff\n    Content-Security-Policy: "default-src https:"\n'
    async with front(tmp_path, headers + more + users(ann="right")) as door:
        answers = [await door.ask(), await door.ask(auth=("ann", "right")), await door.ask("/-/healthy")]

    for answer in answers:
        assert answer.headers["strict-transport-security"] == "max-age=60"
        assert answer.headers["x-frame-options"] == "deny"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src https:, default-src 'none';")


async def test_whoever_begins_a_handshake_and_says_nothing_keeps_nobody_out(tmp_path: Path) -> None:
    async with front(tmp_path, TLS + users(ann="right")) as door, contextlib.AsyncExitStack() as lines:
        for number in range(150):
            _, writer = await asyncio.open_connection("127.0.0.1", door.port)
            lines.callback(writer.close)
            if number % 2:
                writer.write(b"\x16\x03\x01\x02\x00\x01\x00")
        served = await door.status(auth=("ann", "right"))

    assert served == 200


async def test_a_handshake_that_does_not_come_to_an_end_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.web.server.LONGEST_HEAD", 0.2)
    async with front(tmp_path, TLS) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00")
        said = await asyncio.wait_for(reader.read(), 30)  # asyncio's own patience is a minute
        writer.close()

    assert said == b""
