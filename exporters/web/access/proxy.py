"""A reverse proxy that says who asks: believed by the address of its TCP connection, and by nothing else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from config.estate import Proxy
from config.schema.access import read_person
from exporters.web.access.refusals import Reason, Refused

Headers = Iterable[tuple[bytes, bytes]]


def is_trusted(proxy: Proxy | None, address: str) -> bool:
    """Whether the connection comes from one of the proxy's addresses."""
    if proxy is None:
        return False
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer in network for network in proxy.networks)


def said_by(proxy: Proxy, headers: Headers) -> str | None:
    """Whom a trusted proxy names; None where it names nobody. Raises Refused for what is no name."""
    name = proxy.header.lower().encode()
    values = [value.strip() for header, value in headers if header == name]
    if values in ([], [b""]):
        return None
    try:
        (value,) = values
        return read_person(value.decode("utf-8"))
    except ValueError as error:  # two of them, not UTF-8, not a name
        raise Refused(Reason.PROXY) from error


def without(proxy: Proxy, headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers without the proxy's, so that nothing behind can take it for true."""
    name = proxy.header.lower().encode()
    return [(header, value) for header, value in headers if header != name]
