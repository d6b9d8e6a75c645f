"""What the tries, counters and simulators mean for a flow. Pure.

*Blocked* counts only with proof: the listener answered another vantage both before and after, while something answered
this one, so that neither a dead listener nor a dead line can pass for a firewall; or the drop rule itself counted the
very packets. Otherwise it is *unknown*, and says what would prove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor

from checks.contract import Assessment, Family, Finding, Reading, State
from checks.path.answers import Attempt, Count, FlowAnswers, Outcome, PathAnswers, Role, Word
from checks.path.options import KIND, SYN_AGAIN, Flow, Must, PathOptions, Protocol, places

OK = Family(
    "ridgeway_path_flow_ok",
    "1 where the flow was proved to do what it must in the last run, 0 where it does not; absent where nobody knows.",
    labels=("flow", "from", "must"),
)
PASSES = Family(
    "ridgeway_path_flow_passes",
    "1 where the flow got through in the last run, 0 where it was proved to be blocked; absent where nobody knows.",
    labels=("flow", "from", "must"),
)
CONNECT = Family(
    "ridgeway_path_connect_seconds",
    "Time until the flow got through, in the last run; absent when it did not.",
    unit="seconds",
    labels=("flow", "from"),
)
SIMULATED = Family(
    "ridgeway_path_simulator_passes",
    "What the firewall's own simulator says of the flow: 1 it would pass, 0 it would not; absent if it does not say.",
    labels=("flow",),
)
FAMILIES = (OK, PASSES, CONNECT, SIMULATED)
ASKING = f"{KIND}/asking"
_ANSWERED = (Outcome.OPEN, Outcome.REFUSED, Outcome.BROKEN)
_LONGEST = 300
_WORDS = {
    Outcome.OPEN: "got through",
    Outcome.REFUSED: "closed or rejected, which cannot be told apart",
    Outcome.SILENT: "no answer",
    Outcome.UNREACHABLE: "the network says that there is no way",
    Outcome.BROKEN: "a connection, but no answer in its protocol",
    Outcome.FAILED: "could not be tried",
}


def key_of(flow: str) -> str:
    """The finding of a flow."""
    return f"{KIND}/{flow}"


def simulator_key_of(flow: str) -> str:
    """The finding of what the simulator says of it."""
    return f"{KIND}/{flow}/simulator"


def vantage_key_of(vantage: str) -> str:
    """The finding of a vantage that cannot be asked."""
    return f"{KIND}/vantage/{vantage}"


@dataclass(slots=True)
class _Work:
    options: PathOptions
    answers: PathAnswers
    here: str
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)
    heard: frozenset[tuple[str, int]] = frozenset()
    """Vantages that got any answer at all, by turn."""

    def say(self, key: str, state: State, summary: str, evidence: dict[str, str]) -> None:
        self.findings.append(Finding(key, state, summary[:_LONGEST], evidence))
        self.covers.add(key)


def judged(options: PathOptions, answers: PathAnswers, here: str) -> Assessment:
    """All flows. A prober's part by itself says nothing, and covers nothing."""
    if not answers.leads:
        return Assessment(())
    attempts = [attempt for flow in answers.flows.values() for attempt in flow.attempts if attempt.sound]
    heard = frozenset((one.vantage, one.turn) for one in attempts if one.outcome in _ANSWERED)
    work = _Work(options, answers, here, heard=heard)
    for name, flow in options.flows.items():
        _judge(work, name, flow, answers.flows.get(name, FlowAnswers()))
    _asked(work)
    return Assessment(tuple(work.findings), tuple(work.readings), frozenset(work.covers))


def _asked(work: _Work) -> None:
    """What could not be asked is said once, and not with every flow that needs it."""
    for vantage in places(work.options):
        why = work.answers.away.get(vantage)
        key = vantage_key_of(vantage)
        if why is not None:
            said = f"the prober at {vantage} could not be asked, so what begins or is proved there is not known: {why}"
            work.say(key, State.UNKNOWN, said, {})
        elif vantage != work.here:
            work.say(key, State.OK, f"the prober at {vantage} makes its tries", {})
    mute = work.answers.mute
    if not any(flow.counter or flow.simulator for flow in work.options.flows.values()):
        return
    if mute:
        first = next(iter(mute.values()))
        work.say(ASKING, State.UNKNOWN, f"no counters and no simulator: {first}", dict(list(mute.items())[:10]))
    else:
        work.say(ASKING, State.OK, "every device could be asked", {})


@dataclass(frozen=True, slots=True)
class _Verdict:
    """`passes`: whether the flow gets through; None where it is not known, and then `state` is unknown."""

    state: State
    said: str
    passes: bool | None = None


def _judge(work: _Work, name: str, flow: Flow, seen: FlowAnswers) -> None:
    evidence = _evidence(flow, seen)
    verdict = _verdict(work, flow, seen)
    if verdict is not None:
        work.say(key_of(name), verdict.state, f"{_what(name, flow)}: {verdict.said}", evidence)
        _read(work, name, flow, seen, verdict)
    word = seen.simulator
    if word is not None and word.asked:
        state, said = _compared(flow, None if verdict is None else verdict.passes, word)
        work.say(simulator_key_of(name), state, f"{_what(name, flow)}: {said}", evidence)
        if word.passes is not None:
            work.readings.append(Reading(SIMULATED, float(word.passes), (name,)))


def _read(work: _Work, name: str, flow: Flow, seen: FlowAnswers, verdict: _Verdict) -> None:
    labels = (name, flow.source, flow.must.value)
    if verdict.state is not State.UNKNOWN:
        work.readings.append(Reading(OK, float(verdict.state is State.OK), labels))
    # A flow that must pass and does not may be a dead listener's: that it is blocked is not proved.
    if verdict.passes is True or (verdict.passes is False and flow.must is Must.BLOCK):
        work.readings.append(Reading(PASSES, float(verdict.passes), labels))
    opened = [attempt for attempt in _of(seen, Role.PROBE) if attempt.outcome is Outcome.OPEN]
    if opened:
        work.readings.append(Reading(CONNECT, min(attempt.seconds for attempt in opened), (name, flow.source)))


def _of(seen: FlowAnswers, role: Role) -> list[Attempt]:
    return [attempt for attempt in seen.attempts if attempt.role is role and attempt.sound]


def _verdict(work: _Work, flow: Flow, seen: FlowAnswers) -> _Verdict | None:
    """None: what it needs could not be asked, and is told elsewhere; the flow keeps its state and grows stale."""
    probes = _of(seen, Role.PROBE)
    tried = [attempt for attempt in probes if attempt.outcome is not Outcome.FAILED]
    opened = next((attempt for attempt in tried if attempt.outcome is Outcome.OPEN), None)
    if opened is not None:
        if flow.must is Must.PASS:
            return _Verdict(State.OK, f"passes ({opened.seconds * 1000:.1f} ms)", True)
        return _Verdict(State.CRITICAL, "open although it must be blocked; look at the firewall's rules now", True)
    if not tried:
        if flow.source in work.answers.away:
            return None
        why = next((attempt.detail for attempt in probes if attempt.detail), "raise the check's `timeout`")
        return _Verdict(State.UNKNOWN, f"could not be tried from {flow.source}: {why}")
    last = tried[-1]
    if flow.must is Must.PASS:
        detail = f" ({last.detail})" if last.outcome is Outcome.BROKEN and last.detail else ""
        return _Verdict(State.CRITICAL, f"must pass, but {_WORDS[last.outcome]}{detail}", False)
    return _blocked(work, flow, seen, tried)


def _blocked(work: _Work, flow: Flow, seen: FlowAnswers, tried: list[Attempt]) -> _Verdict | None:
    """No connection: is it the firewall's doing?"""
    how = _WORDS[tried[-1].outcome]
    counted, uncounted = _by_counter(flow, seen.counter, tried)
    if counted:
        return _Verdict(State.OK, f"blocked ({how}; {counted})", False)
    alive, unproved = _by_life(work, flow, seen, tried)
    if alive:
        return _Verdict(State.OK, f"blocked ({how}; {alive})", False)
    if (flow.alive_from is None or flow.alive_from in work.answers.away) and (
        seen.counter is None or not seen.counter.asked
    ):
        return None
    why = "; ".join(part for part in (unproved, uncounted) if part)
    return _Verdict(State.UNKNOWN, f"{how}, but nothing proves that it is blocked: {why}")


def _by_life(work: _Work, flow: Flow, seen: FlowAnswers, tried: list[Attempt]) -> tuple[str, str]:
    """The proof that the listener lives, or why there is none."""
    if flow.alive_from is None:
        return "", ""
    if flow.alive_from in work.answers.away:
        return "", f"the prober at {flow.alive_from} could not be asked"
    turns = [attempt.turn for attempt in _of(seen, Role.ALIVE) if attempt.outcome is Outcome.OPEN]
    if not turns:
        return "", f"nothing answers {flow.alive_from} there either; is the listener up, and may {flow.alive_from} in?"
    between = [attempt for attempt in tried if min(turns) < attempt.turn < max(turns)]
    if not between:
        return "", f"the listener answered {flow.alive_from} only before or only after; has it just started or died?"
    if not any((one.vantage, one.turn) in work.heard for one in between):
        return "", (
            f"nothing at all answered {flow.source} meanwhile, so its own line may be down; add a flow from there that "
            "must pass"
        )
    return f"the listener answers {flow.alive_from}", ""


def _by_counter(flow: Flow, counter: Count | None, tried: list[Attempt]) -> tuple[str, str]:
    """The proof that the rule dropped the very packets, or why there is none."""
    if counter is None:
        return "", ""
    if counter.before is None or counter.after is None:
        return "", f"the counter could not be read ({counter.fault})"
    least = sum(attempt.tries for attempt in tried)
    most = least * packets_of(flow.protocol, max(attempt.seconds for attempt in tried))
    rise = counter.after - counter.before
    if least <= rise <= most:
        return f"its rule counted {rise:.0f} packets", ""
    if rise > most:
        return "", f"its rule counted {rise:.0f} packets where {most} were sent: others meet it too"
    return "", f"its rule counted {rise:.0f} packets where {least} were sent, so it did not drop them all"


def packets_of(protocol: Protocol, seconds: float) -> int:
    """How many packets one try sends at most: TCP sends an unanswered SYN again, DNS asks three times."""
    if protocol is Protocol.DNS:
        return 3
    return 1 if protocol is Protocol.NTP else 1 + floor(seconds / SYN_AGAIN)


def _compared(flow: Flow, passes: bool | None, word: Word) -> tuple[State, str]:
    """The device's word beside the real probe's."""
    if word.passes is None:
        return State.UNKNOWN, f"the simulator is not understood: {word.fault}"
    rule = f" by {word.rule}" if word.rule else ""
    says = f"the simulator says that it {'passes' if word.passes else 'is blocked'}{rule}"
    if passes is None and word.passes is not (flow.must is Must.PASS):
        return State.WARNING, f"{says}, which is not as it must be; no probe could tell"
    if passes is True and not word.passes:
        return State.WARNING, f"{says}, but the probe got through: does it go another way, or through another rule?"
    if passes is False and word.passes and flow.must is Must.BLOCK:
        return State.WARNING, f"{says}, but it is proved to be blocked: by something else than this firewall's rules"
    if passes is False and word.passes:
        return State.OK, f"{says}: look behind the firewall, at the service and what else is on the way"
    return State.OK, f"{says}, and so it is" if passes is not None else says


def _what(name: str, flow: Flow) -> str:
    return f"{name} ({flow.source} to {flow.to or 'this target'} port {flow.at}/{flow.protocol.carrier})"


def _evidence(flow: Flow, seen: FlowAnswers) -> dict[str, str]:
    """Whose it is and why, and each proof with its time."""
    evidence = {"owner": flow.owner, "reason": flow.reason, "must": flow.must.value}
    for role, title in ((Role.PROBE, "probe"), (Role.ALIVE, "listener")):
        said = "; ".join(_told(_of(seen, role)))
        if said:
            evidence[title] = said[:_LONGEST]
    if seen.counter is not None:
        counter = seen.counter
        known = counter.before is not None and counter.after is not None
        evidence["counter"] = f"{counter.before:.0f} before, {counter.after:.0f} after" if known else counter.fault
    if seen.simulator is not None:
        word = seen.simulator
        evidence["simulator"] = f"{_at(word.at)} {word.said} {word.rule}".rstrip() if word.said else word.fault
    return evidence


def _told(attempts: Iterable[Attempt]) -> Iterable[str]:
    for one in attempts:
        times = f", {one.tries} tries" if one.tries > 1 else ""
        detail = f" ({one.detail})" if one.detail and one.outcome in (Outcome.FAILED, Outcome.BROKEN) else ""
        yield f"{_at(one.at)} {one.vantage}: {_WORDS[one.outcome]} after {one.seconds:.3f} s{times}{detail}"


def _at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
