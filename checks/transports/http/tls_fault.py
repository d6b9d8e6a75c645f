"""The faults of TLS: which rule a certificate breaks, as a closed set that checks can judge by."""

from __future__ import annotations

from enum import StrEnum

from checks.contract import Reason
from checks.transports.fault import TransportFault


class TlsProblem(StrEnum):
    """Why there is no trusted connection."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    OTHER_NAME = "other-name"
    SELF_SIGNED = "self-signed"
    UNKNOWN_AUTHORITY = "unknown-authority"
    INTERMEDIATE_MISSING = "intermediate-missing"
    PIN = "pin"
    WEAK = "weak"
    CLIENT_CERTIFICATE = "client-certificate"
    """The server wants a certificate from us, or does not take the one it got."""
    OLD = "old"
    """No version of TLS or no cipher in common: as a rule a device too old for TLS 1.2."""
    NOT_TLS = "not-tls"
    OTHER = "other"


class TlsFault(TransportFault):
    """TLS was refused by us or by the peer. `certificate` is what the peer showed, in DER, if anything was seen."""

    def __init__(self, problem: TlsProblem, message: str, certificate: bytes | None = None) -> None:
        super().__init__(Reason.PROTOCOL, message)
        self.problem = problem
        self.certificate = certificate
        self.port = 0
        """Where it was shown, which a redirect can have chosen; 0 when it is not known."""
