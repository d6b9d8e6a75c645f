"""What every desk adapter that speaks HTTP and JSON has to do with answers, good and bad: inherit `DeskKit`.

The verdicts stand in one table for all desks, status by status. Each case also proves that nothing was sent twice and
that the token, which the server echoes in its answers, reaches no error message.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from agent.records import Priority
from exporters.desks.contract import DeskAdapter, DeskError, DeskKind, NewTicket, NotDone, Refused, Uncertain
from testbeds.canned import canned, http

TOKEN = "token-5d1f-that-nobody-may-see"
TIMEOUT = 0.5
HTML = b"<!doctype html><title>Log in</title>{request}"

NEW = NewTicket(
    key="RWY-01JD0000000000000000000001",
    digest="0123456789ABCDEF",
    queue="dacorum",
    title="Core switch does not answer",
    text="First seen at 02:14",
    priority=Priority.P2,
    council="dacorum",
    subject="core-switch",
)

ORDERS: dict[str, tuple[bytes, type[DeskError]]] = {
    "200 with a login page": (http(200, HTML), Uncertain),
    "201 without a number": (http(201, b"{}"), Uncertain),
    "302 to another address": (http(302, b"", b"Location: http://127.0.0.1:9/"), Refused),
    "400": (http(400, b'{"message": "{request}"}'), Refused),
    "401": (http(401, b"{request}"), Refused),
    "403": (http(403, b"{request}"), Refused),
    "404": (http(404, b"{request}"), Refused),
    "408": (http(408, b"{request}"), Uncertain),
    "409": (http(409, b"{request}"), Uncertain),
    "422": (http(422, b"{request}"), Refused),
    "429": (http(429, b"{request}", b"Retry-After: 7"), NotDone),
    "500": (http(500, b"{request}"), Uncertain),
    "502": (http(502, b"{request}"), Uncertain),
    "503 with Retry-After": (http(503, b"{request}", b"Retry-After: 7"), Uncertain),
    "504": (http(504, b"{request}"), Uncertain),
    "half an answer": (b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{", Uncertain),
    "no answer": (b"", Uncertain),
    "garbage": (b"\x00\xff\x00\xff\r\n\r\n", Uncertain),
    "a compressed answer nobody asked for": (http(200, b"\x1f\x8b\x08", b"Content-Encoding: gzip"), Uncertain),
}

QUESTIONS: dict[str, tuple[bytes, type[DeskError]]] = {
    "200 with a login page": (http(200, HTML), NotDone),
    "200 with another shape": (http(200, b'{"items": 5, "tickets": 5}'), NotDone),
    "200 with a list": (http(200, b"[]"), NotDone),
    "302 to another address": (http(302, b"", b"Location: http://127.0.0.1:9/"), Refused),
    "401": (http(401, b"{request}"), Refused),
    "403": (http(403, b"{request}"), Refused),
    "429": (http(429, b"{request}", b"Retry-After: 7"), NotDone),
    "500": (http(500, b"{request}"), NotDone),
    "half an answer": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", NotDone),
    "no answer": (b"", NotDone),
}


class DeskKit:
    """Inherit, and name the kind and its options for a server at an address."""

    kind: DeskKind

    def options(self, url: str) -> BaseModel:
        """Options whose token is `env:DESK_TOKEN` and whose time limit is TIMEOUT."""
        raise NotImplementedError

    @pytest.fixture
    def make(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], DeskAdapter]:
        monkeypatch.setenv("DESK_TOKEN", TOKEN)
        return lambda url: self.kind.make("ict", self.options(url))

    @pytest.mark.parametrize("case", ORDERS)
    def test_a_create_is_judged_by_the_answer_and_sent_once(
        self, make: Callable[[str], DeskAdapter], case: str
    ) -> None:
        answer, verdict = ORDERS[case]
        with canned(answer) as server, pytest.raises(verdict) as caught:
            make(server.url).create(NEW, lambda: True)

        assert len(server.requests) == 1
        assert TOKEN.encode() in server.requests[0]
        assert TOKEN not in str(caught.value)

    @pytest.mark.parametrize("case", QUESTIONS)
    def test_a_look_up_is_judged_by_the_answer_and_never_finds_nothing_by_mistake(
        self, make: Callable[[str], DeskAdapter], case: str
    ) -> None:
        answer, verdict = QUESTIONS[case]
        with canned(answer) as server, pytest.raises(verdict) as caught:
            make(server.url).look_up(NEW.key)

        assert len(server.requests) == 1
        assert TOKEN not in str(caught.value)

    def test_only_a_wrong_token_is_called_a_refusal_of_everything(self, make: Callable[[str], DeskAdapter]) -> None:
        verdicts = {}
        for status in (401, 403):
            with canned(http(status, b"{}")) as server, pytest.raises(Refused) as caught:
                make(server.url).create(NEW, lambda: True)
            verdicts[status] = caught.value.everything

        assert verdicts == {401: True, 403: False}

    def test_a_desk_that_asks_for_patience_says_how_long(self, make: Callable[[str], DeskAdapter]) -> None:
        with canned(http(429, b"", b"Retry-After: 7")) as server, pytest.raises(NotDone) as caught:
            make(server.url).create(NEW, lambda: True)

        assert caught.value.retry_after == 7

    def test_nobody_listening_means_not_done(self, make: Callable[[str], DeskAdapter]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with pytest.raises(NotDone, match="refused"):
                make(f"http://127.0.0.1:{closed.getsockname()[1]}").create(NEW, lambda: True)

    def test_a_create_that_may_not_be_sent_any_more_does_not_leave(self, make: Callable[[str], DeskAdapter]) -> None:
        with canned(http(201, b'{"id": "1", "number": 1}')) as server, pytest.raises(NotDone, match="not sent"):
            make(server.url).create(NEW, lambda: False)

        assert [request for request in server.requests if request] == []

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize("head", [b"", http(201)], ids=["in its head", "in its body"])
    def test_an_answer_that_drips_for_ever_is_cut_off(self, make: Callable[[str], DeskAdapter], head: bytes) -> None:
        answer = head or b"HTTP/1.1 201 Created\r\nX-Slow:"
        with canned(answer, drip=TIMEOUT / 5) as server, pytest.raises(Uncertain, match="no whole answer within"):
            make(server.url).create(NEW, lambda: True)

    @pytest.mark.timeout(20)
    def test_an_endless_answer_is_cut_off_by_its_size(self, make: Callable[[str], DeskAdapter]) -> None:
        with (
            canned(http(201, b"[" + b" " * 9_000_000)) as server,
            pytest.raises(Uncertain, match=r"longer than|within"),
        ):
            make(server.url).create(NEW, lambda: True)

    @pytest.mark.timeout(20)
    def test_closing_from_another_thread_cuts_off_a_call_under_way(self, make: Callable[[str], DeskAdapter]) -> None:
        with canned(b"HTTP/1.1 201 Created\r\n", drip=0.05) as server:
            adapter = make(server.url)
            threading.Timer(0.1, adapter.close).start()
            with pytest.raises(DeskError):
                adapter.create(NEW, lambda: True)
            with pytest.raises(NotDone, match="closed"):
                adapter.create(NEW, lambda: True)

    def test_a_missing_token_means_not_done_and_names_the_reference(
        self, make: Callable[[str], DeskAdapter], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        adapter = make("http://127.0.0.1:9")
        monkeypatch.delenv("DESK_TOKEN")

        with pytest.raises(NotDone, match="env:DESK_TOKEN"):
            adapter.look_up(NEW.key)
