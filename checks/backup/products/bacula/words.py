"""The catalogue's letters in the words of the model. Pure. Source: Bacula's table `Status` and jcr.h; Bareos' jcr.h."""

from __future__ import annotations

from checks.backup.model import Level, Outcome

_OUTCOMES = {
    "T": Outcome.SUCCESS,  # "OK -- with warnings" too: JobErrors tells them apart
    "W": Outcome.PARTIAL,
    "E": Outcome.FAILED,
    "e": Outcome.FAILED,
    "f": Outcome.FAILED,
    "D": Outcome.FAILED,
    "A": Outcome.CANCELLED,
    "I": Outcome.PARTIAL,
    "C": Outcome.RUNNING,
    "R": Outcome.RUNNING,
    **dict.fromkeys("BFSmMsjcdtpialq", Outcome.WAITING),
}
_WAITS = {
    "m": "it waits for a new volume",
    "M": "it waits for a volume to be mounted",
    "F": "it waits for the client",
    "S": "it waits for the storage daemon",
    "t": "it waits for its start time",
}
_LEVELS = {"F": Level.FULL, "D": Level.DIFFERENTIAL, "I": Level.INCREMENTAL}
READ_AGAIN = frozenset({"O", "A"})
"""Levels of a verify job that read what was written: volume to catalogue, and data. The others look at the client."""


def outcome_of(status: object, errors: int | None) -> Outcome:
    """How a job ended, or that it has not; a letter that nobody knows is unknown."""
    found = _OUTCOMES.get(status, Outcome.UNKNOWN) if isinstance(status, str) else Outcome.UNKNOWN
    return Outcome.PARTIAL if found is Outcome.SUCCESS and errors else found


def level_of(letter: object) -> Level:
    return _LEVELS.get(letter, Level.OTHER) if isinstance(letter, str) else Level.OTHER


def waits_for(status: object) -> str:
    """What a job that has not ended waits for, in words; empty where that says nothing to anybody."""
    return _WAITS.get(status, "") if isinstance(status, str) else ""
