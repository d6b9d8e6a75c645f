"""What checks of SIP share: the way to an endpoint as the estate says it, and every place that it leads to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.contract import Context, Finding, Reason, State, Target
from checks.network.limits import FAMILIES
from checks.transports.sip import Carrier, Place, Places

OF_THE_ENDPOINT = frozenset({Reason.NO_ANSWER, Reason.UNREACHABLE, Reason.REFUSED, Reason.PROTOCOL})
"""Faults that are the bad news itself."""
AWAY = frozenset({Reason.NO_ANSWER, Reason.UNREACHABLE, Reason.REFUSED})
"""Those of an endpoint that is not there for anybody."""
ASKED = "sip_options"
"""The kind whose conditions tell that an endpoint is not there, whoever finds it so: one cause, one ticket."""
_DNS_SHARE = 0.5
"""Of the time there is: what is left must do for the questions themselves."""


class Way(BaseModel):
    """The options of the way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Carrier = Field(Carrier.UDP, description="What SIP goes over: udp, tcp or tls.")
    port: int | None = Field(None, ge=1, le=65535, description="The port; 5060, and 5061 for tls, unless said.")
    domain: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.\-]{1,253}$",
        description="The host part of the URI; the target's address unless said.",
    )
    srv: bool = Field(
        False, description="Ask what the SRV records of the domain name, in place of the target's address."
    )
    ip_version: Literal[4, 6] | None = Field(None, description="Ask over this version of IP only.")
    every_address: bool = Field(True, description="Ask every address behind the name, not the first only.")
    ca: str | None = Field(None, description="File of authorities for tls, in place of the machine's own.")
    server_name: str | None = Field(None, description="The name that the certificate must be for.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.transport is not Carrier.TLS and (self.ca is not None or self.server_name is not None):
            raise ValueError("ca and server_name belong to transport: tls")
        if self.srv and self.port is not None:
            raise ValueError("with srv the records name the port")
        return self

    @property
    def at_port(self) -> int:
        return self.port or (5061 if self.transport is Carrier.TLS else 5060)

    @property
    def scheme(self) -> str:
        """Of the URIs: what is asked over TLS is asked for TLS all the way (RFC 3261, section 26.2.2)."""
        return "sips" if self.transport is Carrier.TLS else "sip"


async def places(target: Target, way: Way, ctx: Context, begun: float, deadline: float, most: int) -> Places:
    """Where to ask, at most so many places. Raises TransportFault: NAME, LOCAL."""
    sip, family = ctx.transports.sip, FAMILIES[way.ip_version]
    until = begun + (deadline - begun) * _DNS_SHARE
    if way.srv:
        all_of_them = await sip.services(way.domain or target.address, way.transport, until, family)
    else:
        all_of_them = await sip.places(target.address, way.at_port, until, family)
    return Places(all_of_them.found[: most if way.every_address else 1], all_of_them.nameless)


def certificate_name(way: Way, target: Target) -> str:
    """Whom the certificate must be for: the domain that is asked, not the host that a record names (RFC 5922)."""
    return way.server_name or way.domain or target.address


def endpoint_name(way: Way, place: Place) -> str:
    """What metrics and findings call an endpoint: `udp:192.0.2.10:5060`."""
    ip = place.address.ip
    host = f"[{ip}]" if ":" in ip else ip
    return f"{way.transport}:{host}:{place.port}"


def contact(way: Way, user: str, own: str) -> str:
    """Our Contact: a SIPS URI where the request has one (RFC 3261, section 8.1.1.8)."""
    more = f";transport={way.transport}" if way.transport is Carrier.TCP else ""
    return f"<{way.scheme}:{user}@{own}{more}>"


def nameless_findings(kind: str, nameless: Iterable[tuple[str, str]]) -> tuple[Finding, ...]:
    """A finding for each host of an SRV record that has no address: whoever is sent there gets no further."""
    return tuple(
        Finding(
            f"{kind}/srv/{host[:100]}", State.WARNING, f"an SRV record names a host without an address: {why}"[:300]
        )
        for host, why in nameless
    )
