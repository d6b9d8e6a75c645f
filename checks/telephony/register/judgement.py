"""What the visits to the registrars mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.contract import Assessment, Family, Finding, Memory, Reading, Reason, State
from checks.telephony.register.options import KIND, RegisterOptions
from checks.telephony.register.visit import Registrar
from checks.telephony.silence import heard, noted
from checks.telephony.statuses import Sign, sign
from checks.telephony.way import ASKED, AWAY, nameless_findings

REGISTERED = Family(
    "ridgeway_sip_registered", "Whether the registrar took the test extension and listed it.", labels=("endpoint",)
)
SECONDS = Family(
    "ridgeway_sip_registration_seconds", "Time from the first REGISTER to the answer that took it.", unit="seconds",
    labels=("endpoint",),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registrations:
    """Every registrar that was asked."""

    registrars: tuple[Registrar, ...]
    complete: bool = True
    """False where some were not asked, since one before them refused the password."""
    known: frozenset[str] = frozenset()
    """Those that have answered before."""
    nameless: tuple[tuple[str, str], ...] = ()
    """Hosts of SRV records that have no address, each with what is wrong."""

    @property
    def reached(self) -> bool | None:
        """Silence tells nothing, as for `sip_options`."""
        if any(one.status is not None or (one.fault is not None and one.fault.reached) for one in self.registrars):
            return True
        return None


def judged(options: RegisterOptions, answers: Registrations, memory: Memory | None) -> Assessment:
    """Findings of each registrar: whether it takes the extension, who else uses it, and whether anything was left.

    What could not be asked of a registrar keeps its state: then nothing but what was judged is covered. One that is not
    there is told under the condition of `sip_options`, and one that answers is there again.
    """
    known = answers.known | heard(memory)
    findings: list[Finding] = [*nameless_findings(KIND, answers.nameless)]
    readings: list[Reading] = []
    for one in answers.registrars:
        findings.append(_finding(one, options, one.name in known))
        findings += _beside(one)
        readings += _readings(one)
    whole = answers.complete and all(one.listed for one in answers.registrars)
    there = frozenset(f"{ASKED}/{one.name}" for one in answers.registrars if one.status is not None)
    covers = frozenset({f"{KIND}/*", f"{ASKED}/*"}) if whole else there | {finding.key for finding in findings}
    note = noted(memory, (one.name for one in answers.registrars if one.status is not None))
    return Assessment(tuple(findings), tuple(readings), covers, covers, note)


def _finding(one: Registrar, options: RegisterOptions, known: bool) -> Finding:
    key = f"{KIND}/{one.name}"
    if one.status is None:
        assert one.fault is not None  # it is one or the other
        if one.fault.reason is Reason.NO_ANSWER and not known:
            words = f"{one.fault.message}; it has never answered, so a filter may drop strangers"
            return Finding(key, State.UNKNOWN, words[:300])
        key = f"{ASKED}/{one.name}" if one.fault.reason in AWAY else key
        return Finding(key, one.fault.state, one.fault.message[:300])
    said = f"{one.status} {one.reason}".strip()
    evidence = {"status": said, "sent": str(one.sent)}
    if not 200 <= one.status < 300:
        return Finding(key, *_refusal(one, said), evidence)
    if not one.listed:
        words = f"{one.name} answers {said}, but does not list the registration: no call would reach the extension"
        return Finding(key, State.CRITICAL, words, evidence)
    granted = "" if one.granted is None else f" for {one.granted:g} s"
    words = f"{one.name} registers the test extension{granted}, in {one.seconds * 1000:.0f} ms"
    if options.warning_seconds is not None and one.seconds >= options.warning_seconds:
        words += f"; {options.warning_seconds * 1000:g} ms is too much"
        return Finding(key, State.WARNING, words, evidence)
    return Finding(key, State.OK, words, evidence)


def _refusal(one: Registrar, said: str) -> tuple[State, str]:
    assert one.status is not None  # the caller has seen to it
    meaning = sign(one.status, one.retry_after)
    words = f"{one.name} answers {said} to the test extension's registration"
    if meaning is Sign.MOVED:
        where = f", at {one.elsewhere}" if one.elsewhere else ""
        return State.WARNING, f"{words}: it says that it is asked elsewhere{where}; ask that one"
    if meaning is Sign.DEGRADED:
        wait = f"; it asks to be left alone for {one.retry_after:g} s" if one.retry_after is not None else ""
        return State.WARNING, f"{words}: it is {meaning.value}{wait}"
    if one.status == 423:
        return State.WARNING, f"{words}: the time that it wants registrations to last cannot be met"
    return (
        State.CRITICAL,
        f"{words}: phones may not register there either; look at the extension, then at the registrar",
    )


def _beside(one: Registrar) -> Iterator[Finding]:
    """Whether others use the extension, as far as it was told, and whether our own registration is gone."""
    if one.listed:
        key = f"{KIND}/{one.name}/other"
        if one.others:
            times = "once more" if one.others == 1 else f"{one.others} times more"
            words = (
                f"the test extension is registered {times} at {one.name} (from {', '.join(one.other_hosts)}): "
                "a person's phone, or another probe; give this probe an extension that nobody else uses"
            )
            yield Finding(key, State.WARNING, words[:300])
        else:
            yield Finding(key, State.OK, f"nobody else is registered as the test extension at {one.name}")
    key = f"{KIND}/{one.name}/left"
    if one.left:
        ends = "" if one.granted is None else f", in {one.granted:g} s at most"
        words = f"it is not proved that the test extension is unregistered again; it ends by itself{ends}: {one.left}"
        yield Finding(key, State.WARNING, words[:300])
    elif one.listed:
        yield Finding(key, State.OK, f"{one.name} has unregistered the test extension again")


def _readings(one: Registrar) -> Iterator[Reading]:
    yield Reading(REGISTERED, float(one.listed), (one.name,))
    if one.listed:
        yield Reading(SECONDS, one.seconds, (one.name,))
