"""Why a MiVoice Business went down or started, by the numbers of its traps (MITEL-IperaVoiceLAN-MIB). Pure."""

from __future__ import annotations

_SHUTDOWN = (
    "low resources", "a software failure", "a hardware failure", "its software was upgraded", "a database was restored",
    "a changed configuration while it started", "a failure of its layer-2 switch", "the remote alarm button",
    "a programmed reboot", "a reboot by maintenance command", "a shutdown by maintenance command", "",
)  # fmt: skip
"""By number, from 1. A MIB's text calls the last one 11, its enumeration 12: "not reported"."""
PEOPLES = frozenset({4, 5, 6, 9, 10, 11})
"""Those which people asked for."""
_DETAILED = (
    "", "a software component failed", "", "", "", "", "", "a soft restart by call control", "a scheduled reboot",
    "a hardware trap in call control", "a software trap in call control", "a LOAD command", "a disk failure",
    "a hardware reset by call control", "fragmented memory", "a task does not exist", "a task was suspended",
    "a task did not respond", "an unknown restart of VxWorks", "an unknown process", "",
)  # fmt: skip
"""By number, from 1; empty where it says no more than the cause, or nothing."""
_RESET = ("push button", "software", "power on", "system fault", "")
_BITS = (
    "hard reset", "soft reset", "bus monitor", "software watchdog", "check stop", "JTAG", "CPLD watchdog", "power on",
    "software", "push button",
)  # fmt: skip
"""By bit, from the lowest. The highest one that is set is typically the reason."""


def shutdown(cause: int | None, detailed: int | None) -> str:
    """What the trap says by which a system goes down."""
    words = "it shuts down: " + (_of(_SHUTDOWN, cause) or "no cause is reported")
    more = _of(_DETAILED, detailed)
    words += f" ({more})" if more else ""
    return f"{words}; people asked for it" if cause in PEOPLES else words


def restart(cause: int | None, bits: int | None) -> str:
    """What the trap says by which a system is up again."""
    words = "it has started: " + (_of(_RESET, cause) or "no cause is known")
    reason = "" if bits is None or not 0 < bits < 1 << len(_BITS) else _BITS[bits.bit_length() - 1]
    return f"{words} (reset bits {bits:#06x}, {reason})" if reason else words


def _of(names: tuple[str, ...], number: int | None) -> str:
    if number is None:
        return ""
    return names[number - 1] if 1 <= number <= len(names) else f"cause {number}, which the MIB does not have"
