"""What a request must be before any page sees it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from exporters.web.guard import Hosts, from_another_site, methods_of

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
        pytest.param("PUT /api/v1/incidents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", 405, id="put"),
        pytest.param("DELETE /-/reload HTTP/1.1\r\nHost: localhost\r\n", 405, id="delete of a page"),
        pytest.param("POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                     "Content-Type: text/plain\r\n", 415, id="a form of a browser"),
        pytest.param("POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n"
                     "Content-Type: application/json\r\n", 413, id="a large body for the API"),
        pytest.param("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                     "Sec-Fetch-Site: cross-site\r\n", 403, id="another site's page"),
        pytest.param("DELETE /api/v1/x HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n", 403, id="a sandboxed frame"),
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


def test_only_the_interface_and_the_reload_take_more_than_reading() -> None:
    assert methods_of("/api/v1/incidents") == ("GET", "HEAD", "POST", "DELETE")
    assert methods_of("/-/reload") == ("GET", "HEAD", "POST", "PUT")
    assert methods_of("/incidents") == methods_of("/api") == methods_of("/-/reload/") == ("GET", "HEAD")


@pytest.mark.parametrize(
    ("said", "elsewhere"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "https://agent:1"}, True),
        ({"sec-fetch-site": ""}, True),
        ({"origin": "https://agent:1"}, False),
        ({"origin": "HTTPS://Agent:1"}, False),
        ({"origin": "https://agent:2"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://[::1"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
    ],
)
def test_a_browser_that_says_that_another_site_asks_is_believed(said: dict[str, str], elsewhere: bool) -> None:
    headers = [(b"host", b"agent:1"), *((name.encode(), value.encode()) for name, value in said.items())]

    assert from_another_site(headers) is elsewhere
