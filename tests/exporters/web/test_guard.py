"""What a request must be before any page sees it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from exporters.web.guard import Hosts

HOSTS = Hosts.of(["Ridgeway.Example.", "agent"])


@pytest.mark.parametrize(
    "header",
    ["localhost", "LOCALHOST:10190", "127.0.0.1:10190", "[::1]:10190", "192.0.2.1", "ridgeway.example:443",
     "ridgeway.example.", "agent:10190"],
)  # fmt: skip
def test_addresses_loopback_and_configured_names_are_ours(header: str) -> None:
    assert HOSTS.allows(header)


@pytest.mark.parametrize(
    "header",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "localhost:port", "[::1", "[evil]",
     "localhost@evil.example", "ridgeway.example/x", "::1"],
)  # fmt: skip
def test_every_other_name_is_not(header: str) -> None:
    assert not HOSTS.allows(header)


def test_a_name_that_is_an_address_of_a_page_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="write names without scheme, port or path"):
        Hosts.of(["https://ridgeway.example"])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param("GET / HTTP/1.1\r\nHost: evil.example\r\n", 421, id="rebound name"),
        pytest.param("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n", 421, id="rebound name on metrics"),
        pytest.param("GET / HTTP/1.0\r\n", 421, id="no host"),
        pytest.param("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", 405, id="another method"),
        pytest.param("TRACE / HTTP/1.1\r\nHost: localhost\r\n", 405, id="trace"),
        pytest.param("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n", 413, id="a large body"),
        pytest.param("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n", 413, id="an endless body"),
    ],
)  # fmt: skip
async def test_a_request_that_no_friend_would_send_is_refused(browser, head: str, status: int) -> None:
    answer = await browser.raw(f"{head}Connection: close\r\n\r\n")

    assert answer.status == status
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_header_without_end_is_cut_off_and_others_are_still_served(browser) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", browser.port)
    with contextlib.suppress(ConnectionError):
        for _ in range(1_000):
            writer.write(b"X: " + b"y" * 10_000)
            await asyncio.wait_for(writer.drain(), 20)
        await asyncio.wait_for(reader.read(), 20)
        pytest.fail("10 MB of header were taken")
    writer.close()

    assert (await browser.get("/-/healthy")).status == 200
