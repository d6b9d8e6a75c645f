"""Signatures are those of Standard Webhooks: its published example, and its own library as the judge."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from config.secrets import SecretError, SecretReference
from exporters.webhooks.signing import key_of, signed, webhook_id

REFERENCE = SecretReference("env", "HOOK")
KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def secret_of(key: bytes) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


def test_the_published_example_has_the_published_signature() -> None:
    headers = dict(signed([KEY], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'))

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(min_size=24, max_size=64), st.text(max_size=200), st.sampled_from(["01J:5", "test-01J"]))
def test_the_library_verifies_whatever_is_signed(key: bytes, text: str, id: str) -> None:
    body = text.encode("utf-8", "replace")

    headers = dict(signed([key], id, int(time.time()), body))

    Webhook(secret_of(key)).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(key)).verify(body + b" ", headers, json_parse=False)


@given(st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3))
def test_each_of_several_secrets_verifies(keys: list[bytes]) -> None:
    headers = dict(signed(keys, "01J:5", int(time.time()), b"{}"))

    for key in keys:
        assert Webhook(secret_of(key)).verify(b"{}", headers) == {}


@pytest.mark.parametrize("length", [24, 25, 26, 64])
@pytest.mark.parametrize("padded", [True, False])
def test_a_secret_of_24_to_64_bytes_is_taken_with_and_without_padding(
    monkeypatch: pytest.MonkeyPatch, length: int, padded: bool
) -> None:
    key = bytes(range(length))
    monkeypatch.setenv("HOOK", secret_of(key) if padded else secret_of(key).rstrip("="))

    assert key_of(REFERENCE) == key


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(secret_of(bytes(23)), id="too short"),
        pytest.param(secret_of(bytes(65)), id="too long"),
        pytest.param(secret_of(bytes(32)).removeprefix("whsec_"), id="without its prefix"),
        pytest.param("whsec_hunter2 hunter2 hunter2 hunter2", id="not base64"),
        pytest.param("whsec_hünter2hunter2hunter2hunter2hunter", id="not ASCII"),
        pytest.param("whsec_", id="empty"),
    ],
)
def test_any_other_secret_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HOOK", text)

    with pytest.raises(SecretError) as refused:
        key_of(REFERENCE)

    assert str(refused.value).startswith("env:HOOK: must be whsec_ and 24 to 64 bytes in base64")
    assert (text.removeprefix("whsec_") or "hunter2") not in str(refused.value)


@given(st.text(max_size=100))
def test_an_id_is_fit_for_a_header_and_has_no_full_stop(text: str) -> None:
    found = webhook_id(text)

    assert found.isascii()
    assert found.isprintable()
    assert "." not in found
    assert " " not in found
    assert webhook_id(found) == found
