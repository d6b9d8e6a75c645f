"""What the traps of Mitel systems say."""

from __future__ import annotations

import re

import pytest

from checks.notices import Notice
from checks.telephony.mitel.causes import PEOPLES
from checks.telephony.mitel.traps import NOTICES, read
from testbeds.mitel import IPERA

MITEL = "1.3.6.1.4.1.1027"
NAME = ("1.3.6.1.2.1.1.5.0", b"controller-b")
PRIMARY = (f"{IPERA}.4.1.1.1.4.97.98.99.100", b"controller-a")
COMMON = f"{MITEL}.4.9.1"


def said(trap: str, *variables: tuple[str, object]) -> Notice:
    notice = read(f"{MITEL}.{trap}", (NAME, *variables))
    assert notice is not None
    return notice


@pytest.mark.parametrize("enterprise", ["1.2.3", "1.2.2"])
@pytest.mark.parametrize(("number", "variables", "words"), [
    (301, [(f"{IPERA}.2.1.0", 3)], "an alarm was detected or cleared, overall level major"),
    (301, [(f"{IPERA}.2.1", 4)], "an alarm was detected or cleared, overall level critical"),
    (301, [], "an alarm was detected or cleared"),
    (302, [(f"{IPERA}.2.5.0", 9), (f"{IPERA}.2.6.0", 9)],
     "it shuts down: a programmed reboot (a scheduled reboot); people asked for it"),
    (302, [(f"{IPERA}.2.5.0", 3), (f"{IPERA}.2.6.0", 13)], "it shuts down: a hardware failure (a disk failure)"),
    (302, [(f"{IPERA}.2.5.0", 12), (f"{IPERA}.2.6.0", 21)], "it shuts down: no cause is reported"),
    (303, [(f"{IPERA}.2.7.0", 3), (f"{IPERA}.2.8.0", 0x0103)],
     "it has started: power on (reset bits 0x0103, software)"),
    (303, [(f"{IPERA}.2.7.0", 5), (f"{IPERA}.2.8.0", 0)], "it has started: no cause is known"),
    (501, [PRIMARY], "the first phones of controller-a came to this controller, their backup"),
    (502, [PRIMARY], "controller-a is well again; its phones are still on this controller, their backup"),
    (503, [PRIMARY], "all phones of controller-a went back to it"),
    (503, [], "all phones of a primary that is not named went back to it"),
])  # fmt: skip
def test_a_call_servers_traps_have_their_words_under_either_enterprise(
    enterprise: str, number: int, variables: list[tuple[str, object]], words: str
) -> None:
    notice = said(f"{enterprise}.0.{number}", *variables)

    assert notice.words == words
    assert notice.change and notice.prompts and notice.acknowledged and not notice.remedy


@pytest.mark.parametrize(("trap", "variables", "words"), [
    ("1.2.2.0.201", [], "an alarm was detected or cleared"),
    ("1.2.1.0.201", [], "an alarm was detected or cleared"),
    ("4.9.1.2.1", [(f"{COMMON}.1.1.1.0", 3), (f"{COMMON}.1.2.1.2.1", b"communications"),
                   (f"{COMMON}.1.2.1.4.1", b"SIP trunk"), (f"{COMMON}.1.2.1.5.1", 4)],
     "an alarm was detected or cleared: communications, SIP trunk, major; overall critical"),
    ("1.2.4.0.406", [("1.3", 1), ("1.4", 7)], "a line could not be seized: set"),
    ("1.2.4.0.407", [("1.3", 2)], "a direct dial-in number is mapped to nothing: clear"),
    ("1.2.4.0.408", [("1.3", 1)], "the disk of the voice mail is nearly full: set"),
    ("1.2.4.0.409", [("1.3", 3)], "the disk of the voice mail is full: message"),
    ("1.2.4.0.410", [("1.3", 1)], "the state of a T1 or E1 line changed"),
    ("1.2.4.0.411", [], "a task has crashed"),
])  # fmt: skip
def test_traps_of_the_other_products_have_their_words(
    trap: str, variables: list[tuple[str, object]], words: str
) -> None:
    assert said(trap, *variables).words == words


def test_the_two_scales_of_levels_are_not_mixed_up() -> None:
    business = [said("1.2.3.0.301", (f"{IPERA}.2.1.0", level)).words.split()[-1] for level in (3, 4)]
    common = [said("4.9.1.2.1", (f"{COMMON}.1.1.1.0", level)).words.split()[-1] for level in (3, 4)]

    assert business == ["major", "critical"]
    assert common == ["critical", "major"]


def test_the_reboots_that_people_asked_for_are_told_from_the_others() -> None:
    asked_for = {
        cause
        for cause in range(1, 13)
        if said("1.2.3.0.302", (f"{IPERA}.2.5.0", cause)).words.endswith("people asked for it")
    }

    assert asked_for == PEOPLES == {4, 5, 6, 9, 10, 11}


def test_numbers_that_no_mib_has_are_shown_as_they_are() -> None:
    assert said("1.2.3.0.301", (f"{IPERA}.2.1.0", 7)).words.endswith("level 7, which is not on its scale")
    assert "cause 99, which the MIB does not have" in said("1.2.3.0.302", (f"{IPERA}.2.5.0", 99)).words
    assert said("1.2.3.0.303", (f"{IPERA}.2.8.0", -1)).words == "it has started: no cause is known"


def test_an_emergency_call_is_told_without_any_number_and_neither_prompts_nor_is_acknowledged() -> None:
    er = f"{MITEL}.4.1.1.3"
    numbers = (b"5550199", b"00441632960001", b"999", b"7001")

    notice = said(
        "4.1.1.3.0.401", *((f"{er}.{column}", number) for column, number in zip((4, 6, 7, 8), numbers, strict=True))
    )

    assert not re.search(r"\d", notice.words + notice.remedy)
    assert not notice.change and not notice.prompts and not notice.acknowledged
    assert "ER Notification" in notice.remedy


def test_what_is_no_trap_of_mitel_is_left_to_others() -> None:
    for trap in ("1.3.6.1.6.3.1.1.5.3", f"{MITEL}.1.2.3.0.304", f"{MITEL}.1.2.3.301", f"{MITEL}.1.2.4.0.301", ""):
        assert read(trap, (NAME,)) is None


def test_hostile_text_is_short_and_printable() -> None:
    notice = said("1.2.3.0.501", (f"{IPERA}.4.1.1.1.1", b"\x1b[2J\n" + b"a" * 1_000))

    assert notice.words.isprintable()
    assert len(notice.words) <= 200


def test_every_notice_has_a_name_of_the_closed_set() -> None:
    assert len(NOTICES.names) == len(set(NOTICES.names)) == 15
    assert said("1.2.2.0.301").name in NOTICES.names
