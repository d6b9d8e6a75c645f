"""The registrations of RFC 3665, section 2: its server's side is played to our client, over TLS as there.

Of the flow's responses everything stays but what has to repeat our request; our Contact stands for Bob's.
"""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

import pytest
import yaml

from checks.contract import Assessment, State
from checks.telephony.register.bindings import bindings
from checks.transports.sip.fields import address
from checks.transports.sip.message import Headers, Request, Response, parsed, written
from testbeds.certificates import Authority
from testbeds.registration import WELL, probing, states, words
from testbeds.sip_peer import over_tcp

pytestmark = pytest.mark.truth
DOMAIN, AOR = "biloxi.example.com", "<sips:bob@biloxi.example.com>"
CONTACT = "sips:bob@client.biloxi.example.com"


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_EXTENSION", "zanzibar")


def flow(number: str) -> list[Request | Response]:
    """The messages of a flow in their order."""
    folder = Path(os.environ.get("RIDGEWAY_RECORDINGS", "absent")) / "telephony" / "rfc3665-flows"
    files = list(folder.glob(f"{number}_*.yaml"))
    if not files:
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    messages = yaml.safe_load(files[0].read_text())
    return [parsed((text.rstrip("\n") + "\n\n").replace("\n", "\r\n").encode()) for text in messages]


def responses(number: str) -> list[Response]:
    return [message for message in flow(number) if isinstance(message, Response)]


def said_to(request: Request, response: Response) -> bytes:
    """The flow's response to our request."""
    repeated = {"via", "from", "call-id", "cseq"}
    ours = [(name, value) for name, value in request.headers.fields if name in repeated]
    uri = address(request.headers.first("contact"), "Contact").uri
    theirs = [(name, value.replace(CONTACT, uri)) for name, value in response.headers.fields if name not in repeated]
    return written(Response(response.status, response.reason, Headers((*ours, *theirs))))


async def played(folder: Path, *script: Response) -> tuple[Assessment, list[Request]]:
    """A visit to a server that answers just so; and what it was asked."""
    authority = Authority()
    (folder / "ca.pem").write_text(authority.pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.issue([DOMAIN]).write(folder))
    how = {"transport": "tls", "ca": str(folder / "ca.pem"), "domain": DOMAIN, "user": "bob"}
    async with (
        over_tcp(lambda request, count: [said_to(request, script[count - 1])], tls) as peer,
        probing(peer.port, **how) as probe,
    ):
        return await probe.judged(), peer.asked


def numbers(asked: list[Request]) -> list[int]:
    return [int((request.headers.first("cseq") or "").split()[0]) for request in asked]


async def test_a_new_registration_goes_as_in_2_1_and_is_cancelled_as_in_2_4(tmp_path: Path) -> None:
    challenge, taken = responses("2.01")
    (cancelled,) = responses("2.04")

    assessment, asked = await played(tmp_path, challenge, taken, challenge, cancelled)

    theirs = [message for message in flow("2.01") if isinstance(message, Request)]
    assert states(assessment) == WELL
    assert "for 3600 s" in words(assessment)
    assert {request.method for request in (*asked, *theirs)} == {"REGISTER"}
    assert numbers(asked[:2]) == [numbers(asked)[0], numbers(asked)[0] + 1]
    assert numbers(theirs) == [1, 2]
    for ours, flows in zip(asked[:2], theirs, strict=True):
        named = {name for name, _ in flows.headers.fields}
        assert named <= {name for name, _ in ours.headers.fields}
        assert ours.headers.first("to") == AOR == f"<{address(flows.headers.first('to'), 'To').uri}>"
        assert ("authorization" in named) == (ours.headers.first("authorization") is not None)
        assert ours.uri.startswith("sips:") and "@" not in ours.uri
    proof, flows_proof = (one.headers.first("authorization") or "" for one in (asked[1], theirs[1]))
    for parameter in ("username", "realm", "nonce", "opaque"):
        said = re.search(rf'{parameter}="[^"]*"', flows_proof)
        assert said is not None and said[0] in proof
    assert f'uri="{asked[1].uri}"' in proof


async def test_the_cancellation_differs_from_2_4_in_that_it_names_our_own_contact_alone(tmp_path: Path) -> None:
    challenge, taken = responses("2.01")
    (cancelled,) = responses("2.04")
    (theirs,) = (message for message in flow("2.04") if isinstance(message, Request))

    _, asked = await played(tmp_path, challenge, taken, challenge, cancelled)

    removal = asked[3]
    assert removal.headers.first("expires") == theirs.headers.first("expires") == "0"
    assert theirs.headers.first("contact") == "*"
    assert (
        address(removal.headers.first("contact"), "Contact").uri
        == address(asked[1].headers.first("contact"), "Contact").uri
    )


@pytest.mark.parametrize("number", ["2.02", "2.03"])
async def test_the_list_of_contacts_is_read_as_it_stands_in_2_2_and_2_3(number: str, tmp_path: Path) -> None:
    (listed,) = responses(number)
    (cancelled,) = responses("2.04")

    assessment, _ = await played(tmp_path, listed, cancelled)

    assert [one.uri for one in bindings(listed.headers)] == [CONTACT, "mailto:bob@biloxi.example.com"]
    assert [one.expires for one in bindings(listed.headers)] == [3600, 4294967295]
    assert states(assessment) == {**WELL, "other": State.WARNING}


async def test_an_unsuccessful_registration_ends_as_in_2_5_after_two_requests(tmp_path: Path) -> None:
    first, second = responses("2.05")

    assessment, asked = await played(tmp_path, first, second)

    assert len(asked) == 2
    assert [finding.key for finding in assessment.findings] == ["credential/test-extension"]
    assert "bob" not in words(assessment) and "zanzibar" not in words(assessment)
