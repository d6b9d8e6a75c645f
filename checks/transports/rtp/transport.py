"""`RtpTransport`: the sound of calls, at most so many at once, in one process that lives while there are any."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import checks.media
from checks.contract import Reason
from checks.media.codec import Codec
from checks.media.main import ordered
from checks.media.reception import BUFFER_SECONDS
from checks.media.report import Heard, MediaReport
from checks.media.session import Course
from checks.media.xr import VoipMetrics
from checks.transports.child import gone
from checks.transports.fault import TransportFault
from checks.transports.names import Address, numeric
from checks.transports.rtp.ports import pair
from checks.transports.rtp.sdp import not_for_sound

PORTS = range(11_000, 11_200, 2)
"""Even ports at which sound is received; a firewall must let UDP 11000 to 11199 in from the other side."""
MOST = 50
"""Calls at once."""
_LONGEST = 300.0
"""Seconds of sending, whatever the deadline."""
_ENDING = 2.0
"""Seconds that the process has to end; it needs some 30 ms."""
_LARGEST_REPORT = 16_384
_HOME = Path(checks.media.__file__).parents[2]
_BEGIN = "import sys; sys.path.append(sys.argv[2]); from checks.media.main import main; main(int(sys.argv[1]))"
"""Isolated from the environment and from site-packages, but for our own packages."""


class Media:
    """One call's sound. `port` and `port + 1` are ours until the block of `opened` ends."""

    def __init__(
        self, control: socket.socket, sockets: tuple[socket.socket, socket.socket], address: Address, deadline: float
    ) -> None:
        self._control = control
        self._sockets = sockets
        self._address = address
        self._deadline = deadline
        self._line: socket.socket | None = None
        self._report: MediaReport | None = None
        self.port: int = sockets[0].getsockname()[1]

    def start(
        self,
        remote: tuple[str, int],
        remote_rtcp: tuple[str, int] | None,
        codec: Codec,
        buffer_seconds: float = BUFFER_SECONDS,
    ) -> None:
        """Send a tone to the address of the SDP answer, until `stop` or the deadline, and measure what comes back.

        Raises TransportFault: PROTOCOL when no sound may go there, LOCAL when the media process has gone.
        """
        assert self._line is None, "a session starts once"
        far, far_rtcp = self._allowed(remote[0]), remote_rtcp and self._allowed(remote_rtcp[0])
        until = min(self._deadline, asyncio.get_running_loop().time() + _LONGEST)
        at_rtcp = far_rtcp.at(remote_rtcp[1]) if far_rtcp and remote_rtcp else None
        course = Course(far.at(remote[1]), at_rtcp, codec, until, buffer_seconds)
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setblocking(False)
        with theirs:
            handed = [theirs.fileno(), *(one.fileno() for one in self._sockets)]
            try:
                socket.send_fds(self._control, [ordered(course)], handed)
            except OSError as error:
                raise _lost() from error
        self._give_ports_away()

    async def stop(self) -> MediaReport:
        """Say goodbye and give what was measured; the same when asked again.

        Raises TransportFault: LOCAL when the media process was ended from outside.
        """
        if self._report is None:
            self._report = MediaReport() if self._line is None else await self._ended(self._line)
        return self._report

    def close(self) -> None:
        """Give the ports back, at once or as soon as the media process has said goodbye; safe to call twice."""
        self._give_ports_away()
        if self._line is not None:
            self._line.close()

    def _give_ports_away(self) -> None:
        for one in self._sockets:
            one.close()

    async def _ended(self, line: socket.socket) -> MediaReport:
        with contextlib.suppress(OSError):  # the process has gone: told below
            line.shutdown(socket.SHUT_WR)
        try:
            answer = await asyncio.get_running_loop().sock_recv(line, _LARGEST_REPORT)
        except OSError as error:
            raise _lost() from error
        if not answer:
            raise _lost()
        return _read(answer)

    def _allowed(self, host: str) -> Address:
        """Refuse an address that is none for sound, or that our own cannot reach by any network."""
        far = numeric(host)
        if far is None:
            raise TransportFault(Reason.PROTOCOL, "the answer wants sound at something that is no numeric address")
        why = not_for_sound(far.ip)
        if not why and far.family != self._address.family:
            why = "of another family than ours"
        if not why and _is_loopback(far) and not _is_loopback(self._address):
            why = "this machine's own loopback"
        if why:
            raise TransportFault(Reason.PROTOCOL, f"the answer wants sound at {far.ip}, which is {why}")
        return far


class RtpTransport:
    """Holds no process and no socket while there is no call."""

    def __init__(self, most: int = MOST, ports: range = PORTS) -> None:
        self._most = most
        self._ports = ports
        self._next = 0
        self._open = 0
        self._process: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    @contextlib.asynccontextmanager
    async def opened(self, local_ip: str, deadline: float) -> AsyncIterator[Media]:
        """Two ports at that address of this machine, for one call, given back at the end whatever happens.

        No sound is sent after `deadline` (loop time). Raises TransportFault: LIMIT when too many calls are under way,
        LOCAL when there is no port, no such address, or no process to be had.
        """
        address = numeric(local_ip)
        if address is None or not_for_sound(address.ip):
            raise TransportFault(Reason.LOCAL, f"{local_ip[:60]} is no address at which sound could be received")
        if self._open >= self._most:
            raise TransportFault(Reason.LIMIT, f"{self._most} test calls are under way already; no more are made")
        sockets = pair(address, self._in_turn())
        media: Media | None = None
        self._open += 1
        try:
            media = Media(await self._control(), sockets, address, deadline)
            self._next = (self._ports.index(media.port) + 1) % len(self._ports)
            yield media
        finally:
            for one in sockets:
                one.close()
            if media is not None:
                media.close()
            self._open -= 1
            if not self._open:
                await self.close()

    async def close(self) -> None:
        """End the process, and every call with it; safe to call twice."""
        if self._process is not None:
            (process, control), self._process = self._process, None
            control.close()
            await gone(process, _ENDING)

    async def _control(self) -> socket.socket:
        """The line to the process; it is started where there is none, or none any more."""
        before = self._process
        if before is not None and _listens(before[1]):
            return before[1]
        control = self._start()
        if before is not None:
            before[1].close()
            await gone(before[0], _ENDING)
        return control

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _BEGIN, str(theirs.fileno()), str(_HOME)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    env={},
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                raise TransportFault(Reason.LOCAL, f"no media process can be started ({error.strerror})") from error
        ours.setblocking(False)
        self._process = process, ours
        return ours

    def _in_turn(self) -> list[int]:
        """The ports, that which was used last at the end: late packets of one call do not come into the next."""
        return [*self._ports[self._next :], *self._ports[: self._next]]


def _is_loopback(address: Address) -> bool:
    return ipaddress.ip_address(address.ip).is_loopback


def _listens(control: socket.socket) -> bool:
    """Whether there is still somebody at the other end, who never says anything."""
    try:
        control.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _lost() -> TransportFault:
    return TransportFault(Reason.LOCAL, "the media process was ended from outside; look at the kernel's log")


def _read(answer: bytes) -> MediaReport:
    told = json.loads(answer)
    metrics = told.pop("far_metrics")
    return MediaReport(
        **{**told, "heard": Heard(told["heard"]), "dscp": tuple((mark, packets) for mark, packets in told["dscp"])},
        far_metrics=None if metrics is None else VoipMetrics(**metrics),
    )
