"""What the traps of Mitel systems say. Pure: snmpTrapOID and variables in, words out.

Names, numbers and the order of variables: MITEL-IperaVoiceLAN-MIB, MITEL-SX2000-MIB, MITEL-CMNALM-MIB, MITEL-ERN,
MITEL-MN3100-CALL-CONTROL-MIB, MITEL-VOICE-MAIL-MIB, MITEL-MN3100-T1-TRAP-MIB. A trap of version 1 comes as RFC 3584
makes one of version 2 of it: enterprise, 0, specific number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from checks.notices import Notice, Notices
from checks.printable import printable
from checks.telephony.mitel import causes

Variables = Sequence[tuple[str, object]]
_MITEL = "1.3.6.1.4.1.1027"
_CALL_SERVERS = (f"{_MITEL}.1.2.3", f"{_MITEL}.1.2.2")
"""A 3300 by the MIBs since 2011 and before 2006, and by that of 2006: its numbers are matched under either."""
_SX_2000 = (f"{_MITEL}.1.2.2", f"{_MITEL}.1.2.1")
"""Likewise."""
_3100 = f"{_MITEL}.1.2.4"
_ALARMS = f"{_MITEL}.4.1.1.2.2"
_RESILIENCE = f"{_MITEL}.4.1.1.2.4.1.1"
_COMMON = f"{_MITEL}.4.9.1"
EMERGENCY = "mitelCsErNotification"
_LONGEST = 48
_LEVELS = {1: "clear", 2: "minor", 3: "major", 4: "critical"}
"""Of the call servers. The next is another scale."""
_SEVERITIES = {1: "cleared", 2: "indeterminate", 3: "critical", 4: "major", 5: "minor", 6: "warning"}
"""X.733, of the MSL family."""
_FAULTS = {1: "set", 2: "clear", 3: "message"}


def read(trap: str, variables: Variables) -> Notice | None:
    """A trap of a Mitel system; None when it is none of those that are known."""
    known = _KNOWN.get(trap)
    if known is None:
        return None
    name, words = known
    if name == EMERGENCY:
        return Notice(name, _EMERGENCY_CALL, change=False, prompts=False, acknowledged=False, remedy=REMEDY)
    return Notice(name, printable(words(variables))[:200])


def _alarm(variables: Variables) -> str:
    level = _named(_number(variables, f"{_ALARMS}.1"), _LEVELS)
    return "an alarm was detected or cleared" + (f", overall level {level}" if level else "")


def _shutdown(variables: Variables) -> str:
    return causes.shutdown(_number(variables, f"{_ALARMS}.5"), _number(variables, f"{_ALARMS}.6"))


def _restart(variables: Variables) -> str:
    return causes.restart(_number(variables, f"{_ALARMS}.7"), _number(variables, f"{_ALARMS}.8"))


def _failover(variables: Variables) -> str:
    return f"the first phones of {_primary(variables)} came to this controller, their backup"


def _well_again(variables: Variables) -> str:
    return f"{_primary(variables)} is well again; its phones are still on this controller, their backup"


def _at_home(variables: Variables) -> str:
    return f"all phones of {_primary(variables)} went back to it"


def _common(variables: Variables) -> str:
    words = "an alarm was detected or cleared"
    severity = _named(_number(variables, f"{_COMMON}.1.2.1.5"), _SEVERITIES)
    parts = [_text(variables, f"{_COMMON}.1.2.1.{column}") for column in (2, 4)]
    what = ", ".join(part for part in (*parts, severity) if part)
    overall = _named(_number(variables, f"{_COMMON}.1.1.1"), _SEVERITIES)
    return words + (f": {what}" if what else "") + (f"; overall {overall}" if overall else "")


def _fault(what: str) -> Callable[[Variables], str]:
    """Faults of a 3100 begin with their status."""

    def words(variables: Variables) -> str:
        status = next((value for _, value in variables if isinstance(value, int)), None)
        said = _named(status, _FAULTS)
        return f"{what}: {said}" if said else what

    return words


def _plain(what: str) -> Callable[[Variables], str]:
    return lambda _variables: what


def _primary(variables: Variables) -> str:
    return _text(variables, f"{_RESILIENCE}.1") or "a primary that is not named"


def _value(variables: Variables, column: str) -> object:
    """The first variable of this object, whatever its instance: a scalar's may be missing in version 1."""
    return next((value for oid, value in variables if oid == column or oid.startswith(f"{column}.")), None)


def _number(variables: Variables, column: str) -> int | None:
    said = _value(variables, column)
    return said if isinstance(said, int) else None


def _text(variables: Variables, column: str) -> str:
    said = _value(variables, column)
    return printable(said.decode("utf-8", "replace"), _LONGEST).strip() if isinstance(said, bytes) else ""


def _named(number: int | None, scale: Mapping[int, str]) -> str:
    """The word of a number; one that the scale has not is shown as it is."""
    return "" if number is None else scale.get(number, f"{number}, which is not on its scale")


_EMERGENCY_CALL = "an emergency call was made (calling, dialled and location numbers are masked)"
REMEDY = (
    "only one manager may get these, the emergency adviser's, and this agent never acknowledges one: "
    'set "ER Notification" to No for this agent, and see that the adviser gets them'
)
_NUMBERS: Mapping[int, tuple[str, Callable[[Variables], str]]] = {
    301: ("mitelIpera3000NotifAlarm", _alarm),
    302: ("mitelIpera3000ShutdownAlarm", _shutdown),
    303: ("mitelIpera3000RestartCompleteAlarm", _restart),
    501: ("mitelIpera3000NotifResiltFirstSetFailover", _failover),
    502: ("mitelIpera3000NotifResiltHealthCheckComplete", _well_again),
    503: ("mitelIpera3000NotifResiltHandoffComplete", _at_home),
}
_FAULTS_OF_3100: Mapping[int, tuple[str, str]] = {
    406: ("mitelCallCtrlFailedSeizeLineNotif", "a line could not be seized"),
    407: ("mitelCallCtrlDdiMappingErrorNotif", "a direct dial-in number is mapped to nothing"),
    408: ("mitelVoiceMailDiskNearlyFullNotif", "the disk of the voice mail is nearly full"),
    409: ("mitelVoiceMailDiskFullNotif", "the disk of the voice mail is full"),
    411: ("mitel3100TaskCrashed", "a task has crashed"),
}
_KNOWN: Mapping[str, tuple[str, Callable[[Variables], str]]] = {
    **{f"{enterprise}.0.{number}": known for enterprise in _CALL_SERVERS for number, known in _NUMBERS.items()},
    **{f"{enterprise}.0.201": ("mitelCs2000NotifAlarm", _plain("an alarm was detected or cleared"))
       for enterprise in _SX_2000},
    f"{_COMMON}.2.1": ("mitelNotifActiveAlarm", _common),
    **{f"{_3100}.0.{number}": (name, _fault(what)) for number, (name, what) in _FAULTS_OF_3100.items()},
    f"{_3100}.0.410": ("mitelMn3100dsx1LineSatusChangeNotif", _plain("the state of a T1 or E1 line changed")),
    f"{_MITEL}.4.1.1.3.0.401": (EMERGENCY, _plain(_EMERGENCY_CALL)),
}  # fmt: skip
NOTICES = Notices(tuple(dict.fromkeys(name for name, _ in _KNOWN.values())), read)
