"""The socket that the driver talks through: TLS inside PRELOGIN, proved before a password is sent. Blocks.

python-tds does TLS itself only with a file of authorities, knows no pins, strips letters from the names in a
certificate, and without such a file sends the password in clear. So it is told that there is no TLS, and this makes
it: the driver's PRELOGIN goes out asking for encryption, the handshake follows in packets of that type, and the driver
sees an answer without. Source: MS-TDS 2.2.6.5 (PRELOGIN), 3.2.5.2.
"""

from __future__ import annotations

import socket
import ssl
import sys
from dataclasses import dataclass

from checks.contract import Reason
from checks.printable import printable
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.http.trust import TrustStore

MOST = 64 * 1024 * 1024
"""Octets that a server may say in one reading."""
QUIET = 30.0
"""Seconds for which a server may say nothing."""
_PRELOGIN, _REPLY = 0x12, 0x04
_ENCRYPTION, _TERMINATOR = 0x01, 0xFF
_ON, _NOT_SUPPORTED, _REQUIRED = 0x01, 0x02, 0x03
_HEADER = 8
_SMALLEST = 4096
"""Octets of the packets that the driver asks for."""
_PIECE = 16_384


@dataclass(frozen=True, slots=True)
class Trusted:
    """By what the server is known."""

    host: str
    """The name or address that its certificate must have."""
    ca: str | None = None
    pins: tuple[str, ...] = ()

    def context(self) -> ssl.SSLContext:
        """Raises TransportFault with LOCAL when `ca` cannot be used."""
        made = TrustStore().context(self.ca, bool(self.pins))
        made.maximum_version = ssl.TLSVersion.TLSv1_2  # before TDS 8.0 there is no other inside PRELOGIN
        return made


@dataclass(slots=True)
class _Frames:
    """Whether all packets but the last of a message are full.

    TDS allows shorter ones, SQL Server sends none, and python-tds would read on in what an earlier one left behind.
    """

    head: bytes = b""
    left: int = 0
    """Octets of the packet that are still to come."""
    full: int = 0

    def whole(self, piece: bytes) -> bool:
        """Go on with what came; False for a packet that is short."""
        while piece:
            if self.left:
                taken = min(self.left, len(piece))
                self.left, piece = self.left - taken, piece[taken:]
                continue
            missing = _HEADER - len(self.head)
            self.head, piece = self.head + piece[:missing], piece[missing:]
            if len(self.head) == _HEADER:
                last, size = self.head[1] & 1, int.from_bytes(self.head[2:4], "big")
                self.head, self.left = b"", max(0, size - _HEADER)
                if not last and (size < _SMALLEST or size != (self.full or size)):
                    return False
                self.full = self.full if last else size
        return True


class Channel:
    """What python-tds takes for a socket. Every failure is a TransportFault, which the driver hands on as it is."""

    def __init__(self, raw: socket.socket, trusted: Trusted, tether: Tether, place: str) -> None:
        self.place = place
        self.logging_in = True
        self._raw, self._trusted, self._tether = raw, trusted, tether
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session: ssl.SSLObject | None = None
        self._for_driver = b""
        self._frames = _Frames()
        self._said = 0

    def sendall(self, octets: bytes | bytearray, flags: int = 0) -> None:  # noqa: ARG002 - the driver's signature
        if self._session is None:
            self._begin(bytes(octets))
            return
        self._session.write(octets)
        self._flush()

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        piece = self.recv(size or len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def recv(self, most: int) -> bytes:
        """At least one octet."""
        if self._for_driver:
            piece, self._for_driver = self._for_driver[:most], self._for_driver[most:]
            return piece
        if self._session is None:
            raise self._strange("it speaks before it is spoken to")
        while True:
            try:
                piece = self._session.read(most)
            except ssl.SSLWantReadError:
                self._came.write(self._take())
                continue
            except ssl.SSLError as error:
                raise self._strange(f"its TLS breaks ({error.reason})") from error
            if not piece:
                raise self._hung_up()
            if not self._frames.whole(piece):
                raise self._strange("it sends packets that are not full, which are not read")
            return piece

    def settimeout(self, seconds: float | None) -> None:
        """The driver's own time-outs are not used: the tether's deadline holds, and QUIET."""

    def gettimeout(self) -> float | None:
        return None

    def setsockopt(self, *what: int) -> None:
        self._raw.setsockopt(*what)

    def close(self) -> None:
        """Close the socket.

        The driver closes without an error, before the log-in is done, only in order to follow a server that sends it
        elsewhere: by a socket of its own, without TLS. That is stopped here.
        """
        self._raw.close()
        if self.logging_in and sys.exception() is None:
            raise self._strange("it sends its clients on to another server; name that one as the target")

    def _begin(self, prelogin: bytes) -> None:
        """Send the driver's PRELOGIN and shake hands; its answer is kept for the driver."""
        if prelogin[:1] != bytes([_PRELOGIN]):
            raise self._strange("the driver does not begin with PRELOGIN")
        self._send(_with_encryption(prelogin, _ON)[0])
        answer = self._packet(_REPLY)
        for_driver, wanted = _with_encryption(answer, _NOT_SUPPORTED)
        if wanted not in (_ON, _REQUIRED):
            raise self._strange("it offers no encryption; give it a certificate, and let it take TLS 1.2")
        session = self._trusted.context().wrap_bio(self._came, self._goes, server_hostname=self._trusted.host)
        self._shake(session)
        self._session, self._for_driver = session, for_driver

    def _shake(self, session: ssl.SSLObject) -> None:
        while True:
            try:
                session.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLCertVerificationError as error:
                raise self._strange(f"its certificate is not trusted: {printable(error.verify_message)[:100]}; "
                                    "set `ca`, `host` or `pin`") from error  # fmt: skip
            except ssl.SSLError as error:
                raise self._strange(f"the TLS handshake fails ({error.reason}); does it take TLS 1.2?") from error
            flight = self._goes.read()
            for at in range(0, len(flight), _PIECE):
                piece = flight[at : at + _PIECE]
                size = (_HEADER + len(piece)).to_bytes(2, "big")
                last = at + _PIECE >= len(flight)
                self._send(bytes([_PRELOGIN, int(last)]) + size + bytes(4) + piece)
            if done:
                break
            self._came.write(self._packet(_PRELOGIN, _REPLY)[_HEADER:])
        if self._trusted.pins:
            self._compare(session.getpeercert(binary_form=True) or b"")

    def _compare(self, certificate: bytes) -> None:
        from checks.transports.http.diagnosis import pin_of

        try:
            pin = pin_of(certificate)
        except ValueError as error:
            raise self._strange("its certificate cannot be read") from error
        if pin not in self._trusted.pins:
            raise self._strange(f"the certificate's key is {pin}, which is not pinned; find out whether it was renewed")

    def _packet(self, *kinds: int) -> bytes:
        head = self._exactly(_HEADER)
        size = int.from_bytes(head[2:4], "big")
        if head[0] not in kinds or size < _HEADER:
            raise self._strange("it does not answer as SQL Server does")
        return head + self._exactly(size - _HEADER)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            found += self._take(count - len(found))
        return found

    def _take(self, most: int = _PIECE) -> bytes:
        try:
            self._raw.settimeout(min(QUIET, self._tether.left))
            piece = self._raw.recv(most)
        except OSError as error:
            raise self._broken(error) from error
        if not piece:
            raise self._hung_up()
        self._said += len(piece)
        if self._said > MOST:
            raise TransportFault(Reason.LIMIT, f"{self.place}: says more than {MOST // 1024**2} MiB")
        return piece

    def _flush(self) -> None:
        self._send(self._goes.read())

    def _send(self, octets: bytes) -> None:
        try:
            self._raw.settimeout(min(QUIET, self._tether.left))
            self._raw.sendall(octets)
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> TransportFault:
        if not isinstance(error, TimeoutError):
            return self._hung_up()
        late = self._tether.left < QUIET
        words = "did not answer in time" if late else f"says nothing for {QUIET:.0f} s"
        return TransportFault(Reason.NO_ANSWER, f"{self.place}: {words}")

    def _hung_up(self) -> TransportFault:
        if self._tether.cut:
            return TransportFault(Reason.NO_ANSWER, f"{self.place}: did not answer in time")
        return TransportFault(Reason.PROTOCOL, f"{self.place}: hangs up")

    def _strange(self, words: str) -> TransportFault:
        return TransportFault(Reason.PROTOCOL, f"{self.place}: {words}")


def _with_encryption(packet: bytes, value: int) -> tuple[bytes, int]:
    """The PRELOGIN packet with its option ENCRYPTION set, and what that was; -1 where it has none."""
    at, made = _HEADER, bytearray(packet)
    while at + 5 <= len(packet) and packet[at] != _TERMINATOR:
        offset = _HEADER + int.from_bytes(packet[at + 1 : at + 3], "big")
        if packet[at] == _ENCRYPTION and offset < len(packet):
            made[offset] = value
            return bytes(made), packet[offset]
        at += 5
    return packet, -1
