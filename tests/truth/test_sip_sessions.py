"""The sessions of RFC 3665, section 3: our call sends what the RFC's caller sends, by the same ways."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from checks.transports.sip.dialog import remote_tag
from checks.transports.sip.fields import top_via
from checks.transports.sip.message import Headers, Request, Response, SipSyntaxError, parsed
from testbeds.far_end import FarEnd

pytestmark = pytest.mark.truth
_CALLER = "client.atlanta.example.com"
_FLOWS = {
    "3.01": ("INVITE ACK", 200),
    "3.02": ("INVITE ACK INVITE ACK", 200),
    "3.03": ("INVITE ACK INVITE ACK INVITE ACK", 200),
    "3.04": ("INVITE ACK INVITE ACK", 200),
    "3.05": ("INVITE ACK BYE", 200),
    "3.06": ("INVITE ACK", 302),  # a test call follows nobody
    "3.07": ("INVITE ACK BYE", 200),  # and declines a change of the call
    "3.08": ("INVITE CANCEL ACK", 487),
    "3.09": ("INVITE ACK", 486),
    "3.10": ("INVITE ACK", 480),
    "3.11": ("INVITE ACK", 480),
}


def messages(number: str) -> list[Request | Response]:
    """Every message of a flow in its order."""
    folder = Path(os.environ.get("RIDGEWAY_RECORDINGS", "absent")) / "telephony" / "rfc3665-flows"
    files = sorted(folder.glob(f"{number}_*.yaml"))
    if not files:
        pytest.skip("no recording: set RIDGEWAY_RECORDINGS to the directory that holds them")
    texts = yaml.safe_load(files[0].read_text())
    found = []
    for text in texts:
        # The RFC counts octets that its page does not have.
        octets = re.sub(r"(?m)^Content-Length:.*\n", "", text).replace("\n", "\r\n").encode()
        octets = octets if b"\r\n\r\n" in octets else octets.rstrip() + b"\r\n\r\n"
        found.append(parsed(octets))
    return found


def hops(message: Request | Response) -> int:
    return len(message.headers.all("via"))


def is_callers(message: Request | Response) -> bool:
    """Whether it is between the caller and who is next to it."""
    return hops(message) == 1 and top_via(message.headers).host == _CALLER


def heard(end: FarEnd, message: Response) -> None:
    """The RFC's answer as one to our request: our names in it, everything else as it stands."""
    method = (message.headers.first("cseq") or "").split()[1]
    kept = [
        (name, value)
        for name, value in message.headers.fields
        if name in ("record-route", "contact", "proxy-authenticate")
    ]
    contact = () if any(name == "contact" for name, _ in kept) else (("contact", "<sip:nobody@192.0.2.1>"),)
    tag = remote_tag(message.headers, "to")
    end.say(message.status, tag, *kept, *contact, to=end.last(method), body=message.body)


@pytest.mark.parametrize("number", list(_FLOWS))
def test_a_session_of_the_rfc_is_held_as_its_caller_holds_it(number: str) -> None:
    methods, status = _FLOWS[number]
    end = FarEnd.called(login=True)

    theirs: list[Request] = []
    for message in messages(number):
        if isinstance(message, Response):
            if is_callers(message) and not (end.call.decided and status == 302):
                heard(end, message)
        elif is_callers(message):
            theirs.append(message)
            if message.method in ("BYE", "CANCEL"):
                end.hang_up()
        elif message.method in ("BYE", "INVITE") and _CALLER in message.uri and hops(message) == _last_hop(number):
            end.ask(message.method, remote_tag(message.headers, "from"))

    if number == "3.03":  # which ends before the call does
        end.say(200, to=end.hang_up()[0])
        end.seen.pop()
    said = end.call.told
    assert " ".join(end.methods()) == methods
    assert (200 if said.answered_at is not None else said.final and said.final.status) == status
    assert end.call.settled(end.now)
    if status == 200:
        for method in {"ACK", "BYE"} & set(end.methods()):
            ours, recorded = end.last(method), [one for one in theirs if one.method == method][-1]
            # 3.7: we hang up on the party as it was, having declined that it goes elsewhere.
            if (number, method) != ("3.07", "BYE"):
                assert ours.uri.partition(";")[0] == recorded.uri
            assert [value.strip() for value in ours.headers.all("route")] == routes(recorded.headers)


def routes(headers: Headers) -> list[str]:
    return [one.strip() for value in headers.all("route") for one in value.split(",")]


def _last_hop(number: str) -> int:
    """How many proxies' marks a request of the far end has when it comes to the caller, and its own."""
    return {"3.01": 1, "3.02": 3, "3.04": 2, "3.06": 2, "3.07": 1}.get(number, 0)


def test_every_message_of_the_flows_is_read() -> None:
    for number in _FLOWS:
        try:
            assert messages(number)
        except SipSyntaxError as error:
            pytest.fail(f"{number}: {error}")
