"""Which numbers a test call may go to: no spelling of a denied one gets through, and ordinary ones do."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.telephony.numbers import EMERGENCY, dialled, masked, refused

_DENIED = (
    "999", "112", "911", "101", "111", "18000", "18001", "116000", "116123", "118500", "0900 123 4567",
    "0911 234 5678", "0845 123 4567", "0843 123 4567", "0870 123 4567", "0871 123 4567", "0070 1234", "070 1234 5678",
    "076 1234 5678", "07700 900123", "00 1 555 0100 123", "00 44 1632 960123", "0055 1234567", "08001111",
    "0481 123456", "0569 123456",
)  # fmt: skip
_DENIED_ABROAD = ("+1 555 0100", "+33 1 23 45 67 89", "+44 999", "+44 112", "+44 909 123 4567", "+44 7700 900123",
                  "+44 870 123 4567", "+44 (0)1632 960123", "+353 1 234 5678")  # fmt: skip
_digits = st.text(string.digits, min_size=0, max_size=3)
_separator = st.sampled_from(
    ["", " ", "-", ".", "/", "(", ")", "\u00a0", "\u2011", "\u200b", "\t", "\n", "\u00ad", "\ufeff"]
)
_SCRIPTS = (0x30, 0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE, 0x1D7D8)
"""Where the digits 0 to 9 begin in ASCII, in Arabic, Devanagari, in full width, in bold."""


@st.composite
def spelt(draw: st.DrawFn, number: str) -> str:
    """The number in one of the ways in which somebody, or something, may write it."""
    written = ""
    for character in number:
        if character.isdecimal() and character.isascii():
            way = draw(st.integers(0, 3))
            if way == 0:
                character = f"%{ord(character):02x}"
            elif way == 1:
                character = f"%25{ord(character):02X}"
            elif way == 2:
                character = chr(draw(st.sampled_from(_SCRIPTS)) + int(character))
        written += character + draw(_separator)
    scheme = draw(st.sampled_from(["", "tel:", "sip:", "SIPS:", "sip://", " tel: "]))
    after = draw(st.sampled_from(["", "@pbx.example", ";phone-context=+44", "?subject=x", "@192.0.2.1;user=phone"]))
    return scheme + written + (after if scheme else "")


@given(st.data())
def test_no_spelling_of_a_denied_number_gets_through(data: st.DataObject) -> None:
    number = data.draw(spelt(data.draw(st.sampled_from((*_DENIED, *_DENIED_ABROAD)))))

    assert refused(number)


@given(st.data(), st.sampled_from(EMERGENCY), _digits, st.text(string.digits, max_size=12))
def test_no_access_code_of_up_to_three_digits_leads_to_an_emergency_call(
    data: st.DataObject, emergency: str, access: str, after: str
) -> None:
    number = data.draw(spelt(access + emergency + after))

    assert refused(number)


@given(st.sampled_from(["18000", *EMERGENCY]), st.text(string.digits, max_size=8))
def test_nothing_that_is_no_uk_number_ends_as_an_emergency_call_behind_a_longer_code(emergency: str, code: str) -> None:
    number = code + emergency
    if len(number) < 10:  # from ten digits on it may be somebody's ordinary number
        assert refused(number)


@given(st.sampled_from(_DENIED), st.sampled_from(["9", "8", "1", "0", "99", "71", "123", "909"]))
def test_a_denied_number_is_denied_behind_an_access_code(number: str, access: str) -> None:
    assert refused(access + number)


@given(st.text(max_size=40))
def test_whatever_is_dialled_is_digits_and_of_a_form_that_is_known(text: str) -> None:
    if refused(text) is None:
        number = dialled(text)

        assert number.removeprefix("+").isascii() and number.removeprefix("+").isdecimal()
        assert not any(number.removeprefix("+").startswith(one) for one in EMERGENCY)
        assert len(number) <= 7 or number.startswith(("+44", "44", "0")) or number[1:4].count("0")
        assert dialled(number) == number


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("5600", "5600"),
        ("20", "20"),
        ("1000", "1000"),
        ("2001", "2001"),
        ("7654321", "7654321"),
        ("01632 960123", "01632960123"),
        ("(020) 7946 0123", "02079460123"),
        ("0113 496 0123", "01134960123"),
        ("0116 496 0123", "01164960123"),
        ("0118 496 0123", "01184960123"),
        ("0300 123 4567", "03001234567"),
        ("0808 157 0123", "08081570123"),
        ("+44 1632 960999", "+441632960999"),
        ("44 800 012345", "44800012345"),
        ("9 01632 960123", "901632960123"),
        ("712 0300 1234567", "71203001234567"),
    ],
)
def test_internal_and_ordinary_numbers_may_be_dialled(text: str, digits: str) -> None:
    assert refused(text) is None
    assert dialled(text) == digits


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("999", "emergency"),
        ("9,999", "no number"),
        ("0999", "emergency"),
        ("urn:service:sos", "emergency"),
        ("sip:sos@pbx.example", "emergency"),
        ("*21*01632960123#", "forward"),
        ("%2A72", "forward"),
        ("100", "operator"),
        ("9100", "operator"),
        ("1471", "operator"),
        ("141 0300 123 4567", "operator"),
        ("12345678", "neither"),
        ("5600@evil.example", "no number"),
        ("sip:5600@pbx.example", "a URI"),
        ("echo", "no number"),
        ("0161 496 0123;ext=9", "no number"),
        ("", "no number"),
        ("+", "no number"),
        ("1", "neither"),
        ("01534 960123", "Jersey"),
        ("+44 1481 960123", "Jersey"),
        ("5" * 201, "200 characters"),
    ],
)
def test_a_refusal_says_why(text: str, why: str) -> None:
    assert why in (refused(text) or "")


@given(st.text(string.digits + " -", min_size=1, max_size=30))
def test_a_refusal_never_repeats_the_number(text: str) -> None:
    digits = "".join(character for character in text if character.isdigit())
    why = refused(text) or ""

    assert len(digits) < 4 or digits not in why


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call from 01632 960123 to 5600", "call from …23 to …"),
        ("sip:+44-1632-960123@pbx", "sip:…23@pbx"),
        ("a 12 b", "a 12 b"),
        ("٠١٦٣٢٩٦٠١٢٣", "…٢٣"),
    ],
)
def test_numbers_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
