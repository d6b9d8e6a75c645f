"""Approved host keys, as the estate writes them: `ssh-ed25519 SHA256:…`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.ssh.model import HostKey

ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""Kind of key to the algorithms with which it signs (RFC 8332 for RSA: never with SHA-1)."""
_PIN = re.compile(rf"({'|'.join(ALGORITHMS)}) (SHA256:[A-Za-z0-9+/]{{43}})")


def kinds(target: str, pins: Sequence[str]) -> tuple[str, ...]:
    """The kinds of key that are approved. Raises TransportFault, LOCAL: without an approved key nothing is asked."""
    if not pins:
        raise TransportFault(
            Reason.LOCAL,
            f"{target}: no host key of it is approved, so nothing was sent to it; run"
            f" `ridgeway hostkeys scan {target}`, compare what it shows with the device's own console, and put it under"
            " the target's `host_keys`",
        )
    found = []
    for pin in pins:
        match = _PIN.fullmatch(pin)
        if match is None:
            raise TransportFault(
                Reason.LOCAL, f"{target}: {pin[:80]!r} is not a host key; it looks like `ssh-ed25519 SHA256:…`"
            )
        found.append(match[1])
    return tuple(kind for kind in ALGORITHMS if kind in found)


def changed(target: str, shown: HostKey, pins: Sequence[str]) -> str:
    """The sentence about a key that was not approved."""
    of_kind = [pin.partition(" ")[2] for pin in pins if pin.startswith(f"{shown.kind} ")]
    return (
        f"{target}: the host key changed: {shown.fingerprint} is shown ({shown.kind}), {' or '.join(of_kind)} was"
        " approved; either the device was replaced or somebody stands between. Nothing was sent to it. Compare with the"
        f" device's own console, then approve the new key: ridgeway hostkeys scan {target}"
    )


def gone(target: str, offered: Sequence[str], pins: Sequence[str]) -> str:
    """The sentence about a device that no longer has a key of an approved kind."""
    return (
        f"{target}: the host key changed: it offers only {', '.join(offered[:6]) or 'none'}, {' or '.join(pins[:3])}"
        " was approved; either the device was replaced or somebody stands between. Nothing was sent to it. Compare with"
        f" the device's own console, then approve the new key: ridgeway hostkeys scan {target}"
    )
