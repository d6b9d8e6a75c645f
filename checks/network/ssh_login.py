"""What the checks that log in over SSH share: the device to ask, and the conditions that a login ends."""

from __future__ import annotations

from checks.contract import Subject, Target
from checks.transports.lockout import CONDITION
from checks.transports.ssh import HOST_KEY, ONLY_SHA1, SshDevice

ROLE = "ssh"
LOGIN_KEYS = {
    HOST_KEY: "The device shows a host key that nobody approved: find out why before anything else.",
    ONLY_SHA1: "The device offers only SHA-1: plan its update or replacement.",
    f"{CONDITION}<name>": "The device does not take the credential: mend it, then say so with credentials retry.",
}
"""Findings of the way in, whatever is then asked, and what to do about each."""


def device_of(target: Target, port: int) -> SshDevice:
    """The target as the transport asks it; the catalogue has seen to it that there is a credential."""
    return SshDevice(target.name, target.address, target.credentials[ROLE], target.host_keys, port)


def over_after_login(subject: Subject) -> frozenset[str]:
    """The conditions that cannot be there any more when something was read: host key, SHA-1, and the credential's."""
    held = (target.credentials.get(ROLE) for target in subject.targets)
    return frozenset({HOST_KEY, ONLY_SHA1, *(f"{CONDITION}{one.name}" for one in held if one is not None)})
