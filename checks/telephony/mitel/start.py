"""Why the system started last: a fault of its own is worth a look, people's and the power's doing is told. Pure."""

from __future__ import annotations

from checks.contract import Finding, State
from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.plan import UPTIME, Plan

KEY = "mitel/start"
_HOST_UPTIME = "1.3.6.1.2.1.25.1.1.0"
"""hrSystemUptime."""
_TOLD = 86_400.0
"""Seconds of running for which it is told."""
_FAULT = "system fault"
_BITS = {
    0x0003: "external hard reset", 0x0010: "check stop", 0x0043: "watchdog (CPLD)", 0x0100: "software",
    0x0103: "software", 0x0200: "push button", 0x0203: "push button",
}  # fmt: skip
"""mitelIpera3000AlmResetCauseBITS, as its MIB lists them."""
_GRAVE = frozenset({0x0010, 0x0043})


def judged(plan: Plan, answers: SnmpAnswers) -> Finding | None:
    """The finding of a start within the last day; None where there was none, or the system does not tell."""
    cause, uptime = plan.by_name.get("reset_cause"), _uptime(answers)
    if cause is None or uptime is None or not 0 <= uptime < _TOLD:
        return None
    number = answers.values.get(cause.oids[0])
    if number is None:
        return None
    named = raw.told(cause, answers.values, answers.errors)
    bits = _bits(plan, answers)
    state = State.WARNING if named == _FAULT or bits in _GRAVE else State.OK
    if named is None:
        state = State.UNKNOWN
    said = str(named) if named is not None else f"{str(number)[:40]}, which is not among the known causes"
    told = "" if bits is None else f" ({_BITS.get(bits, f'reset bits {bits:#06x}')})"
    words = f"started {uptime / 3600:.1f} h ago, cause: {said}{told}"
    if state is State.WARNING:
        words += ": look at its maintenance log, and ask for support if it happens again"
    evidence = {"cause": said} | ({} if bits is None else {"reset bits": f"{bits:#06x}"})
    return Finding(KEY, state, words[:300], evidence)


def _uptime(answers: SnmpAnswers) -> float | None:
    """Seconds since the start of the host, or else of what answers SNMP there, which may start more often."""
    ticks = (answers.values.get(oid) for oid in (_HOST_UPTIME, UPTIME))
    return next((said / 100 for said in ticks if isinstance(said, int)), None)


def _bits(plan: Plan, answers: SnmpAnswers) -> int | None:
    value = plan.by_name.get("reset_bits")
    said = None if value is None else answers.values.get(value.oids[0])
    return said if isinstance(said, int) and 0 <= said < 2**32 else None
