"""Which format a scraper gets."""

from __future__ import annotations

import pytest

from exporters.prometheus.negotiate import OPENMETRICS, TEXT, Format, accepts_gzip, negotiate

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param(PROMETHEUS_2_42, OPENMETRICS, id="Prometheus 2.42"),
        pytest.param(PROMETHEUS_3, OPENMETRICS, id="Prometheus 3"),
        pytest.param("application/openmetrics-text;version=2.0.0", OPENMETRICS, id="2.0 asked, 1.0 answered"),
        pytest.param("application/openmetrics-text", OPENMETRICS, id="no version asked"),
        pytest.param("application/openmetrics-text;version=0.0.1", TEXT, id="only a draft"),
        pytest.param("text/plain;version=0.0.4", TEXT, id="text"),
        pytest.param("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.9", TEXT, id="text preferred"),
        pytest.param("application/openmetrics-text;version=1.0.0;q=0", TEXT, id="refused by q=0"),
        pytest.param("*/*", TEXT, id="curl"),
        pytest.param("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", TEXT, id="a browser"),
        pytest.param("application/vnd.google.protobuf;proto=x", TEXT, id="protobuf only"),
        pytest.param("", TEXT, id="nothing"),
        pytest.param(";;,=;q=x,\x00", TEXT, id="garbage"),
        pytest.param("application/openmetrics-text;version=" + "9" * 6_000, OPENMETRICS, id="an endless version"),
    ],
)
def test_the_format_answered_is_one_of_two_and_named_exactly(accept: str, expected: Format) -> None:
    assert negotiate(accept) is expected


def test_a_version_beyond_1_0_is_never_claimed() -> None:
    assert "version=1.0.0" in negotiate("application/openmetrics-text;version=3.1.4").content_type


@pytest.mark.parametrize(
    ("header", "expected"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_gzip_is_used_only_where_it_is_offered(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected
