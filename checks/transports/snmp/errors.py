"""Why an SNMP question got no usable answer. One small family; each says whether asking again can help."""

from __future__ import annotations

from typing import ClassVar

from checks.contract import Fault, Reason

_LONGEST_MESSAGE = 500


class SnmpError(Exception):
    """A question that failed. The message says what, where and how to mend it, and never holds a secret."""

    reason: ClassVar[Reason] = Reason.INTERNAL
    again: ClassVar[bool] = False
    """Whether the same question may succeed if it is asked once more in this poll."""

    def fault(self) -> Fault:
        """The same as the contract's `Fault`, with the finding key `snmp/<reason>`."""
        return Fault(self.reason, str(self)[:_LONGEST_MESSAGE], condition=f"snmp/{self.reason.value}")


class NoAnswer(SnmpError):
    """Nothing came back in time."""

    reason = Reason.NO_ANSWER
    again = True


class Refused(SnmpError):
    """ICMP says that nothing listens on the port: the host lives, its agent does not."""

    reason = Reason.REFUSED
    again = True


class Unreachable(SnmpError):
    """The network says that there is no way to the address."""

    reason = Reason.UNREACHABLE
    again = True


class UnknownName(SnmpError):
    """The host name does not resolve."""

    reason = Reason.NAME


class NotAuthenticated(SnmpError):
    """SNMPv3: the device rejects the user or a password, or its reply does not carry a valid signature."""

    reason = Reason.AUTHENTICATION


class OutOfStep(NotAuthenticated):
    """SNMPv3: the device's engine restarted or our note of its clock is old; the session has just learnt better."""

    again = True


class HandshakeOnly(NotAuthenticated):
    """SNMPv3: the device greets us and then keeps silent."""

    again = True


class Malformed(SnmpError):
    """What came back is not a reply to our question."""

    reason = Reason.PROTOCOL
    again = True


class Oversized(Malformed):
    """The reply is larger than we take in; a smaller question may do. Also what `tooBig` says from the other side."""


class Capped(SnmpError):
    """A walk went on for longer than it may, or in a circle."""

    reason = Reason.LIMIT


class OutOfResources(SnmpError):
    """Our own fault: no descriptor, no buffer, a secret that cannot be read, settings that cannot be used."""

    reason = Reason.LOCAL
