"""Mails to pings that say how a run stands, by the rules of the estate. Pure.

A mail is held against the rules each time it is read, so that changed rules judge anew. What no rule knows is unknown,
and so is what would be well if only all of it had been seen, or if anybody could tell of when it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from checks.backup.products.push.figures import count_of, seconds_of, size_of
from checks.backup.products.push.rules import MailOptions, any_fits, caseless
from checks.backup.products.rows import one_line
from checks.transports.inbox import OLDEST, Mail, Ping, Sign

_LATE = 3600.0
"""Seconds on the way that are worth a word."""


def told(pings: Iterable[Ping], rules: MailOptions) -> Iterator[Ping]:
    """Each ping once, and of mails what they say; what is to be ignored is left out."""
    seen: set[str] = set()
    for ping in pings:
        if ping.id and ping.id in seen:
            continue
        seen.add(ping.id)
        if ping.mail is None:
            yield ping
            continue
        said = _said(ping, ping.mail, rules)
        if said is not None:
            yield said


def _said(ping: Ping, mail: Mail, rules: MailOptions) -> Ping | None:
    if any_fits(rules.ignore, mail, ping.log):
        return None
    sign, doubt = _sign(ping, mail, rules)
    words = one_line(f"{doubt}: {mail.subject}" if doubt else mail.subject or "a mail without a subject")
    figures = _figures(rules, f"{mail.subject}\n{ping.log}")
    return replace(
        ping,
        sign=sign,
        log=words,
        bytes=size_of(figures.get("size", "")),
        files=count_of(figures.get("files", "")),
        errors=count_of(figures.get("errors", "")),
        seconds=seconds_of(figures.get("duration", "")),
    )


def _sign(ping: Ping, mail: Mail, rules: MailOptions) -> tuple[Sign, str]:
    """What it says and, where that is not known, why; the worst that fits counts."""
    unseen = False
    kinds = (
        (Sign.FAIL, rules.failure),
        (Sign.PARTIAL, rules.partial),
        (Sign.SUCCESS, rules.success),
        (Sign.START, rules.start),
    )
    for sign, of_sign in kinds:
        if any_fits(of_sign, mail, ping.log):
            if sign is Sign.FAIL:
                return sign, _on_the_way(ping)
            if mail.dated is not None and mail.dated < ping.received - OLDEST:
                days = int((ping.received - mail.dated) / 86_400)
                return Sign.UNKNOWN, f"a mail whose headers are of {days} days ago: set the sender's clock"
            if unseen:
                return Sign.UNKNOWN, "a mail too long to be read whole: have its failures told in the subject"
            return sign, _on_the_way(ping)
        unseen = unseen or bool(mail.left_out and any(rule.reads_body for rule in of_sign))
    return Sign.UNKNOWN, "a mail that no rule of `mail` knows"


def _on_the_way(ping: Ping) -> str:
    late = ping.received - ping.at
    return f"{late / 3600:.0f} h on the way" if late >= _LATE else ""


def _figures(rules: MailOptions, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pattern in rules.figures:
        line = next(caseless(pattern).lines(text), {})
        for name, value in line.items():
            if value is not None:
                found.setdefault(name, value)
    return found
