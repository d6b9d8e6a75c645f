"""Whatever is sent, it is answered with a refusal, never with an error of ours, and never lets anybody in."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.estate import Access, Proxy, Rights, Token
from config.secrets import SecretReference
from exporters.web.access import WebConfigError, read_web_file
from exporters.web.access.passwords import Busy, Passwords, Work
from exporters.web.access.policy import Policy
from exporters.web.access.refusals import Refused
from exporters.web.access.tokens import read_tokens
from testbeds.front import front, hashed, users

VALUES = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda scheme, rest: scheme + b" " + rest, st.sampled_from([b"Basic", b"bearer", b"BASIC", b"Negotiate"]),
              st.one_of(st.binary(max_size=200), st.sampled_from([b"Og==", b"Ojo=", b"YW5uOg==", b"YW5u", b"/w=="]))),
)  # fmt: skip
HEADERS = st.lists(
    st.tuples(st.sampled_from([b"authorization", b"x-forwarded-user", b"cookie"]), VALUES), max_size=4
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADERS, st.sampled_from(["127.0.0.1", "192.0.2.1", "", "unix", "::1"]))
@example([(b"authorization", b"Basic OjpbOjpd"), (b"authorization", b"")], "127.0.0.1")
def test_no_headers_whatever_let_anybody_in_or_raise_anything_but_a_refusal(
    monkeypatch: pytest.MonkeyPatch, headers: list[tuple[bytes, bytes]], address: str
) -> None:
    monkeypatch.setenv("TOKEN", "0123456789abcdef0123456789abcdef")
    token = Token("t", SecretReference("env", "TOKEN"), Rights(None))
    proxy = Proxy((ipaddress.ip_network("127.0.0.0/8"),), "X-Forwarded-User")
    access = Access({"t": token}, {"ann": Rights(None)}, None, proxy)
    work = Work()
    hashes = {"ann": hashed("right").encode()}

    async def ask() -> None:
        policy = Policy(None, access, read_tokens([token]), Passwords(hashes, work))
        with pytest.raises((Refused, Busy)):
            await policy.who(headers, address, None)

    asyncio.run(ask())
    work.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode), st.recursive(
    st.one_of(st.sampled_from(["{}", "[]", "null", "1", "x", "TLS13", "deny", "''", "true", "-1"])),
    lambda inner: st.dictionaries(st.sampled_from(
        ["tls_server_config", "basic_auth_users", "http_server_config", "headers", "cert_file", "key", "min_version",
         "client_auth_type", "cipher_suites", "curve_preferences", "ann", "X-Frame-Options"]), inner, max_size=4,
    ).map(lambda made: "{" + ", ".join(f"{key}: {value}" for key, value in made.items()) + "}"), max_leaves=8,
).map(str.encode)))  # fmt: skip
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "web-config.yml"
    path.write_bytes(content)

    try:
        read_web_file(path)
    except WebConfigError as error:
        assert all(line.startswith(f"{path}:") for line in str(error).splitlines())


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: y\r\n" % number for number in range(3000)),
        b"Authorization: Basic " + b"A" * 100_000 + b"\r\n",
        b"Authorization: Bearer " + b"\xff" * 3000 + b"\r\n",
        b"Authorization:\r\n" * 50,
        b"X-Forwarded-User: \x00\r\n",
        b"Authorization : Basic YW5uOnJpZ2h0\r\n",
        b"Authorization: Basic YW5uOnJp\r\n Z2h0\r\n",
    ],
    ids=["a flood", "giant", "no text", "many", "a nul", "a space before the colon", "folded"],
)
async def test_heads_that_no_friend_sends_get_nothing_and_others_are_still_served(tmp_path: Path, head: bytes) -> None:
    async with front(tmp_path, users(ann="right")) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b"\r\n")
        try:
            answer = await asyncio.wait_for(reader.read(), 30)
        except ConnectionError:
            answer = b""
        writer.close()
        served = await door.status(auth=("ann", "right"))

    assert answer[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 401")
    assert b"ann" not in answer
    assert served == 200
