"""Which text format a scraper gets: text 0.0.4 or OpenMetrics 1.0.0, nothing newer.

Prometheus 3 fails a scrape whose Content-Type it does not know, and OpenMetrics 2.0 forbids what 1.0 requires, so the
answer names exactly the version that was written, whatever was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    openmetrics: bool
    content_type: str


TEXT = Format(False, "text/plain; version=0.0.4; charset=utf-8")
OPENMETRICS = Format(True, "application/openmetrics-text; version=1.0.0; charset=utf-8")
_LONGEST = 4096


def negotiate(accept: str) -> Format:
    """The format for an `Accept` header: the offer with the highest q that is one of ours, the first of equals.

    An OpenMetrics offer of any version from 1.0 on gets 1.0.0; 0.0.1 does not count. Anything unreadable, nothing
    or `*/*` gets text.
    """
    best, best_quality = TEXT, 0.0
    for offer in accept[:_LONGEST].split(","):
        media, *rest = (part.strip() for part in offer.split(";"))
        parameters = dict(_parameter(part) for part in rest)
        quality = _quality(parameters.get("q", "1"))
        found = _format(media.lower(), parameters.get("version"))
        if found is not None and quality > best_quality:
            best, best_quality = found, quality
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header offers gzip."""
    for offer in accept_encoding[:_LONGEST].split(","):
        coding, *rest = (part.strip() for part in offer.split(";"))
        if coding.lower() in ("gzip", "*"):
            return _quality(dict(_parameter(part) for part in rest).get("q", "1")) > 0
    return False


def _format(media: str, version: str | None) -> Format | None:
    if media == "application/openmetrics-text":
        return OPENMETRICS if version is None or _at_least_one(version) else None
    return TEXT if media in ("text/plain", "text/*", "*/*") else None


def _at_least_one(version: str) -> bool:
    major = version.split(".", 1)[0]
    return major.isascii() and major.isdigit() and int(major[:9]) >= 1


def _parameter(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
