"""Digest: the vectors of the standards, and challenges that must not be answered."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.sip.digest import NoSuchDigest, answer
from checks.transports.sip.fields import Challenge, challenges
from checks.transports.sip.message import Headers

REALM, NONCE = "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=30)


def challenge(**parameters: str) -> Challenge:
    return Challenge("digest", {"realm": REALM, "nonce": NONCE, "qop": "auth, auth-int", **parameters})


def proof(*asked: Challenge) -> str:
    return answer(asked, "Mufasa", "Circle of Life", "GET", "/dir/index.html", CNONCE)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    said = proof(challenge(algorithm=algorithm))

    assert f'response="{response}"' in said
    assert "nc=00000001" in said and "qop=auth," in said


def test_the_stronger_challenge_is_answered_whatever_their_order() -> None:
    weak, strong = challenge(algorithm="MD5"), challenge(algorithm="sha-256")

    assert "algorithm=sha-256" in proof(weak, strong)
    assert "algorithm=sha-256" in proof(strong, weak)


@pytest.mark.parametrize(
    "asked",
    [
        (),
        (challenge(algorithm="SHA-512-256"),),
        (challenge(algorithm="MD5-sess"),),
        (challenge(qop="auth-int"),),
        (challenge(nonce=""),),
        (challenge(nonce="n" * 2000),),
        (challenge(realm="a\nInjected: yes"),),
        (challenge(opaque="\x00"),),
        (Challenge("basic", {"realm": "a"}),),
    ],
)
def test_a_challenge_that_cannot_be_answered_is_refused_with_a_reason(asked: tuple[Challenge, ...]) -> None:
    with pytest.raises(NoSuchDigest) as caught:
        proof(*asked)

    assert str(caught.value).isprintable()
    assert "Circle" not in str(caught.value)


@given(TEXT, TEXT, TEXT.filter(bool), TEXT, TEXT, st.booleans())
def test_what_is_answered_is_read_again_and_has_the_value_of_the_formula(
    user: str, realm: str, nonce: str, opaque: str, password: str, protected: bool
) -> None:
    asked = {"realm": realm, "nonce": nonce, "opaque": opaque} | ({"qop": "auth"} if protected else {})

    said = answer([Challenge("digest", asked)], user, password, "REGISTER", "sip:a", "c")

    (read,) = challenges(Headers((("authorization", said),)), "authorization")
    secret = hashlib.md5(f"{user}:{realm}:{password}".encode()).hexdigest()
    what = hashlib.md5(b"REGISTER:sip:a").hexdigest()
    between = f"{nonce}:00000001:c:auth" if protected else nonce
    assert read.parameters["response"] == hashlib.md5(f"{secret}:{between}:{what}".encode()).hexdigest()
    assert (read.parameters["username"], read.parameters["realm"]) == (user, realm)
    assert (read.parameters["nonce"], read.parameters["opaque"]) == (nonce, opaque)
