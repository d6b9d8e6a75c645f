"""Asking servers for the time (SNTP, RFC 5905 section 14): one socket and one random port for each question (RFC 9109).

A server that says that it is asked too often (kiss-o'-death) is not asked again for a while, whoever wants to know.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from checks.contract import Reason
from checks.transports import ntp_wire as wire
from checks.transports.fault import TransportFault
from checks.transports.names import Address, Names
from checks.transports.socket_fault import socket_fault

SLOWER = 900.0
"""Seconds without a question after RATE; doubled each time up to `LONGEST`."""
LONGEST = 14_400.0
_MOST_PLACES = 4096
_WAIT = 2.0
"""Seconds for one answer; a later one would be too vague to be of use."""
_STRANGERS = 64
"""Datagrams read for one question that do not answer it."""
_LARGEST = 2048
_TIMESTAMPNS = 35
"""SO_TIMESTAMPNS: the kernel's own time of arrival, in nanoseconds, which Python's socket module does not name."""


class KissOfDeath(TransportFault):
    """The server does not want to be asked: now (RATE), or by this machine at all (DENY, RSTR)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One exchange. `offset` is the server's clock minus this machine's, true within half of `delay`; seconds."""

    address: str
    offset: float
    delay: float
    answer: wire.Answer


@dataclass(slots=True)
class _Silence:
    until: float
    length: float
    code: str


class NtpTransport:
    """Asks, and remembers who does not want to be asked. Holds no sockets between calls."""

    def __init__(
        self,
        names: Names | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.names = names or Names()
        self._clock = clock
        self._monotonic = monotonic
        self._silent: dict[tuple[str, int], _Silence] = {}

    async def ask(self, host: str, port: int = 123, *, deadline: float, family: int = 0) -> Sample:
        """One question, and its answer before `deadline` (loop time).

        Raises TransportFault: NO_ANSWER, UNREACHABLE, REFUSED (nobody listens), PROTOCOL (an answer that cannot be
        believed), NAME, LOCAL; KissOfDeath with LIMIT or FORBIDDEN, and with WITHHELD while the server is spared.
        """
        address = self.names.at_hand(host, family) or await self.names.address(host, family)
        place = (address.ip, port)
        self._spare(place)
        loop = asyncio.get_running_loop()
        with _socket(address, port) as opened:
            octets, token = wire.question()
            asked, begun = self._clock(), time.perf_counter()
            try:
                opened.send(octets)
                async with asyncio.timeout_at(min(deadline, loop.time() + _WAIT)):
                    said, arrived, elapsed = await _answer(loop, opened, token, begun)
                if said.stratum == 0:
                    raise self._kissed(place, said.reference)
                # The kernel's stamp leaves out how long this loop was busy; a stepped clock shows as out of bounds.
                way = arrived - asked
                heard = asked + (way if 0.0 <= way <= elapsed else elapsed)
                offset, delay = wire.offset_and_delay(asked, heard, said)
            except TimeoutError as error:
                raise TransportFault(
                    Reason.NO_ANSWER, f"{_where(place)}: no answer to the question for the time"
                ) from error
            except OSError as error:
                raise _fault(error, place) from error
            except wire.NotBelieved as error:
                raise TransportFault(
                    Reason.PROTOCOL, f"{_where(place)}: {error}; no client would believe it"
                ) from error
        self._silent.pop(place, None)
        return Sample(address.ip, offset, delay, said)

    async def close(self) -> None:
        """Stop waiting for names; safe to call twice."""
        await self.names.close()

    def _spare(self, place: tuple[str, int]) -> None:
        silence = self._silent.get(place)
        if silence is None:
            return
        left = silence.until - self._monotonic()
        if left > 0:
            raise KissOfDeath(
                Reason.WITHHELD,
                f"{_where(place)}: said {silence.code}, so it is not asked for another {left / 60:.0f} minutes; "
                "ask it less often, or have it permit this machine",
            )

    def _kissed(self, place: tuple[str, int], code: str) -> TransportFault:
        """RATE: asked too often. DENY and RSTR: not for this machine."""
        before = self._silent.pop(place, None)
        length = SLOWER if code == "RATE" else LONGEST
        length = min(LONGEST, max(length, before.length * 2 if before else 0.0))
        while len(self._silent) >= _MOST_PLACES:
            del self._silent[next(iter(self._silent))]
        self._silent[place] = _Silence(self._monotonic() + length, length, code)
        if code == "RATE":
            said = "asks to be asked less often (RATE): ask it less often, or have it permit this machine"
            return KissOfDeath(Reason.LIMIT, f"{_where(place)}: {said}")
        said = f"does not serve this machine ({code}): permit it in the server's access rules"
        return KissOfDeath(Reason.FORBIDDEN, f"{_where(place)}: {said}")


def _socket(address: Address, port: int) -> socket.socket:
    """A connected socket: strangers' datagrams are not received, and errors of the way are."""
    opened: socket.socket | None = None
    try:
        opened = socket.socket(address.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        opened.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        opened.connect(address.at(port))
    except OSError as error:
        if opened is not None:
            opened.close()
        raise _fault(error, (address.ip, port)) from error
    return opened


async def _answer(
    loop: asyncio.AbstractEventLoop, opened: socket.socket, token: int, begun: float
) -> tuple[wire.Answer, float, float]:
    """The answer, when it came by the kernel's clock, and seconds since `begun`. Strangers are passed over."""
    for _ in range(_STRANGERS):
        await _readable(loop, opened)
        try:
            octets, extras, _, _ = opened.recvmsg(_LARGEST, 64)
        except BlockingIOError:
            continue
        elapsed = time.perf_counter() - begun
        said = wire.answer(octets, token)
        if said is not None:
            return said, _stamp(extras), elapsed
    raise wire.NotBelieved("answers something else than what it was asked, again and again")


async def _readable(loop: asyncio.AbstractEventLoop, opened: socket.socket) -> None:
    future: asyncio.Future[None] = loop.create_future()
    number = opened.fileno()
    loop.add_reader(number, _settle, future)
    try:
        await future
    finally:
        loop.remove_reader(number)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _stamp(extras: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in extras:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return float(seconds + nanoseconds / 1e9)
    return 0.0


def _where(place: tuple[str, int]) -> str:
    return f"{place[0]} port {place[1]}"


def _fault(error: OSError, place: tuple[str, int]) -> TransportFault:
    return socket_fault(error, _where(place), refused="nobody serves time there, or a firewall refuses")
