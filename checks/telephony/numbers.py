"""Which numbers may be dialled at all, and how a number is shown. Pure; no setting takes anything away from it.

The list is closed: what is not an internal number or an ordinary UK number is refused, whatever it is. The classes are
those of Ofcom's National Telephone Numbering Plan. Whether a leading digit is an access code for an outside line is the
telephone system's secret: it is taken for one wherever it could be, and what is behind it meets the same list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

EMERGENCY = ("999", "112", "911", "101", "111", "1800")
"""Emergency services, also as some systems translate 911; police and NHS; 18000 and the rest of the text relay."""
_PEOPLE = re.compile(r"100|105|119|123|150|151|154|155|159|195|14[17]\d*|1280\d*")
"""Operators, fault and helplines, and codes before a number (caller's identity, call return, carriers)."""
_SEPARATORS = re.compile(r"[\s.()/\-\u2010-\u2015\u2212\u00ad\u200b-\u200d\u2060\ufeff]")
_ESCAPE = re.compile(r"%([0-9a-f]{2})", re.I)
_SCHEME = re.compile(r"\s*(?:tel|sips?|callto|urn):/{0,2}", re.I)
_LONGEST_TEXT = 200
_LONGEST_ACCESS = 3
"""Digits of the longest access code for an outside line that is reckoned with."""
_LONGEST_INTERNAL = 7
_SHORTEST_DIALLED_OUT = 6
"""Digits behind an access code from which they may be a number of the public network and no more a part of an internal
one."""
_UK = re.compile(r"0(?:1\d{8,9}|2\d{9}|3\d{9}|80[08]\d{6,7})")
"""Geographic, UK-wide and freephone numbers as they are dialled within the country."""
_OTHER_ISLANDS = ("01481", "01534", "01624")
_CHARGED = (
    ("00", "an international number"),
    ("09", "a premium rate number"),
    ("118", "a directory enquiry number"),
    ("116", "a helpline"),
    ("084", "a service number that the carrier charges for (084)"),
    ("087", "a service number that the carrier charges for (087)"),
    ("070", "a personal number (070), which costs what its owner likes"),
    ("076", "a pager"),
    ("07", "a mobile number, and so a person's"),
)
_DIGITS_SHOWN = re.compile(r"\+?\d(?:[\s.()/\-]{0,2}\d){2,}")


class NumberRefused(ValueError):
    """This number is never dialled; the message says why and never which."""


def dialled(text: str) -> str:
    """The digits that are dialled for a number as a person writes it, with a leading + where it has one.

    Spaces, hyphens, dots, slashes and brackets between digits are of no account. Raises NumberRefused for every number
    that no test call may go to, and for whatever is no number.
    """
    number = _plain(text)
    why = _why_not(number)
    if why is None and _SCHEME.match(text):
        why = "it is a URI: write the number alone, and the host in the check's `domain`"
    if why is not None:
        raise NumberRefused(why)
    return number


def refused(text: str) -> str | None:
    """Why no test call may go to this number, however it is written; None where one may."""
    try:
        dialled(text)
    except NumberRefused as error:
        return str(error)
    return None


def masked(text: str) -> str:
    """The text with every number of three digits or more made unreadable: what is shown, logged and kept.

    Of a long number the last two digits stay, so that two of them can be told apart; of an extension none.
    """
    return _DIGITS_SHOWN.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    digits = [character for character in match[0] if character.isdecimal()]
    shown = "".join(digits[-2:]) if len(digits) > _LONGEST_INTERNAL else ""
    return "…" + shown


def _plain(text: str) -> str:
    """The number without scheme, host, parameters, escapes, separators and digits of other scripts."""
    if len(text) > _LONGEST_TEXT:
        raise NumberRefused(f"it is no number: more than {_LONGEST_TEXT} characters")
    while (less := _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)) != text:
        text = less  # twice escaped is escaped too
    scheme = _SCHEME.match(text)
    if scheme is not None:
        text = re.split(r"[@;?]", text[scheme.end() :], maxsplit=1)[0]
    text = _SEPARATORS.sub("", text)
    return "".join(str(unicodedata.decimal(character, character)) for character in text)


def _why_not(number: str) -> str | None:
    digits = number.removeprefix("+")
    if "*" in digits or "#" in digits:
        return "a code with * or # may page, forward or record: no test call does that"
    if "sos" in digits.lower():
        return _EMERGENCY
    if not digits.isdecimal() or not digits.isascii():
        return "it is no number: digits, with a + before them at most"
    if any(_is_emergency(one) for one in (digits, *_at_home(digits))):
        return _EMERGENCY
    if number.startswith("+"):
        return _abroad(digits)
    return _national(digits)


_EMERGENCY = "emergency services, the police, the NHS and relays to them are never called by a machine"


def _at_home(digits: str) -> Iterator[str]:
    """What may be left of a number in its international form."""
    if digits.startswith("44"):
        yield digits[2:]
        yield "0" + digits[2:]


def _is_emergency(digits: str) -> bool:
    """Whether an emergency number stands in a short number, or at the beginning of any, behind an access code or not.

    At the beginning, since a system that has read 999 may route the call without looking at what follows.
    """
    last = len(digits) if len(digits) <= _LONGEST_INTERNAL else _LONGEST_ACCESS
    return any(0 <= digits.find(one) <= last for one in EMERGENCY)


def _abroad(digits: str) -> str | None:
    if not digits.startswith("44"):
        return "an international number"
    if digits.startswith("440"):
        return "it has a 0 behind +44: write the number without that"
    return _national("0" + digits[2:], access=False)


def _national(digits: str, access: bool = True) -> str | None:
    """A number as it is dialled within the country; with `access` also internal ones, and codes before it."""
    if _UK.fullmatch(digits):
        return _elsewhere(digits)
    if access and digits.startswith("44") and _UK.fullmatch("0" + digits[2:]):
        return _elsewhere("0" + digits[2:])
    for length in range(_LONGEST_ACCESS + 1 if access else 1):
        rest = digits[length:]
        if length and _UK.fullmatch(rest) and not digits.startswith("0"):
            return _elsewhere(rest)
        why = _charged(rest) if not length or len(rest) >= _SHORTEST_DIALLED_OUT else None
        if why is None and (not length or (length == 1 and digits[0] in "09")) and _PEOPLE.fullmatch(rest):
            why = "an operator, a helpline or a code before a number"
        if why is not None:
            return why
    if access and 2 <= len(digits) <= _LONGEST_INTERNAL:
        return None
    return f"it is neither an internal number ({_LONGEST_INTERNAL} digits at most) nor an ordinary UK number"


def _charged(digits: str) -> str | None:
    return next((what for prefix, what in _CHARGED if digits.startswith(prefix)), None)


def _elsewhere(digits: str) -> str | None:
    return "a number of Jersey, Guernsey or Man" if digits.startswith(_OTHER_ISLANDS) else None
