"""How often pings are taken, whichever way they come in."""

from __future__ import annotations

import ipaddress

from checks.transports.snmp.allowance import Allowance, Allowances


class Limits:
    """How often: of all, of an address, of a job; and how often a line is written of strangers."""

    def __init__(self) -> None:
        self.all = Allowance(1000, 3000)
        self.addresses = Allowances(300, 1000)
        self.jobs = Allowances(0.2, 60)
        self.strangers = Allowances(1 / 600, 1)
        self.lines = Allowance(0.1, 10)

    def may_tell(self, stranger: str, now: float) -> bool:
        """Whether a line is to be written of a stranger at this address."""
        return self.strangers.take(stranger, now) and self.lines.take(now)


def network_of(host: str) -> str:
    """Who asks; of IPv6 the network of 64 bits, since everybody has so many addresses."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
