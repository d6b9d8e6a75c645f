"""What can go wrong over SSH beyond the plain reasons, each with its own condition."""

from __future__ import annotations

from checks.contract import Fault, Reason, State
from checks.transports.fault import TransportFault
from checks.transports.lockout import credential_fault
from config.estate import Credential

HOST_KEY = "ssh/host-key"
ONLY_SHA1 = "ssh/only-sha1"


class HostKeyChanged(TransportFault):
    """The device showed a host key that nobody approved. Nothing was sent to it: no user name, no password."""


class OnlySha1(TransportFault):
    """The device offers nothing newer than SHA-1 in its key exchange, its host key or its message signatures."""


class NoSuchPath(TransportFault):
    """The file or directory does not exist on the device."""


class NotOpened(TransportFault):
    """No channel could be opened: whatever was wanted has not been done, and may be asked once more."""


def ssh_fault(error: TransportFault, kind: str, credential: Credential) -> Fault:
    """The fault of a check of `kind`: filed under the host key, SHA-1, the credential, or the kind's own reason."""
    if isinstance(error, HostKeyChanged):
        return Fault(error.reason, error.message, HOST_KEY, State.CRITICAL)
    if isinstance(error, OnlySha1):
        return Fault(error.reason, error.message, ONLY_SHA1)
    if error.reason in (Reason.AUTHENTICATION, Reason.WITHHELD):
        return credential_fault(error, credential)
    return Fault(error.reason, error.message, f"{kind}/{error.reason.value}")
