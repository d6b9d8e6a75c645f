"""What a handshake and its certificates mean: one finding for each thing that can be wrong, and none hides another."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from checks.contract import Assessment, Family, Finding, Reading, State, worst
from checks.network.certificate import NOT_AFTER, Certificate, Unreadable, life, printable, read, weakness
from checks.network.reference_name import mismatch
from checks.network.tls_options import TlsOptions

HANDSHAKE = Family(
    "ridgeway_tls_handshake_seconds",
    "Time of the TLS handshake itself in the last run, without connecting and STARTTLS.",
    unit="seconds",
    labels=("port",),
)
VERSION = Family(
    "ridgeway_tls_version_info",
    "Always 1: protocol version and cipher that the server chose from all that this machine knows.",
    labels=("port", "version", "cipher"),
)
_MOST_INTERMEDIATES = 15
_MANY = 8
"""More certificates than any real chain has."""
_WEAK_CIPHERS = ("RC4", "RC2", "DES", "NULL", "EXP", "MD5", "IDEA", "SEED")
_CHAIN = {
    2: "the issuer of {subject} ({issuer}) was neither sent nor is it known here: let the server send its "
    "intermediates, or give the authority as `ca`",
    6: "the key of {subject} cannot be read, so nothing that it has signed can be verified",
    7: "the signature on {subject} is wrong: it was not made by {issuer}",
    18: "{subject} is self-signed and not trusted here: give it as `ca` or its `pin`, or get one from an authority",
    19: "it ends at {subject}, which is not trusted here: give that authority as `ca`",
    21: "its signature could not be verified, since the issuer {issuer} is missing",
    22: "it is too long",
    24: "{subject} has issued a certificate but is no authority",
    25: "{subject} has issued through more steps than it may",
    26: "{subject} is not meant for servers (extended key usage)",
    28: "{subject} is marked as rejected on this machine",
    34: "{subject} has a critical extension that clients do not know, so they must refuse it",
    32: "{subject} has issued a certificate, which its key usage forbids",
    47: "a name in it is outside of what its authority may issue for",
    48: "a name in it is one that its authority must not issue for",
    79: "{subject} has issued a certificate but is no authority",
}
_CHAIN[20] = _CHAIN[2]


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate of the chain: sent by the server, or the trusted end of the way, from this machine's own store."""

    der: str
    """Base64."""
    sent: bool
    used: bool
    """It stands on the way from the server's certificate to the one that is trusted."""


@dataclass(frozen=True, slots=True)
class ChainFault:
    """What OpenSSL does not like: its X509_V_ERR number, and which certificate is meant."""

    code: int
    depth: int
    subject: str
    issuer: str


@dataclass(frozen=True, slots=True)
class TlsAnswers:
    """What one handshake showed; seconds are those of the handshake."""

    address: str
    version: str
    cipher: str
    seconds: float
    shown: tuple[Shown, ...]
    """The server's own first, at most sixteen as they were sent, then what the store had to add."""
    count: int
    """How many the server sent."""
    chain_faults: tuple[ChainFault, ...]
    trust_fault: str
    wants_certificate: bool
    broken: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A certificate of the chain that was opened; `certificate` is None and `why` says so when it cannot be read."""

    shown: Shown
    certificate: Certificate | None
    why: str = ""


def judge(answers: TlsAnswers, options: TlsOptions, wanted: str, now: float) -> Assessment:
    """Every finding of a port. `wanted` is the name that the certificate must be for."""
    parts = [_open(shown) for shown in answers.shown]
    leaf, prefix = parts[0], f"tls/{options.port}"
    judged: dict[str, tuple[State, str]] = {
        "handshake": _handshake(answers),
        "version": _version(answers, options),
        "expiry": _expiry(leaf, options, now),
        "intermediates": _intermediates(parts[1:], options, now),
        "key": _key(parts),
    }
    if options.chain_counts:
        judged["chain"] = _chain(answers, parts, now)
    if options.name_counts:
        judged["name"] = _name(leaf, wanted)
    if options.pin:
        judged["pin"] = _pin(leaf, options)
    if options.expect_issuer is not None:
        judged["issuer"] = _issuer(leaf, options.expect_issuer)
    evidence = _evidence(leaf, answers)
    findings = tuple(
        Finding(f"{prefix}/{key}", state, _sentence(options.port, said), evidence if key != "handshake" else {})
        for key, (state, said) in judged.items()
    )
    optional = frozenset(f"{prefix}/{key}" for key in ("chain", "name", "pin", "issuer"))
    covers = frozenset(finding.key for finding in findings) | optional
    return Assessment(findings, tuple(_readings(answers, parts, str(options.port))), covers, optional)


def _open(shown: Shown) -> _Part:
    try:
        return _Part(shown, read(base64.b64decode(shown.der)))
    except (Unreadable, ValueError) as error:
        return _Part(shown, None, printable(str(error)))


def _handshake(answers: TlsAnswers) -> tuple[State, str]:
    if answers.broken:
        return State.CRITICAL, f"the TLS handshake fails after the certificates were shown: {answers.broken}"
    asks = "; the server asks for a client's certificate" if answers.wants_certificate else ""
    return State.OK, f"the TLS handshake took {answers.seconds * 1000:.1f} ms{asks}"


def _version(answers: TlsAnswers, options: TlsOptions) -> tuple[State, str]:
    chosen = f"the server chose {answers.version}" + (f" with {answers.cipher}" if answers.cipher else "")
    if answers.version not in _VERSIONS:
        return State.UNKNOWN, f"{chosen}, a version that is not known here"
    if _VERSIONS.index(answers.version) < _VERSIONS.index(_NAMES[options.min_version]):
        return State.WARNING, f"{chosen}, but TLS {options.min_version} is the least that it should speak"
    if any(weak in answers.cipher for weak in _WEAK_CIPHERS):
        return State.WARNING, f"{chosen}, a cipher that is no longer safe"
    return State.OK, chosen


_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_NAMES: Mapping[str, str] = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}


def _expiry(leaf: _Part, options: TlsOptions, now: float) -> tuple[State, str]:
    if leaf.certificate is None:
        return _unreadable(leaf)
    state, said = life(leaf.certificate, now, options.warning_days, options.critical_days)
    return state, f"the certificate {said}"


def _intermediates(parts: list[_Part], options: TlsOptions, now: float) -> tuple[State, str]:
    """The worst of those that were sent. One that no client needs, since there is a way without it, only warns."""
    found: list[tuple[State, str]] = []
    for part in parts:
        if not part.shown.sent:
            continue
        if part.certificate is None:
            found.append((State.UNKNOWN, f"a certificate of the chain cannot be read ({part.why})"))
            continue
        state, said = life(part.certificate, now, options.warning_days, options.critical_days)
        if state is State.CRITICAL and not part.shown.used:
            state, said = State.WARNING, f"{said}; the chain does not need it: take it out of what the server sends"
        found.append((state, f"{part.certificate.common_name or part.certificate.subject} {said}"))
    if not found:
        return State.OK, "the server sends no intermediate certificates"
    last = worst([state for state, _ in found])
    if last is State.OK:
        return State.OK, f"all {len(found)} certificates above the server's own last"
    return last, "in the chain, " + "; ".join(said for state, said in found if state is last)


def _chain(answers: TlsAnswers, parts: list[_Part], now: float) -> tuple[State, str]:
    if answers.trust_fault:
        return State.UNKNOWN, f"whether the chain is trusted cannot be told: {answers.trust_fault}"
    if answers.chain_faults:
        first = answers.chain_faults[0]
        said = _CHAIN.get(first.code, "OpenSSL refuses it with X509_V_ERR number {code} at {subject}")
        return State.CRITICAL, "the chain is not trusted: " + said.format(
            subject=first.subject, issuer=first.issuer, code=first.code
        )
    for part in parts:
        ended = part.certificate is not None and not part.shown.sent and part.certificate.not_after < now
        if ended and part.certificate is not None:
            return State.CRITICAL, f"the chain ends at {part.certificate.common_name}, which has itself expired"
    if answers.count > _MANY:
        return State.WARNING, f"the chain is trusted, but the server sends {answers.count} certificates: tidy its file"
    return State.OK, "the chain is complete and trusted"


def _name(leaf: _Part, wanted: str) -> tuple[State, str]:
    if leaf.certificate is None:
        return _unreadable(leaf)
    why = mismatch(leaf.certificate, wanted)
    if why:
        return State.CRITICAL, f"the certificate {why}"
    return State.OK, f"the certificate is for {wanted}"


def _key(parts: list[_Part]) -> tuple[State, str]:
    if parts[0].certificate is None:
        return _unreadable(parts[0])
    found = []
    for number, part in enumerate(parts):
        certificate = part.certificate
        # A trusted end is trusted for being there: its own signature proves nothing. So is one that nobody needs.
        if certificate is None or not part.shown.sent or (number and not part.shown.used):
            continue
        weak = weakness(certificate)
        if weak:
            who = certificate.common_name or certificate.subject
            found.append(f"{f'{who} in the chain' if number else 'the certificate'} {weak}")
    if found:
        return State.WARNING, "; ".join(found) + "; many clients refuse that"
    return State.OK, f"the certificate has a strong key ({parts[0].certificate.key})"


def _pin(leaf: _Part, options: TlsOptions) -> tuple[State, str]:
    if leaf.certificate is None:
        return _unreadable(leaf)
    if not leaf.certificate.pin:
        return State.UNKNOWN, "the certificate's key is of a kind that cannot be read here, so its pin cannot be told"
    if leaf.certificate.pin in options.pin:
        return State.OK, "the certificate's key is the pinned one"
    return State.CRITICAL, (
        f"the certificate's key is not the pinned one but {leaf.certificate.pin}: if nobody has renewed it, "
        "somebody stands between"
    )


def _issuer(leaf: _Part, expected: str) -> tuple[State, str]:
    if leaf.certificate is None:
        return _unreadable(leaf)
    if expected.casefold() in leaf.certificate.issuer.casefold():
        return State.OK, f"the certificate was issued by {leaf.certificate.issuer}"
    return State.CRITICAL, (
        f"the certificate was issued by {leaf.certificate.issuer}, not by {expected}: renewed elsewhere, or "
        "somebody stands between"
    )


def _unreadable(leaf: _Part) -> tuple[State, str]:
    return State.UNKNOWN, f"the certificate cannot be read ({leaf.why})"


def _sentence(port: int, said: str) -> str:
    return printable(f"port {port}: {said}", 300)


def _evidence(leaf: _Part, answers: TlsAnswers) -> dict[str, str]:
    evidence = {"address": answers.address}
    if leaf.certificate is not None:
        evidence |= {"subject": leaf.certificate.subject, "issuer": leaf.certificate.issuer}
        evidence |= {"pin": leaf.certificate.pin} if leaf.certificate.pin else {}
    if answers.chain_faults:
        evidence["openssl"] = ", ".join(f"error {fault.code} at depth {fault.depth}" for fault in answers.chain_faults)
    return evidence


def _readings(answers: TlsAnswers, parts: list[_Part], port: str) -> Iterator[Reading]:
    if not answers.broken:
        yield Reading(HANDSHAKE, answers.seconds, (port,))
        yield Reading(VERSION, 1.0, (port, answers.version, answers.cipher))
    for number, part in enumerate(parts):
        if part.certificate is not None and part.shown.sent and number <= _MOST_INTERMEDIATES:
            yield Reading(NOT_AFTER, part.certificate.not_after, (f"{port}/{number}" if number else port,))
