"""Sentences about refused certificates, also where little or nothing is known of them."""

from __future__ import annotations

import datetime
import ssl

import pytest
from cryptography import x509

from checks.transports.http.diagnosis import Refused, broken, diagnosed, pin_of
from checks.transports.http.tls_fault import TlsProblem
from testbeds.certificates import DAY, Authority

NOW = datetime.datetime.now(datetime.UTC)
AUTHORITY = Authority("Council authority")
CODES = {
    9: TlsProblem.NOT_YET_VALID,
    10: TlsProblem.EXPIRED,
    18: TlsProblem.SELF_SIGNED,
    19: TlsProblem.UNKNOWN_AUTHORITY,
    20: TlsProblem.UNKNOWN_AUTHORITY,
    62: TlsProblem.OTHER_NAME,
    64: TlsProblem.OTHER_NAME,
    66: TlsProblem.WEAK,
    23: TlsProblem.OTHER,
}


def refused(code: int, own: bool = False) -> Refused:
    return Refused("https://web", code, "the words of OpenSSL", "web", own)


@pytest.mark.parametrize(("code", "problem"), CODES.items())
def test_a_refusal_is_told_also_when_the_certificate_was_not_shown_again(code, problem):
    fault = diagnosed(refused(code), [], NOW)

    assert (fault.problem, fault.certificate) == (problem, None)
    assert fault.message.startswith("https://web: ") and len(fault.message) < 300


def test_an_authority_that_expired_is_named_and_not_its_certificate_below():
    chain = x509.load_pem_x509_certificates(AUTHORITY.issue(intermediate=True).chain_pem.encode())
    later = NOW + 120 * DAY  # the leaf has expired by then
    much_later = NOW + 2000 * DAY

    assert "the certificate expired on" in diagnosed(refused(10), chain, later).message
    assert (
        "authority Council authority, intermediate above it expired"
        in diagnosed(refused(10), chain[1:], much_later).message
    )


def test_a_lone_certificate_lacks_its_intermediate_where_the_estate_names_the_authority():
    alone = [AUTHORITY.issue(intermediate=True).certificate]

    assert diagnosed(refused(20, own=True), alone, NOW).problem is TlsProblem.INTERMEDIATE_MISSING
    assert diagnosed(refused(20, own=False), alone, NOW).problem is TlsProblem.UNKNOWN_AUTHORITY


def test_names_are_shown_printable_and_not_without_end():
    many = AUTHORITY.issue(tuple(f"host-{number}.example" for number in range(300)))
    odd = AUTHORITY.issue((), common_name="a\x1b[31mb\u202e")

    assert "host-4.example and 295 more" in diagnosed(refused(62), [many.certificate], NOW).message
    assert diagnosed(refused(62), [odd.certificate], NOW).message.isprintable()


@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x01", b"x" * 500])
def test_what_is_no_certificate_has_no_pin(der):
    with pytest.raises(ValueError, match=r".*"):
        pin_of(der)


def test_the_pin_is_the_one_of_the_key():
    issued = AUTHORITY.issue()

    assert pin_of(issued.der) == issued.pin


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("WRONG_VERSION_NUMBER", TlsProblem.NOT_TLS),
        ("TLSV1_ALERT_PROTOCOL_VERSION", TlsProblem.OLD),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", TlsProblem.OLD),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", TlsProblem.CLIENT_CERTIFICATE),
        ("TLSV1_ALERT_UNKNOWN_CA", TlsProblem.CLIENT_CERTIFICATE),
        ("SOMETHING_NEW", TlsProblem.OTHER),
        (None, TlsProblem.OTHER),
    ],
)
def test_a_handshake_that_fails_is_told_by_its_reason(reason, problem):
    error = ssl.SSLError(1, "text of the library")
    error.reason = reason

    assert broken(error, "https://web").problem is problem
