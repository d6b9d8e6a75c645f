"""A SIP client of our own (RFC 3261): its grammar without I/O, its ways, its transactions, its log-in."""

from checks.transports.sip.authorization import Account, ChallengeFault, Exchange, Login
from checks.transports.sip.client import Answer, transact
from checks.transports.sip.message import Headers, Request, Response, SipSyntaxError
from checks.transports.sip.places import Place, Places
from checks.transports.sip.transport import SipTransport
from checks.transports.sip.wire import Carrier, CertificateFault, Wire

__all__ = [
    "Account", "Answer", "Carrier", "CertificateFault", "ChallengeFault", "Exchange", "Headers", "Login", "Place",
    "Places", "Request", "Response", "SipSyntaxError", "SipTransport", "Wire", "transact",
]  # fmt: skip
