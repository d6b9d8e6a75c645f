"""Pairs of ports for the sound of calls."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable

from checks.contract import Reason
from checks.media.sockets import bound
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.socket_fault import socket_fault


def pair(address: Address, ports: Iterable[int]) -> tuple[socket.socket, socket.socket]:
    """Sockets at the first even port of these that is free, and at the next one. Raises TransportFault: LOCAL."""
    for port in ports:
        with contextlib.ExitStack() as ours:
            try:
                rtp = ours.enter_context(bound(address.family, address.at(port)))
                rtcp = ours.enter_context(bound(address.family, address.at(port + 1)))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                if error.errno == errno.EADDRNOTAVAIL:
                    raise TransportFault(Reason.LOCAL, f"{address.ip} is no address of this machine") from error
                raise socket_fault(error, address.ip) from error
            ours.pop_all()
            return rtp, rtcp
    raise TransportFault(
        Reason.LOCAL, f"{address.ip}: no pair of UDP ports is free for sound; see which program holds them (ss -lun)"
    )
