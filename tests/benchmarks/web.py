"""What an `http` check costs, plain and over TLS, beside blackbox_exporter's probe of the same pages.

Both ask a nginx for the same page at the same rate in the same run, with a new connection each time, as a probe must.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from testbeds.certificates import Authority
from testbeds.nginx import Site, running
from testbeds.peers import find
from tests.benchmarks import cost, estates, peer
from tests.benchmarks.figures import Figure, not_measured
from tests.benchmarks.world import address, own_network

_NAME = "page.example"
_BOUND = 2.0
"""Times the CPU of the peer, which is compiled."""
_ASKED = f"≤ {_BOUND} × peer"


def measure(quick: bool) -> Iterable[Figure]:
    """One `http` check of a small page, plain and over TLS."""
    if find("nginx") is None:
        yield not_measured(
            "CPU per http check", "µs", _ASKED, "nginx is missing; on Debian: apt-get install nginx-light"
        )
        return
    authority = Authority()
    sites = {"plain": Site(), "tls": Site(authority.issue((_NAME,)))}
    with running(sites, where="0.0.0.0" if own_network() else "127.0.0.1") as web:
        ca = web.folder / "ca.pem"
        ca.write_text(authority.pem)
        modules = (
            "  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4,"
            f" tls_config: {{ca_file: {ca}, server_name: {_NAME}}}}}}}\n"
        )
        # One pace: at a thousand handshakes a second agent, peer and server together outrun a small machine.
        pace = cost._QUICK if quick else cost._CALM
        for name, site, scheme, options in (
            ("http check", "plain", "http", ""),
            ("http check over TLS", "tls", "https", f", host: {_NAME}, ca: {ca}"),
        ):
            port = web.port[site]
            pages = [f"{scheme}://{address(number)}:{port}/" for number in range(pace.targets)]
            estate = estates.http(pace.targets, pace.every, f'url: "{scheme}://:{port}/"{options}')
            exporter = peer.blackbox_exporter("http", pages, modules)
            yield _twice(cost._against(name, "http", estate, pace, exporter, "blackbox_exporter"))


def _twice(figure: Figure) -> Figure:
    """The same figure against its own bound."""
    return replace(figure, asked=_ASKED, met=None if figure.ratio is None else figure.ratio <= _BOUND)
