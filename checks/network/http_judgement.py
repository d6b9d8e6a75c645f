"""What an answer means for a page: right or wrong, slow, its values, its certificate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.contract import Assessment, Family, Finding, Reading, State, worst
from checks.network.certificate import NOT_AFTER, life
from checks.network.http_reading import HttpAnswers, Page, Tls
from checks.network.json_pointer import Scalar

if TYPE_CHECKING:
    from checks.network.http_options import HttpOptions, JsonValue
    from config.profiles import Limit

STATUS = Family(
    "ridgeway_http_status_code", "Status of the page's answer in the last run (RFC 9110).", labels=("page",)
)
DURATION = Family(
    "ridgeway_http_duration_seconds",
    "Time of the last run by phase: resolve, connect, tls, first_byte, transfer; the sum is the whole time.",
    unit="seconds",
    labels=("page", "phase"),
)
BODY = Family(
    "ridgeway_http_body_bytes", "Length of the page in the last run, decoded.", unit="bytes", labels=("page",)
)
VALUE = Family("ridgeway_http_value", "A number of a JSON page; truth is 1 or 0.", labels=("page", "value"))
FAMILIES = (STATUS, DURATION, BODY, VALUE, NOT_AFTER)
_SHOWN = 80
_LONGEST = 300


def assessed(options: HttpOptions, answers: HttpAnswers, now: float) -> Assessment:
    """Page and values, if a page came; the certificate, if one was shown. What was not seen is not covered."""
    findings: list[Finding] = []
    readings: list[Reading] = []
    if answers.page is not None:
        findings.append(_page(options, answers, answers.page))
        findings += _values(options, answers.page)
        readings += _readings(options, answers.page)
    if answers.tls is not None:
        place = options.certificate_at(answers.port)
        findings.append(_certificate(options, answers.tls, place, now))
        if answers.tls.certificate is not None:
            readings.append(Reading(NOT_AFTER, answers.tls.certificate.not_after, (place,)))
    return Assessment(tuple(findings), tuple(readings), frozenset(finding.key for finding in findings))


def _page(options: HttpOptions, answers: HttpAnswers, page: Page) -> Finding:
    wrong = list(_wrong(options, page))
    seconds = sum(page.phases.values())
    evidence = {"url": answers.url, "address": answers.address, "status": f"{page.status} {page.reason}".rstrip()}
    if wrong:
        state = worst([state for state, _ in wrong])
        said = "; ".join(text for kind, text in sorted(wrong, key=lambda pair: -pair[0].rank))
        if page.excerpt:
            evidence["page"] = page.excerpt
        if page.location:
            evidence["location"] = page.location
        return Finding(f"http/{options.page}", state, _short(f"{answers.url} {said}"), evidence)
    took = f"{page.status}, {page.size} octets in {seconds * 1000:.0f} ms"
    return Finding(f"http/{options.page}", State.OK, _short(f"{answers.url} is as expected ({took})"), evidence)


def _wrong(options: HttpOptions, page: Page) -> Iterator[tuple[State, str]]:
    if not any(first <= page.status <= last for first, last in options.expect_status):
        yield State.CRITICAL, f"answers {page.status}{page.again}{_onward(page)} where {_wanted(options)} is expected"
    for name, wanted in options.expect_header.items():
        came = page.headers.get(name)
        if came is None:
            yield State.CRITICAL, f"comes without the header {name}"
        elif wanted not in came:
            yield State.CRITICAL, f"has {came[:_SHOWN]!r} in the header {name} where {wanted[:_SHOWN]!r} is expected"
    yield from _texts(options, page)
    if page.not_json:
        yield State.CRITICAL, f"is not JSON: {page.not_json}"
    elif options.json_values and page.truncated:
        yield State.UNKNOWN, f"is longer than {options.max_bytes} octets, so its values were not read; raise max_bytes"
    seconds = sum(page.phases.values())
    if options.critical_seconds is not None and seconds >= options.critical_seconds:
        yield State.CRITICAL, f"took {seconds:.2f} s, {options.critical_seconds:g} s is critical"
    elif options.warning_seconds is not None and seconds >= options.warning_seconds:
        yield State.WARNING, f"took {seconds:.2f} s, {options.warning_seconds:g} s is too much"


def _texts(options: HttpOptions, page: Page) -> Iterator[tuple[State, str]]:
    """A page that was cut proves what it holds, and never what it lacks."""
    for name, held in page.texts.items():
        wanted = str(getattr(options, name))[:_SHOWN]
        what = "a line like" if name.endswith("pattern") else "the text"
        unwanted = name.startswith("not_")
        if held is None:
            yield State.UNKNOWN, f"could not be searched for {what} {wanted!r} in time"
        elif unwanted and held:
            yield State.CRITICAL, f"holds {what} {wanted!r}, which it must not"
        elif not held and page.truncated:
            yield (
                State.UNKNOWN,
                f"is longer than {options.max_bytes} octets, and {wanted!r} is not in those; raise max_bytes",
            )
        elif not unwanted and not held:
            yield State.CRITICAL, f"does not hold {what} {wanted!r}"


def _onward(page: Page) -> str:
    if not page.location or not 300 <= page.status <= 399:
        return ""
    return f" and sends on to {page.location[:_SHOWN]}, which is not followed,"


def _wanted(options: HttpOptions) -> str:
    return " or ".join(str(first) if first == last else f"{first}–{last}" for first, last in options.expect_status)


def _values(options: HttpOptions, page: Page) -> Iterator[Finding]:
    """A finding for each value that the page was read for; none when it was no JSON, for then nothing was read."""
    for pointer, wanted in options.json_values.items():
        name = options.name_of(pointer)
        key = f"http/{options.page}/{name}"
        if pointer in page.missing:
            yield Finding(key, State.UNKNOWN, _short(f"{name} could not be read: {page.missing[pointer]} in the page"))
        elif pointer in page.values:
            state, said = _value(wanted, page.values[pointer])
            yield Finding(key, state, _short(f"{name} {said}"))


def _value(wanted: JsonValue, value: Scalar) -> tuple[State, str]:
    told = _told(value)
    if wanted.equals is not None and not _same(wanted.equals, value):
        return State.CRITICAL, f"is {told} where {_told(wanted.equals)} is expected"
    if wanted.warning is None and wanted.critical is None:
        return State.OK, f"is {told}"
    number = _number(value)
    if number is None:
        return State.UNKNOWN, f"is {told}, which is no number that limits could judge"
    for state, limit in ((State.CRITICAL, wanted.critical), (State.WARNING, wanted.warning)):
        beyond = _beyond(limit, number)
        if beyond:
            return state, f"is {told}, {beyond} is {state.value}"
    return State.OK, f"is {told}"


def _same(wanted: Scalar, value: Scalar) -> bool:
    """Truth values are no numbers here, as in JSON: 1 is not true."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _number(value: Scalar) -> float | None:
    """Numbers, also those that a product writes as text."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _beyond(limit: Limit | None, number: float) -> str:
    if limit is not None and limit.above is not None and number > limit.above:
        return f"above {limit.above:g}"
    if limit is not None and limit.below is not None and number < limit.below:
        return f"below {limit.below:g}"
    return ""


def _told(value: Scalar) -> str:
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    return (
        {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else f"{value}"
    )


def _certificate(options: HttpOptions, tls: Tls, place: str, now: float) -> Finding:
    key = f"http/certificate/{place}"
    if tls.problem is not None:
        return Finding(key, State.CRITICAL, _short(tls.said), _shown_by(tls))
    if tls.certificate is None:
        why = tls.unreadable or "none was shown"
        return Finding(key, State.UNKNOWN, _short(f"the certificate of {place} cannot be read: {why}"))
    state, said = life(tls.certificate, now, options.certificate_warning_days, options.certificate_critical_days)
    return Finding(key, state, _short(f"the certificate of {place} {said}"), _shown_by(tls))


def _shown_by(tls: Tls) -> dict[str, str]:
    found = {"tls": f"{tls.version} {tls.cipher}"} if tls.version else {}
    if tls.certificate is not None:
        one = tls.certificate
        names = ", ".join((*one.dns_names, *one.ip_names))
        found |= {"subject": one.subject, "issuer": one.issuer, "names": names[:_LONGEST], "pin": one.pin}
    return found


def _readings(options: HttpOptions, page: Page) -> Iterator[Reading]:
    label = options.page
    yield Reading(STATUS, page.status, (label,))
    yield Reading(BODY, page.size, (label,))
    for phase, seconds in page.phases.items():
        yield Reading(DURATION, seconds, (label, phase))
    for pointer, value in page.values.items():
        number = float(value) if isinstance(value, bool) else _number(value)
        if number is not None:
            yield Reading(VALUE, number, (label, options.name_of(pointer)))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
