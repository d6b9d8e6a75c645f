"""The far end of a call on paper: what a test has it answer to an INVITE, without sockets and clocks."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.transports.sip.authorization import Account
from checks.transports.sip.calling import Calling
from checks.transports.sip.invitation import Invitation
from checks.transports.sip.message import Headers, Request, Response, parsed
from checks.transports.sip.wire import Carrier
from config.secrets import Secret

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
_REPEATED = ("via", "from", "to", "call-id", "cseq")


def invitation(number: str = "5600", login: bool = False) -> Invitation:
    return Invitation(
        number, "pbx.example", "7001", "pbx.example", b"v=0\r\n", Account("7001", Secret("s3cret")) if login else None
    )


@dataclass(slots=True)
class FarEnd:
    """`call` is asked for what it sends, and told answers; `seen` has every request in order."""

    call: Calling
    now: float = 0.0
    seen: list[Request] = field(default_factory=list)
    answered: list[Response] = field(default_factory=list)
    """Responses of ours to its own requests."""

    @classmethod
    def called(cls, carrier: Carrier = Carrier.UDP, login: bool = False) -> FarEnd:
        end = cls(Calling(invitation(login=login), "192.0.2.1:5062", carrier, 0.0))
        end.look()
        return end

    def look(self) -> list[Request]:
        """The requests that have come since the last look."""
        came = [parsed(octets) for octets in self.call.sends()]
        new = [one for one in came if isinstance(one, Request)]
        self.answered += [one for one in came if isinstance(one, Response)]
        self.seen += new
        return new

    def methods(self) -> list[str]:
        return [one.method for one in self.seen]

    def last(self, method: str) -> Request:
        return next(one for one in reversed(self.seen) if one.method == method)

    def say(
        self, status: int, tag: str = "far", *more: tuple[str, str], to: Request | None = None, body: bytes = b""
    ) -> list[Request]:
        """Answer a request, the last INVITE unless said; gives what comes of it."""
        request = to or self.last("INVITE")
        fields = [
            (name, f"{value};tag={tag}" if name == "to" and tag and "tag=" not in value else value)
            for name, value in request.headers.fields
            if name in _REPEATED
        ]
        if not any(name == "contact" for name, _ in more):
            fields.append(("contact", "<sip:5600@192.0.2.9:5060>"))
        self.call.receive(Response(status, "So", Headers((*fields, *more)), body), self.now)
        return self.look()

    def ask(self, method: str, tag: str = "far", number: int = 1) -> list[Response]:
        """A request of its own in the dialog of `tag`; gives our answers."""
        invite = self.last("INVITE").headers
        headers = Headers(
            (
                ("via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKfar1"),
                ("from", f"{invite.first('to')};tag={tag}" if tag else f"{invite.first('to')}"),
                ("to", f"{invite.first('from')}"),
                ("call-id", f"{invite.first('call-id')}"),
                ("cseq", f"{number} {method}"),
            )
        )
        before = len(self.answered)
        self.call.receive(Request(method, "sip:7001@192.0.2.1:5062", headers), self.now)
        self.look()
        return self.answered[before:]

    def wait(self, seconds: float) -> list[Request]:
        """Time goes by; every timer that is due is heard."""
        end, new = self.now + seconds, []
        while (wake := self.call.wake(self.now)) <= end:
            self.now = max(self.now, wake)
            self.call.tick(self.now)
            new += self.look()
        self.now = end
        self.call.tick(end)
        return new + self.look()

    def hang_up(self) -> list[Request]:
        self.call.hang_up(self.now)
        return self.look()

    def tags(self, method: str) -> list[str]:
        """The tags to which it was sent, in order."""
        return [(one.headers.first("to") or "").partition("tag=")[2] for one in self.seen if one.method == method]
