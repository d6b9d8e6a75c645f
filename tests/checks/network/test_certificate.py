"""What is read from certificates, and how their remaining life and their keys are judged."""

import datetime
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import State
from checks.families import family_faults
from checks.network.certificate import DAY, NOT_AFTER, SHORT_LIVED, Unreadable, life, printable, read, weakness
from testbeds.certificates import Authority

AUTHORITY = Authority()
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def _lasting(days_before, days_after):
    begin, end = NOW - datetime.timedelta(days=days_before), NOW + datetime.timedelta(days=days_after)
    return read(AUTHORITY.issue(not_before=begin, not_after=end).der)


def _life(certificate, warning=21.0, critical=7.0):
    return life(certificate, NOW.timestamp(), warning, critical)


def test_the_shared_family_keeps_the_rules():
    assert family_faults(NOT_AFTER) == []


def test_everything_that_is_judged_is_read():
    issued = AUTHORITY.issue(["www.test", "192.0.2.7", "2001:db8::1"], common_name="old name")

    certificate = read(issued.der)

    assert (certificate.subject, certificate.common_name) == ("CN=old name", "old name")
    assert certificate.issuer == f"CN={AUTHORITY.name}"
    assert (certificate.dns_names, certificate.ip_names) == (("www.test",), ("192.0.2.7", "2001:db8::1"))
    assert (certificate.key, certificate.key_bits, certificate.signature_hash) == ("EC secp256r1", 256, "sha256")
    assert certificate.pin == issued.pin
    assert certificate.not_after == issued.certificate.not_valid_after_utc.timestamp()
    assert not certificate.self_issued


@pytest.mark.parametrize(
    ("days_before", "days_after", "state", "said"),
    [
        (10, 80, State.OK, "expires in 80 days"),
        (69, 21, State.OK, "expires in 21 days"),
        (70, 20.9, State.WARNING, "expires in 20 days"),
        (83, 7, State.WARNING, "expires in 7 days"),
        (84, 6.9, State.CRITICAL, "expires in 6 days"),
        (90, 0.5, State.CRITICAL, "expires in 12 hours"),
        (90, -3, State.CRITICAL, "expired 3 days ago (29 May 2026 00:00 UTC)"),
        (-1, 90, State.CRITICAL, "is not valid before 2 June 2026 00:00 UTC"),
    ],
)
def test_days_left_are_judged_by_the_days_of_the_options(days_before, days_after, state, said):
    judged = _life(_lasting(days_before, days_after))

    assert judged[0] is state
    assert said in judged[1]


@pytest.mark.parametrize(
    ("days_before", "days_after", "state"),
    [(1, 5, State.OK), (3.9, 2.1, State.OK), (4.1, 1.9, State.WARNING), (5.4, 0.6, State.CRITICAL)],
)
def test_a_certificate_made_for_days_is_judged_by_the_part_that_is_left(days_before, days_after, state):
    assert _life(_lasting(days_before, days_after))[0] is state


@given(st.floats(-4000, 4000), st.floats(0.1, 8000))
def test_a_certificate_never_gets_better_with_time_until_it_is_renewed(begins, length):
    certificate = _made(begins, length)
    moments = [NOW.timestamp() + day * DAY for day in range(-100, 4000, 37)]

    ranks = [life(certificate, moment, 21, 7)[0].rank for moment in moments if moment >= certificate.not_before]

    assert ranks == sorted(ranks)


def _made(begins, length):
    from dataclasses import replace

    start = NOW.timestamp() + begins * DAY
    return replace(_lasting(1, 1), not_before=start, not_after=start + length * DAY)


def test_short_lived_is_less_than_thirty_days():
    assert SHORT_LIVED == 30 * DAY


@pytest.mark.parametrize(("key", "said"), [("ec", ""), ("rsa2048", ""), ("rsa1024", "has a weak key (RSA 1024)")])
def test_a_key_below_2048_bits_of_rsa_is_weak(key, said):
    assert weakness(read(AUTHORITY.issue(key=key).der)) == said


def test_a_negative_serial_number_is_read_all_the_same():
    der = AUTHORITY.issue().der
    at = der.index(b"\x02\x14", 8) + 2
    negative = der[:at] + bytes([der[at] | 0x80]) + der[at + 1 :]

    with pytest.warns(Warning, match="serial number"):
        certificate = read(negative)

    assert certificate.subject == "CN=localhost"


def test_a_name_with_control_characters_is_made_harmless():
    certificate = read(AUTHORITY.issue(common_name="a\x1b[2Jb\nc").der)

    assert certificate.common_name == "a.[2Jb.c"
    assert certificate.subject.isprintable()


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"\x30\x84\xff\xff\xff\xff", bytes(1000), b"\x30" * 5000])
def test_what_is_no_certificate_is_said_to_be_none(octets):
    with pytest.raises(Unreadable) as caught:
        read(octets)

    assert str(caught.value).isprintable()


@settings(max_examples=400, deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore:Parsed a")
@pytest.mark.filterwarnings("ignore:The parsed certificate")
@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_a_certificate_with_any_octets_changed_is_read_or_refused_and_never_more(data):
    der = bytearray(DERS[data.draw(st.integers(0, len(DERS) - 1))])
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))

    try:
        certificate = read(bytes(der))
    except Unreadable as error:
        assert str(error).isprintable()
    else:
        assert certificate.subject.isprintable()
        assert life(certificate, NOW.timestamp(), 21, 7)[1].isprintable()


DERS = [AUTHORITY.issue().der, AUTHORITY.issue(key="rsa1024").der, AUTHORITY.issue(["*.a.test", "::1"]).der]


def test_printable_cuts_what_is_long():
    assert printable("x" * 500, 10) == "x" * 9 + "…"
    assert printable(os.fsdecode(b"a\0b")) == "a.b"
