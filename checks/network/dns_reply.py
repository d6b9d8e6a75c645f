"""What a DNS server answered, as plain values, and what can be read off them. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.transports.dns import Reply

LONGEST_CHAIN = 16
_LONGEST_VALUE = 4_096
_FORMS = {
    "MX": (re.compile(r"\d{1,5} \S+"), 'a preference and a name, as in "10 mail.example.org"'),
    "SRV": (re.compile(r"\d{1,5} \d{1,5} \d{1,5} \S+"), 'as in "0 5 5060 sip.example.org"'),
    "CAA": (re.compile(r"\d{1,3} [a-z0-9]+ .*"), 'as in "0 issue letsencrypt.org"'),
}
_NAMES = frozenset({"MX", "SRV", "PTR", "NS", "CNAME"})


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record of an answer section. Names are in lower case, without the last dot."""

    name: str
    record: str
    ttl: int
    value: str
    """In the form of `canonical`."""
    serial: int | None = None
    """Of a SOA record."""
    covers: str = ""
    """Of a signature: the type that it signs."""
    expires: int | None = None
    """Of a signature: when it ends (Unix seconds)."""


@dataclass(frozen=True, slots=True)
class DnsReply:
    """One reply: its code by name (NOERROR, NXDOMAIN, …), its flags, and its answer section."""

    rcode: str
    authoritative: bool
    authenticated: bool
    records: tuple[DnsRecord, ...]
    seconds: float
    octets: int
    tcp: bool
    sent: int
    ignored: int


@dataclass(frozen=True, slots=True)
class DnsAnswers:
    """Replies by the way they were asked for (`udp`, `tcp`), and the failures of ways that brought none."""

    replies: dict[str, DnsReply]
    failures: dict[str, str] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    """Serials of the zone at other servers, by address."""
    serial_failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chain:
    """From the name that was asked for to the records: the names on the way, what stands at its end, what is wrong."""

    names: tuple[str, ...]
    found: tuple[DnsRecord, ...]
    wrong: str = ""


def canonical(record: str, text: str) -> str:
    """A record's value in the one form in which values are compared. Raises ValueError saying what is expected.

    >>> canonical("AAAA", "2001:DB8:0::1"), canonical("MX", "10  Mail.Example.ORG.")
    ('2001:db8::1', '10 mail.example.org')
    """
    if record == "A":
        return str(ipaddress.IPv4Address(text.strip()))
    if record == "AAAA":
        return str(ipaddress.IPv6Address(text.strip()))
    if record == "TXT":
        return text
    value = " ".join(text.split())
    if record in _NAMES:
        # A lone dot is the root, which as a mail server or service means that there is none (RFC 7505, RFC 2782).
        value = value.lower() if value == "." or value.endswith(" .") else value.lower().removesuffix(".")
    if record == "CAA":
        value = value.replace('"', "")
    form = _FORMS.get(record)
    if form is not None and not form[0].fullmatch(value):
        raise ValueError(f"is not a value of {record}: {form[1]}")
    return value


def read(reply: Reply) -> DnsReply:
    """A reply of the transport as plain values."""
    import dns.flags
    import dns.rcode
    import dns.rdatatype

    message = reply.message
    records = []
    for rrset in message.answer:
        name = _name(rrset.name.to_text())
        record = dns.rdatatype.to_text(rrset.rdtype)
        for rdata in rrset:
            signed = record == "RRSIG"
            records.append(
                DnsRecord(
                    name,
                    record,
                    rrset.ttl,
                    _value(record, rdata),
                    serial=rdata.serial if record == "SOA" else None,
                    covers=dns.rdatatype.to_text(rdata.type_covered) if signed else "",
                    expires=rdata.expiration if signed else None,
                )
            )
    return DnsReply(
        rcode=dns.rcode.to_text(message.rcode()),
        authoritative=bool(message.flags & dns.flags.AA),
        authenticated=bool(message.flags & dns.flags.AD),
        records=tuple(records),
        seconds=reply.seconds,
        octets=reply.octets,
        tcp=reply.tcp,
        sent=reply.sent,
        ignored=reply.ignored,
    )


def _value(record: str, rdata: object) -> str:
    if record == "TXT":
        parts: Iterable[bytes] = getattr(rdata, "strings", ())
        text = b"".join(parts).decode("utf-8", "replace")
    else:
        text = str(rdata)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:_LONGEST_VALUE])
    try:
        return canonical(record, text)
    except ValueError:
        return text  # an odd value is shown, and equals nothing that is expected


def _name(text: str) -> str:
    return text.lower().rstrip(".") or "."


def chain(question: str, record: str, records: Sequence[DnsRecord]) -> Chain:
    """Follow the aliases (CNAME, RFC 1034, 3.6.2) from the question's name to its records."""
    names = [question]
    while True:
        name = names[-1]
        here = [each for each in records if each.name == name]
        found = tuple(each for each in here if each.record == record)
        aliases = [each.value for each in here if each.record == "CNAME"]
        if found or not aliases or record == "CNAME":
            return Chain(tuple(names), found)
        if len(aliases) > 1:
            return Chain(tuple(names), (), f"{name} is an alias of {len(aliases)} names at once, which DNS forbids")
        if aliases[0] in names:
            return Chain(tuple(names), (), f"the aliases go in a circle: {' > '.join((*names, aliases[0]))}")
        if len(names) > LONGEST_CHAIN:
            return Chain(tuple(names), (), f"more than {LONGEST_CHAIN} aliases follow one another")
        names.append(aliases[0])


def strangers(way: Chain, records: Sequence[DnsRecord]) -> tuple[str, ...]:
    """Names in the answer that nobody asked for; a DNAME (RFC 6672) stands above the name that it renames."""
    odd = {
        each.name
        for each in records
        if each.name not in way.names
        and not (
            (each.record == "DNAME" or each.covers == "DNAME")
            and any(name.endswith(f".{each.name}") for name in way.names)
        )
    }
    return tuple(sorted(odd))
