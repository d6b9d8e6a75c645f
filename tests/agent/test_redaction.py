"""Secrets masked in every spelling, control characters gone."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.redaction import Redactor, plain, references
from config.estate import Credential
from config.secrets import MASK, Secret, SecretReference

AWKWARD = 'pä"ss\\w&rd<1>/\n'


def knowing(*texts: str) -> Redactor:
    redactor = Redactor()
    redactor.learn(Secret(text) for text in texts)
    return redactor


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(AWKWARD, id="as it is"),
        pytest.param(repr(AWKWARD)[1:-1], id="as Python writes it"),
        pytest.param(json.dumps(AWKWARD)[1:-1], id="as JSON writes it"),
        pytest.param(quote(AWKWARD, safe=""), id="in a URL"),
        pytest.param(base64.b64encode(AWKWARD.encode()).decode(), id="in base64"),
        pytest.param(AWKWARD.encode().hex(), id="in hexadecimal"),
        pytest.param(plain(AWKWARD), id="after control characters were removed"),
    ],
)
def test_a_secret_is_masked_however_it_is_spelt(spelt: str) -> None:
    assert knowing(AWKWARD)(f"before {spelt} after") == f"before {MASK} after"


def test_each_line_of_a_key_file_is_secret() -> None:
    redact = knowing("-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----")

    assert "MIIE" not in redact("parse error near MIIEvQIBADANBgkq")


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert knowing("public", "public-write")("c=public-write") == f"c={MASK}"


def test_a_very_short_secret_is_masked_as_a_word_and_leaves_other_words_readable() -> None:
    assert knowing("ab")("ab able ab.") == f"{MASK} able {MASK}."


def test_a_secret_that_changed_stays_masked_in_its_old_form() -> None:
    redactor = knowing("old-secret")

    redactor.learn([Secret("new-secret")])

    assert redactor("old-secret new-secret") == f"{MASK} {MASK}"


def test_every_reference_inside_an_estate_is_found_and_resolved(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cr3t-token\n")
    token.chmod(0o600)
    there = SecretReference.parse(f"file:{token}")
    missing = SecretReference.parse(f"file:{tmp_path}/missing")
    credential = Credential("c", "snmp", {"community": there, "user": "me", "privacy": missing})
    redactor = Redactor()

    redactor.learn_estate({"targets": (credential, [credential])})

    assert set(references(credential)) == {there, missing}
    assert redactor("t=s3cr3t-token") == f"t={MASK}"


@given(secret=st.text(min_size=4, max_size=30).filter(lambda text: text.strip()), around=st.text(max_size=30))
def test_no_text_keeps_a_secret(secret: str, around: str) -> None:
    assert secret not in knowing(secret)(f"{around}{secret}{around}").replace(MASK, "") or secret in around


@given(st.text(alphabet=st.characters(), max_size=80))
def test_plain_text_is_one_printable_line(text: str) -> None:
    cleaned = plain(text)

    assert len(cleaned.splitlines() or [""]) == 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in cleaned)
    cleaned.encode()
