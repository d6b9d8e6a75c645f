"""Names of certificates against names that are asked for (RFC 9525)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.certificate import read
from checks.network.reference_name import is_address, mismatch, reference
from testbeds.certificates import Authority

PLAIN = read(Authority().issue([]).der)


def _for(*names, ips=()):
    return replace(PLAIN, dns_names=names, ip_names=ips)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("www.test.uk", "www.test.uk"),
        ("WWW.Test.UK", "www.test.uk"),
        ("www.test.uk", "www.test.uk."),
        ("*.test.uk", "www.test.uk"),
        ("*.test.uk", "xn--caf-dma.test.uk"),
        ("localhost", "localhost"),
    ],
)
def test_a_name_that_fits(pattern, wanted):
    assert mismatch(_for("other.test", pattern), wanted) == ""


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("www.test.uk", "test.uk"),
        ("test.uk", "www.test.uk"),
        ("*.test.uk", "test.uk"),
        ("*.test.uk", "a.b.test.uk"),
        ("w*.test.uk", "www.test.uk"),
        ("*w.test.uk", "www.test.uk"),
        ("www.*.uk", "www.test.uk"),
        ("*.*.uk", "www.test.uk"),
        ("*", "localhost"),
        ("*.uk", "test.uk"),
        ("*.", "test."),
        ("*.test.uk", ".test.uk"),
        ("192.0.2.1", "192.0.2.1"),
        ("*.0.2.1", "192.0.2.1"),
        ("", "www.test.uk"),
        ("www.test.uk\0.evil", "www.test.uk"),
    ],
)
def test_a_name_that_does_not_fit(pattern, wanted):
    said = mismatch(_for(pattern), wanted)

    assert "not for" in said
    assert said.isprintable()


def test_an_address_is_found_among_addresses_only_and_in_any_spelling():
    certificate = _for(ips=("192.0.2.1", "2001:db8::1"))

    assert mismatch(certificate, "192.0.2.1") == ""
    assert mismatch(certificate, "2001:DB8:0::1") == ""
    assert mismatch(certificate, "192.0.2.2") == "is for 192.0.2.1, 2001:db8::1, not for 192.0.2.2"


def test_the_common_name_never_counts():
    assert "no subject alternative names" in mismatch(replace(PLAIN, common_name="www.test"), "www.test")


def test_many_names_are_not_all_told():
    assert mismatch(_for(*(f"n{i}.test" for i in range(9))), "x.test").endswith("and 5 more, not for x.test")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Mail.Test.UK.", "mail.test.uk"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("pbx_1", "pbx_1"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_the_option_is_made_canonical(name, canonical):
    assert reference(name) == canonical


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "-a.test", "café.test", "a b", "x" * 64 + ".test", "*.test", "a'/><b"]
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match=r"."):
        reference(name)


@given(st.text(max_size=300))
def test_a_name_that_is_taken_is_safe_to_send(name):
    try:
        taken = reference(name)
    except ValueError:
        return
    assert taken.isascii()
    assert taken.isprintable()
    assert not set(taken) & set(" <>'\"&/\\")
    assert is_address(taken) or reference(taken) == taken
