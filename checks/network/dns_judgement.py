"""What the answers of a DNS server mean. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.contract import Assessment, Family, Finding, Memory, Reading, State
from checks.network.dns_reply import Chain, DnsAnswers, DnsReply, chain, strangers
from config.patterns import line_pattern

if TYPE_CHECKING:
    from checks.network.dns import DnsOptions

LOOKUP = Family(
    "ridgeway_dns_lookup_seconds",
    "Time until the server's reply in the last run, by the way it was asked (udp, tcp); absent without a reply.",
    unit="seconds",
    labels=("query", "record", "transport"),
)
ANSWERS = Family(
    "ridgeway_dns_answers", "Records that answer the question in the last run.", labels=("query", "record")
)
SERIAL = Family("ridgeway_dns_soa_serial", "Serial of the zone at the server (SOA).", labels=("query",))
EXPIRY = Family(
    "ridgeway_dns_signature_expiry_timestamp_seconds",
    "When the first of the signatures over the answer ends.",
    unit="seconds",
    labels=("query", "record"),
)
_VERSION = 1
_SUMMARY, _SHOWN, _EVIDENCE = 300, 5, 1_500
_DAY = 86_400.0
_SETTLED = _DAY
"""Seconds after which a lower serial that stays counts as meant."""
_RCODES = {
    "NXDOMAIN": (State.CRITICAL, "the server says that the name does not exist (NXDOMAIN)"),
    "SERVFAIL": (State.CRITICAL, "the server failed to find out (SERVFAIL): its forwarders or the zone are broken"),
    "REFUSED": (State.CRITICAL, "the server refuses to answer (REFUSED): it lost the zone, or does not let us ask"),
    "NOTAUTH": (State.CRITICAL, "the server is not authoritative for the zone (NOTAUTH)"),
    "NOERROR": (State.CRITICAL, "the server answers with success (NOERROR)"),
    "FORMERR": (State.UNKNOWN, "the server does not understand the question (FORMERR)"),
    "NOTIMP": (State.UNKNOWN, "the server does not know this kind of question (NOTIMP)"),
}
Verdict = tuple[State, str]


def assessed(options: DnsOptions, answers: DnsAnswers, memory: Memory | None, now: float) -> Assessment:
    """The findings of one check: the answer, and where they are asked for the zone's serial and the signatures."""
    query, record = options.query, options.type
    labels = (query, record)
    ways = {name: chain(query, record, reply.records) for name, reply in answers.replies.items()}
    findings = [_answer(options, answers, ways)]
    readings = [Reading(LOOKUP, reply.seconds, (*labels, name)) for name, reply in answers.replies.items()]
    best = next(iter(answers.replies))
    way, reply = ways[best], answers.replies[best]
    readings.append(Reading(ANSWERS, len(way.found), labels))
    note = None
    if options.serial:
        finding, note = _serial(options, answers, way, memory, now)
        findings.append(finding)
        if way.found and way.found[0].serial is not None:
            readings.append(Reading(SERIAL, way.found[0].serial, (query,)))
    if options.signed:
        finding, expires = _signature(options, way, reply, now)
        findings.append(finding)
        if expires is not None:
            readings.append(Reading(EXPIRY, expires, labels))
    return Assessment(tuple(findings), tuple(readings), frozenset(each.key for each in findings), memory=note)


def _answer(options: DnsOptions, answers: DnsAnswers, ways: dict[str, Chain]) -> Finding:
    verdicts: list[Verdict] = [
        (State.CRITICAL, f"over {name.upper()}: {why}") for name, why in answers.failures.items()
    ]
    for name, reply in answers.replies.items():
        verdicts += _judged(options, name, reply, ways[name])
    if not verdicts and len(ways) > 1:
        sets = {name: {each.value for each in way.found} for name, way in ways.items()}
        if sets["udp"] != sets["tcp"]:
            verdicts.append((State.WARNING, "the server answers differently over UDP and over TCP"))
    key = options.key
    reply = next(iter(answers.replies.values()))
    evidence = {"answer": _listed([each.value for each in next(iter(ways.values())).found], _EVIDENCE)}
    evidence |= {"code": reply.rcode, "octets": str(reply.octets)}
    if not verdicts:
        return Finding(key, State.OK, _short(_fine(options, reply, next(iter(ways.values())))), evidence)
    verdicts.sort(key=lambda verdict: -verdict[0].rank)
    said = "; ".join(dict.fromkeys(text for _, text in verdicts))
    return Finding(key, verdicts[0][0], _short(f"{options.query} {options.type}: {said}"), evidence)


def _fine(options: DnsOptions, reply: DnsReply, way: Chain) -> str:
    took = f"in {reply.seconds * 1000:.1f} ms"
    if options.expect_rcode != "NOERROR":
        return f"{options.query} {options.type}: {reply.rcode} {took}, as it must be"
    if not way.found:
        return f"{options.query} {options.type}: no such records, as it must be ({took})"
    return f"{options.query} {options.type}: {_listed([each.value for each in way.found])} {took}"


def _judged(options: DnsOptions, name: str, reply: DnsReply, way: Chain) -> list[Verdict]:
    """What is wrong with one reply; nothing when all is well."""
    if reply.rcode != options.expect_rcode:
        state, text = _RCODES.get(reply.rcode, (State.CRITICAL, f"the server answers {reply.rcode}"))
        if options.expect_rcode != "NOERROR":
            shown = f" and {_listed([each.value for each in way.found])}" if way.found else ""
            text = f"{text}{shown} where {options.expect_rcode} is expected"
        return [(state, text)]
    verdicts = _slow(options, name, reply)
    odd = strangers(way, reply.records)
    if way.wrong:
        return [(State.CRITICAL, way.wrong), *verdicts]
    if odd:
        verdicts.append((State.CRITICAL, f"the answer holds records of names that were not asked for: {_listed(odd)}"))
    if options.expect_rcode == "NOERROR":
        verdicts += _content(options, way)
    if options.authoritative and not reply.authoritative:
        verdicts.append((State.CRITICAL, "the answer is not authoritative: the server has lost the zone"))
    if options.authenticated and not reply.authenticated:
        verdicts.append((State.CRITICAL, "the server does not vouch for the answer by DNSSEC (no AD flag)"))
    if reply.ignored:
        verdicts.append(
            (
                State.WARNING,
                f"{reply.ignored} replies to another question came first: somebody may try to forge answers",
            )
        )
    return verdicts


def _content(options: DnsOptions, way: Chain) -> list[Verdict]:
    values = [each.value for each in way.found]
    if options.expect == ():
        return [(State.CRITICAL, f"there must be none, but the answer is {_listed(values)}")] if values else []
    if not values:
        end = f"; {options.query} is an alias of {way.names[-1]}" if len(way.names) > 1 else ""
        return [(State.CRITICAL, f"the name exists, but has no {options.type} records{end}")]
    verdicts = []
    if options.expect is not None:
        missing, extra = set(options.expect) - set(values), set(values) - set(options.expect)
        if missing:
            verdicts.append((State.CRITICAL, f"missing from the answer: {_listed(sorted(missing))}"))
        if extra:
            verdicts.append((State.CRITICAL, f"in the answer but not expected: {_listed(sorted(extra))}"))
    lacking = set(options.expect_contains) - set(values)
    if lacking:
        verdicts.append((State.CRITICAL, f"missing from the answer: {_listed(sorted(lacking))}"))
    if options.expect_pattern is not None:
        wanted = line_pattern(options.expect_pattern)
        other = [value for value in values if not wanted.found(value)]
        if other:
            verdicts.append((State.CRITICAL, f"not of the expected pattern: {_listed(other)}"))
    if len(values) < options.expect_count:
        verdicts.append((State.CRITICAL, f"{len(values)} records where at least {options.expect_count} are expected"))
    lowest = min(each.ttl for each in way.found)
    if options.min_ttl is not None and lowest < options.min_ttl:
        verdicts.append((State.WARNING, f"may be kept for {lowest} s only, {options.min_ttl} s are expected"))
    return verdicts


def _slow(options: DnsOptions, name: str, reply: DnsReply) -> list[Verdict]:
    for state, limit in ((State.CRITICAL, options.critical_seconds), (State.WARNING, options.warning_seconds)):
        if limit is not None and reply.seconds >= limit:
            again = f" after asking {reply.sent} times" if reply.sent > 1 else ""
            return [
                (state, f"the answer over {name.upper()} took {reply.seconds:.3g} s{again}, {limit:g} s is the limit")
            ]
    return []


@dataclass(slots=True)
class _Note:
    """The highest serial seen, since when it was undercut, and since when each other server differs."""

    highest: int | None = None
    undercut: float | None = None
    differs: dict[str, float] | None = None


def _serial(
    options: DnsOptions, answers: DnsAnswers, way: Chain, memory: Memory | None, now: float
) -> tuple[Finding, Memory | None]:
    key = f"dns/{options.query}/serial"
    serial = way.found[0].serial if way.found else None
    if serial is None:
        return Finding(key, State.UNKNOWN, f"{options.query}: the server gives no serial of the zone"), None
    old = _note(memory)
    new = _Note(serial, None, {})
    verdicts: list[Verdict] = []
    if old.highest is not None and _before(serial, old.highest):
        since = now if old.undercut is None else old.undercut
        if now - since < _SETTLED:
            new.highest, new.undercut = old.highest, since
            text = f"the serial went back from {old.highest} to {serial}: other servers will not take the zone any more"
            verdicts.append((State.WARNING, text))
    differs = old.differs or {}
    for address, theirs in answers.serials.items():
        if theirs == serial:
            continue
        assert new.differs is not None  # for mypy
        new.differs[address] = since = differs.get(address, now)
        if now - since >= options.serial_lag_seconds:
            text = f"{address} has had another serial ({theirs}, here {serial}) for {(now - since) / 60:.0f} min"
            verdicts.append((State.WARNING, text))
    verdicts += [
        (State.UNKNOWN, f"no serial from {address}: {why}") for address, why in answers.serial_failures.items()
    ]
    note = Memory(_VERSION, json.dumps({"highest": new.highest, "undercut": new.undercut, "differs": new.differs}))
    if not verdicts:
        return Finding(key, State.OK, f"{options.query}: serial {serial}"), note
    verdicts.sort(key=lambda verdict: -verdict[0].rank)
    said = "; ".join(text for _, text in verdicts)
    return Finding(key, verdicts[0][0], _short(f"{options.query}: {said}")), note


def _before(serial: int, other: int) -> bool:
    """Whether a serial is older than another, by serial number arithmetic (RFC 1982)."""
    return serial != other and (other - serial) % 2**32 < 2**31


def _note(memory: Memory | None) -> _Note:
    if memory is None or memory.version != _VERSION:
        return _Note()
    told = json.loads(memory.text)
    return _Note(told["highest"], told["undercut"], told["differs"])


def _signature(options: DnsOptions, way: Chain, reply: DnsReply, now: float) -> tuple[Finding, float | None]:
    key = f"dns/{options.query}/signature"
    signatures = [
        each
        for each in reply.records
        if each.expires is not None and each.covers == options.type and each.name == way.names[-1]
    ]
    if not signatures:
        return Finding(key, State.CRITICAL, f"{options.query} {options.type}: the answer bears no signature"), None
    expires = float(min(each.expires for each in signatures if each.expires is not None))
    left = (expires - now) / _DAY
    where = f"{options.query} {options.type}"
    if left <= 0:
        text = f"{where}: a signature ended {-left:.1f} days ago: whoever checks signatures cannot resolve the name"
        return Finding(key, State.CRITICAL, text), expires
    text = f"{where}: the first signature ends in {left:.1f} days"
    if options.signature_critical_days is not None and left < options.signature_critical_days:
        return Finding(key, State.CRITICAL, f"{text}; is the zone still being signed?"), expires
    if options.signature_warning_days is not None and left < options.signature_warning_days:
        return Finding(key, State.WARNING, f"{text}; is the zone still being signed?"), expires
    return Finding(key, State.OK, text), expires


def _listed(values: Sequence[str], length: int = 160) -> str:
    """The first of the values, as part of a sentence."""
    if not values:
        return "nothing"
    shown = ", ".join(values[:_SHOWN])
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return (shown if len(shown) <= length else shown[: length - 1] + "…") + more


def _short(text: str) -> str:
    return text if len(text) <= _SUMMARY else text[: _SUMMARY - 1] + "…"
