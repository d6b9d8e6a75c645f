"""Which host keys a server has: it is asked for each kind in turn, and never told who asks. Blocking."""

from __future__ import annotations

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.ssh import kexinit, pins
from checks.transports.ssh.connect import shake_hands
from checks.transports.ssh.model import HostKey


def scan(target: str, address: Address, port: int, tether: Tether) -> list[HostKey]:
    """The keys it shows, in the order of `pins.ALGORITHMS`. Raises OnlySha1, else TransportFault."""
    first = shake_hands(target, address, port, tuple(pins.ALGORITHMS), tether)
    first.close()
    offered = kexinit.offer(first.hello)
    if offered is None or first.host_key is None:
        raise TransportFault(Reason.PROTOCOL, f"{first.where}: it did not say which host keys it has")
    found = {first.host_key.kind: first.host_key}
    for kind, algorithms in pins.ALGORITHMS.items():
        if kind in found or not set(algorithms) & set(offered.host_keys):
            continue
        other = shake_hands(target, address, port, (kind,), tether)
        other.close()
        if other.host_key is not None:
            found[other.host_key.kind] = other.host_key
    return [found[kind] for kind in pins.ALGORITHMS if kind in found]
