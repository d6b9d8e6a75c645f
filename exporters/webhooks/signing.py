"""Signatures as Standard Webhooks 1.0 has them: HMAC-SHA-256 over id, time and body, one for each secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable

from config.secrets import SecretError, SecretReference

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""Octets of a key."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_:-]")


def key_of(reference: SecretReference) -> bytes:
    """The key of a secret, `whsec_` and 24 to 64 octets in base64. Raises SecretError, which never shows it."""
    text = reference.resolve().reveal()
    encoded = text.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if encoded == text or not _LEAST <= len(key) <= _MOST:
        raise SecretError(
            f"{reference}: must be {_PREFIX} and {_LEAST} to {_MOST} bytes in base64; "
            f'one is made by: printf "{_PREFIX}%s\\n" "$(openssl rand -base64 32)"'
        )
    return key


def webhook_id(event: str) -> str:
    """An event's id as a header may carry it. It has no full stop, since those part what is signed."""
    return _UNSAFE.sub("_", event)


def signed(keys: Iterable[bytes], id: str, timestamp: int, body: bytes) -> tuple[tuple[str, str], ...]:
    """The headers that make a request a webhook. `timestamp` is that of this attempt, Unix seconds."""
    content = f"{id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys)
    return (
        ("webhook-id", id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(f"v1,{signature}" for signature in signatures)),
    )
