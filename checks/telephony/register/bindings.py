"""The bindings that a registrar lists in its answer (RFC 3261, section 10.3, step 8). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from checks.transports.sip import Headers, SipSyntaxError
from checks.transports.sip.fields import address, host_of
from checks.transports.sip.message import parts

_MOST = 100
_SECONDS = re.compile(r"[0-9]{1,10}")
ELSEWHERE = "a host that it names"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where calls to the extension are sent, and for how much longer."""

    uri: str
    expires: float | None
    """Seconds; None where nothing is said that could be read."""


def bindings(headers: Headers) -> tuple[Binding, ...]:
    """Every binding. Raises SipSyntaxError for what is no list of them, or one without end."""
    values = [value for field in headers.all("contact") for value in parts(field, ",")]
    if len(values) > _MOST:
        raise SipSyntaxError(f"more than {_MOST} bindings")
    found = []
    for value in values:
        one = address(value, "Contact")
        found.append(Binding(one.uri, seconds(one.parameters.get("expires"))))
    return tuple(found)


def parted(listed: Sequence[Binding], token: str) -> tuple[Binding | None, tuple[Binding, ...]]:
    """Our binding, known by the token in its user part, and those of others.

    A border gateway may write another host into our Contact; the user part is what it has to keep.
    """
    ours = [one for one in listed if token in one.uri.partition("@")[0]]
    return (ours[0] if ours else None), tuple(one for one in listed if token not in one.uri.partition("@")[0])


def shown(binding: Binding) -> str:
    """Whose it is as far as it may be shown: an address, never a user part, which is somebody's number."""
    try:
        host, _ = host_of(binding.uri)
        return str(ipaddress.ip_address(host.strip("[]")))
    except (SipSyntaxError, ValueError):
        return ELSEWHERE


def seconds(said: str | None) -> float | None:
    """A number of seconds; None where it is none."""
    return float(said) if said is not None and _SECONDS.fullmatch(said.strip()) else None
