"""Is a certificate meant for the name that was asked for (RFC 9525, which replaced RFC 6125).

Only subject alternative names count; a common name is never looked at. A wildcard is the whole left-most label, stands
for exactly one label, and needs two labels after it, as OpenSSL and the browsers have it.
"""

from __future__ import annotations

import ipaddress
import re

from checks.network.certificate import Certificate, printable

_SHOWN = 4
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def reference(name: str) -> str:
    """The canonical form of a name or address to be looked for; raises ValueError with what is wrong with it."""
    address = _address(name)
    if address:
        return address
    plain = name.removesuffix(".")
    if not plain.isascii():
        raise ValueError(f"{name!r} must be written in its ASCII form (xn--…)")
    if not plain or len(plain) > 253 or not all(_LABEL.fullmatch(label) for label in plain.split(".")):
        raise ValueError(f"{name!r} is neither a host name nor an address")
    return plain.lower()


def is_address(name: str) -> bool:
    """Whether it is an address, which is never sent as SNI (RFC 6066, section 3)."""
    return bool(_address(name))


def mismatch(certificate: Certificate, wanted: str) -> str:
    """Why the certificate is not one for `wanted`; empty when it is. It lacks its subject: `is for a, b, not for c`."""
    if certificate.names_fault:
        return f"has a list of names that cannot be read ({certificate.names_fault})"
    address = _address(wanted)
    if address:
        if address in certificate.ip_names:
            return ""
    elif any(_is_for(pattern, wanted.removesuffix(".").lower()) for pattern in certificate.dns_names):
        return ""
    listed = (*certificate.dns_names, *certificate.ip_names)
    if not listed:
        return f"has no subject alternative names, so it is not valid for {wanted}; its common name does not count"
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    shown = ", ".join(printable(name, 60) for name in listed[:_SHOWN])
    return f"is for {shown}{more}, not for {wanted}"


def _is_for(pattern: str, wanted: str) -> bool:
    pattern = pattern.removesuffix(".").lower()
    if not pattern.startswith("*."):
        return pattern == wanted and "*" not in pattern
    rest = pattern[2:]
    label, _, parent = wanted.partition(".")
    return bool(label) and "*" not in rest and "." in rest and parent == rest


def _address(text: str) -> str:
    """The canonical form of an address, without the interface of a link-local one; empty for a name."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
