"""URLs of requests: what is taken, what is sent, and where a redirect may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.http import Url

HERE = Url.read("http://app.example:8080/a/b?x=1", "192.0.2.1")


@pytest.mark.parametrize(
    ("text", "host", "spelt", "authority"),
    [
        ("/", "192.0.2.1", "https://192.0.2.1/", "192.0.2.1"),
        ("/a?b=c&d", "web.example", "https://web.example/a?b=c&d", "web.example"),
        ("https://:8443/x", "2001:db8::1", "https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443"),
        ("http:///", "fe80::1%eth0", "http://[fe80::1]/", "[fe80::1]"),
        ("HTTP://Web.Example.:80", "192.0.2.1", "http://web.example/", "web.example"),
        ("/ä", "x", "https://x/%C3%A4", "x"),
        ("/%41%zz", "x", "https://x/%41%zz", "x"),
    ],
)
def test_a_url_is_spelt_as_it_is_sent(text, host, spelt, authority):
    url = Url.read(text, host)

    assert (str(url), url.authority) == (spelt, authority)


@pytest.mark.parametrize(
    ("location", "spelt"),
    [
        ("/login", "http://app.example:8080/login"),
        ("c?d", "http://app.example:8080/a/c?d"),
        ("http://APP.example:8080/x#part", "http://app.example:8080/x"),
        ("https://app.example/x", "https://app.example/x"),
        ("https://app.example:8443/", "https://app.example:8443/"),
        ("http://app.example/", None),
        ("http://app.example:8081/", None),
        ("https://other.example/", None),
        ("//other.example/", None),
        ("https://app.example.other.example/", None),
        ("http://user:pw@app.example:8080/", None),
        ("http://app.example:8080@other.example/", None),
        ("http://app.example:8080\\@other.example/", None),
        ("ftp://app.example:8080/", None),
        ("javascript:alert(1)", None),
        ("http://app.example:x/", None),
        ("http://[::1", None),
    ],
)
def test_a_redirect_leads_no_further_than_the_same_host(location, spelt):
    onward = HERE.onward(location)

    assert (str(onward) if onward is not None else None) == spelt


def test_a_redirect_from_https_never_leads_back_to_http():
    assert Url.read("/", "app.example").onward("http://app.example/") is None


@given(st.text(max_size=200))
def test_no_location_whatever_leads_to_another_host(location):
    onward = HERE.onward(location)

    assert onward is None or onward.host == "app.example"
    assert onward is None or (onward.path.isascii() and onward.path.isprintable() and " " not in onward.path)
