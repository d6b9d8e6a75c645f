"""One question in one thread: connect, handshake, send, read, follow; every wait ended by the tether."""

from __future__ import annotations

import datetime
import http.client
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError as Urllib3Error

from checks.contract import Reason
from checks.printable import printable
from checks.transports.fault import TransportFault
from checks.transports.http import body
from checks.transports.http.adapter import OpenLine, WireAdapter
from checks.transports.http.question import HttpReply, Phases, TlsFacts
from checks.transports.http.tls_fault import TlsFault, TlsProblem
from checks.transports.http.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import HTTPResponse

    from checks.transports.aside import Tether
    from checks.transports.http.access import Access
    from checks.transports.http.question import HttpQuestion
    from checks.transports.http.trust import TrustStore
    from checks.transports.http.url import Url
    from checks.transports.names import Address

_REDIRECTS = (301, 302, 303, 307, 308)
_REASON_SHOWN = 100
_VALUE_SHOWN = 8192


class Exchange:
    """A question on its way. Made for one call of `Aside.ask`, whose tether it gets."""

    def __init__(
        self,
        question: HttpQuestion,
        address: Address,
        access: Access,
        trust: TrustStore,
        now: Callable[[], float],
        tether: Tether,
    ) -> None:
        self._question = replace(question, headers=(*question.headers, *access.headers))
        self._address = address
        self._access = access
        self._trust = trust
        self._now = now
        self._tether = tether

    def reply(self) -> HttpReply:
        """The answer, redirects followed where asked. Raises TransportFault and TlsFault, nothing else."""
        question, url, seconds = self._question, self._question.url, Phases()
        for hop in range(question.limits.redirects + 1):
            got = self._once(url)
            seconds += got.seconds
            onward = None
            if question.follow and question.post is None and got.status in _REDIRECTS:
                onward = url.onward(got.headers.get("location", ""))
            if onward is None:
                return replace(got, seconds=seconds, redirects=hop)
            url = onward
        raise TransportFault(
            Reason.PROTOCOL,
            f"{question.url.shown}: sends on and on, {question.limits.redirects} redirects were followed",
        )

    def _once(self, url: Url) -> HttpReply:
        with Wire(self._tether) as wire:
            connect = wire.connect(self._address, url.port)
            begun = time.monotonic()
            tls = self._trusted(wire, url) if url.scheme == "https" else None
            sent = time.monotonic()
            line = OpenLine(wire, self._question, url)
            try:
                with WireAdapter(line, url).answer() as answer:
                    found = self._read(answer, url)
            except TransportFault as fault:
                if wire.cut:
                    raise self._late(url) from fault
                raise
            except ssl.SSLError as error:
                raise self._late(url) if wire.cut else self._broken(error, url) from error
            except (requests.RequestException, Urllib3Error, http.client.HTTPException, OSError, ValueError) as error:
                raise self._late(url) if wire.cut else self._unfit(error, url) from error
            if wire.cut:  # the end of the data was ours
                raise self._late(url)
            ended = time.monotonic()
            first = line.meter.first or ended
            seconds = Phases(0.0, connect, sent - begun if tls else 0.0, first - sent, ended - first)
            return replace(found, seconds=seconds, tls=tls)

    def _trusted(self, wire: Wire, url: Url) -> TlsFacts:
        try:
            return self._encrypted(wire, url)
        except TlsFault as fault:
            fault.port = url.port
            raise

    def _encrypted(self, wire: Wire, url: Url) -> TlsFacts:
        question, host = self._question, url.host.partition("%")[0]
        context = self._trust.context(question.ca, bool(question.pins), self._access.client)
        try:
            opened = wire.encrypt(context, host)
        except ssl.SSLCertVerificationError as error:
            raise self._late(url) if wire.cut else self._refused(error, url, host) from error
        except ssl.SSLError as error:
            raise self._late(url) if wire.cut else self._broken(error, url) from error
        except OSError as error:
            raise (
                self._late(url)
                if wire.cut
                else TlsFault(TlsProblem.NOT_TLS, f"{_where(url)}: hangs up in the middle of the TLS handshake")
            ) from error
        certificate = opened.getpeercert(binary_form=True) or b""
        if question.pins:
            self._compare(certificate, url)
        cipher = opened.cipher()
        return TlsFacts(opened.version() or "", cipher[0] if cipher else "", certificate)

    def _compare(self, certificate: bytes, url: Url) -> None:
        """The pin, before anything is sent: a credential is not for a stranger."""
        from checks.transports.http.diagnosis import pin_of

        try:
            pin = pin_of(certificate)
        except ValueError as error:
            raise TlsFault(TlsProblem.PIN, f"{_where(url)}: its certificate cannot be read", certificate) from error
        if pin not in self._question.pins:
            raise TlsFault(
                TlsProblem.PIN,
                f"{_where(url)}: the certificate's key is {pin}, which is not pinned; find out whether it was renewed "
                "or somebody stands in between, before you change `pin`",
                certificate,
            )

    def _refused(self, error: ssl.SSLCertVerificationError, url: Url, host: str) -> TransportFault:
        """Look at what was shown, to say exactly what is wrong with it."""
        from checks.transports.http import diagnosis

        refused = diagnosis.Refused(
            _where(url), error.verify_code, error.verify_message, host, self._question.ca is not None
        )
        chain = []
        with Wire(self._tether) as wire:
            try:
                wire.connect(self._address, url.port)
                chain = diagnosis.presented(wire.opened, host)
            except (TransportFault, ValueError):
                pass  # then it is said without names and dates
        now = datetime.datetime.fromtimestamp(self._now(), datetime.UTC)
        try:
            return diagnosis.diagnosed(refused, chain, now)
        except ValueError:  # what it shows cannot be read as a certificate
            return diagnosis.diagnosed(refused, [], now)

    def _broken(self, error: ssl.SSLError, url: Url) -> TransportFault:
        from checks.transports.http.diagnosis import broken

        fault = broken(error, _where(url))
        if fault.problem is TlsProblem.CLIENT_CERTIFICATE and self._access.client is not None:
            return TransportFault(Reason.AUTHENTICATION, fault.message)
        return fault

    def _read(self, answer: HTTPResponse, url: Url) -> HttpReply:
        limits = self._question.limits
        headers: dict[str, str] = {}
        for name, value in answer.headers.items():
            key, said = printable(name.lower(), 200), printable(value, _VALUE_SHOWN)
            headers[key] = f"{headers[key]}, {said}" if key in headers else said
        if len(answer.headers) > limits.headers:
            raise TransportFault(Reason.LIMIT, f"{_where(url)}: sends more than {limits.headers} headers")
        content, truncated = body.read(answer, headers.get("content-encoding", ""), limits.body, _where(url))
        return HttpReply(
            answer.status, printable(answer.reason or "", _REASON_SHOWN), headers, content, truncated, Phases(),
            self._address.ip, url,
        )  # fmt: skip

    def _late(self, url: Url) -> TransportFault:
        """Not NO_ANSWER: the target did accept the connection."""
        return TransportFault(
            Reason.LIMIT, f"{_where(url)}: accepted the connection, but no whole answer came within the time"
        )

    def _unfit(self, error: Exception, url: Url) -> TransportFault:
        """What came is no answer of HTTP; the peer's own words are not repeated."""
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, TransportFault):
                return cause
            if isinstance(cause, ssl.SSLError):
                return self._broken(cause, url)
        if any(type(cause) is http.client.HTTPException for cause in causes):  # the parser's only word for it
            return TransportFault(Reason.LIMIT, f"{_where(url)}: sends more than 100 headers; that is no page")
        for kind, reason, words in _WORDS:
            if any(isinstance(cause, kind) for cause in causes):
                return TransportFault(reason, f"{_where(url)}: {words}")
        return TransportFault(
            Reason.PROTOCOL, f"{_where(url)}: what comes back is not HTTP ({type(causes[-1]).__name__})"
        )


_WORDS: tuple[tuple[type[BaseException], Reason, str], ...] = (
    (http.client.LineTooLong, Reason.LIMIT, "a line of its answer is longer than 65536 octets; that is no page"),
    (http.client.RemoteDisconnected, Reason.PROTOCOL, "hangs up without an answer"),
    (http.client.BadStatusLine, Reason.PROTOCOL, "what answers there does not speak HTTP"),
    (http.client.IncompleteRead, Reason.PROTOCOL, "the answer ends before all that was announced has come"),
    (ConnectionError, Reason.PROTOCOL, "breaks the connection off in the middle"),
)


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and all that are wrapped in it, outermost first."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo and len(found) < 20:
        one = todo.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def _where(url: Url) -> str:
    return f"{url.scheme}://{url.authority}"
