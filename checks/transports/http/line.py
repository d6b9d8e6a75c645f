"""One reading of a device's API: whom it asks, until when, at what cost. Every question has its own connection."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.printable import printable
from checks.transports.fault import TransportFault
from checks.transports.http.question import HttpQuestion, HttpReply, Limits
from checks.transports.http.status import refusal
from checks.transports.http.url import Url

if TYPE_CHECKING:
    from checks.transports.http.transport import HttpTransport
    from config.estate import Credential

SLOWEST = 8.0
"""Seconds after which a question is given up: the device is at its end, and the rest is left for another time. A
device that hangs when we log in must leave time for the way that waits for its turn."""
LARGEST = 2 * 1024 * 1024
"""Octets of an answer, unless a question says otherwise."""
_LIMITS = Limits(body=LARGEST)
_MOMENT = 0.05


@dataclass(slots=True)
class Line:
    """A way to one device. Redirects are never followed, and nothing is kept from one question to the next."""

    http: HttpTransport
    target: str
    address: str
    port: int
    credential: Credential
    deadline: float
    """Loop time."""
    ca: str | None = None
    pins: tuple[str, ...] = ()
    host: str | None = None
    """The name that the device's certificate has, where it is not its address."""
    questions: int = 0
    octets: int = 0
    seconds: float = 0.0
    """Spent waiting for the device; the time for a turn is not counted."""
    certificate: bytes = b""
    """What the device showed last, in DER."""
    secrets: list[str] = field(default_factory=list, repr=False)
    """What this reading was given by the device, and must not be seen again: session identifiers."""

    def question(self, path: str) -> HttpQuestion:
        """A GET of a path, without any log-in."""
        return HttpQuestion(
            target=self.target,
            address=self.address,
            url=Url.read(f"https://:{self.port}{path}", self.host or self.address),
            ca=self.ca,
            pins=self.pins,
            limits=_LIMITS,
        )

    async def send(self, question: HttpQuestion, until: float | None = None) -> HttpReply:
        """The answer, whatever its status, until `until`, or while one question may take. Raises TransportFault."""
        begun = time.monotonic()
        self.questions += 1
        if until is None:
            until = min(self.deadline, asyncio.get_running_loop().time() + SLOWEST)
        try:
            reply = await self.http.ask(question, deadline=until)
        finally:
            self.seconds += time.monotonic() - begun
        self.octets += len(reply.body)
        if reply.tls is not None:
            self.certificate = reply.tls.certificate
        return reply

    async def send_last(self, question: HttpQuestion, until: float) -> HttpReply:
        """The same for a log-out, which must not fail because a call that was just cut takes a moment to end."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await self.send(question, until)
            except TransportFault as fault:
                if fault.reason is not Reason.HANGING or loop.time() + _MOMENT >= until:
                    raise
            await asyncio.sleep(_MOMENT)

    def refused(self, reply: HttpReply, words: str = "") -> TransportFault:
        """The fault of a log-in that brought no session; `words` are the device's own."""
        said = f": {printable(words, 80)}" if words else ""
        fault = refusal(reply)
        if fault is not None:
            return TransportFault(fault.reason, f"{fault.message}{said}")
        return TransportFault(Reason.PROTOCOL, f"{reply.url.shown} answers the log-in with no session{said}")

    def unfit(self, kind: str) -> TransportFault:
        """The fault of a credential of another kind than this log-in takes."""
        return TransportFault(
            Reason.LOCAL,
            f"the credential {self.credential.name} is of kind {self.credential.kind}; {self.target} takes a {kind}",
        )
