"""Estates and profiles of any size, as the YAML that a user would write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks.world import BEYOND, FAR, address

TEN = {
    "up": "1.3.6.1.2.1.1.3.0",
    "interfaces": "1.3.6.1.2.1.2.1.0",
    "swap": "1.3.6.1.4.1.2021.4.3.0",
    "swap_available": "1.3.6.1.4.1.2021.4.4.0",
    "memory": "1.3.6.1.4.1.2021.4.5.0",
    "memory_free": "1.3.6.1.4.1.2021.4.6.0",
    "free": "1.3.6.1.4.1.2021.4.11.0",
    "buffers": "1.3.6.1.4.1.2021.4.14.0",
    "cache": "1.3.6.1.4.1.2021.4.15.0",
    "processes": "1.3.6.1.2.1.25.1.6.0",
}
"""Ten scalars of any net-snmp agent, by the name of their value."""
_JUDGED = {"up", "interfaces", "memory", "free", "processes"}
"""Values with a limit: about half, as in the shipped profiles."""
_HEAD = """\
estate: {{name: benchmark, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}, aylesbury-vale: {{title: Aylesbury Vale}}}}
sites:
  forum: {{council: dacorum}}
  gateway: {{council: aylesbury-vale}}
  beyond: {{council: dacorum, depends_on: line}}
vantages: {{here: {{site: forum{gateway}}}}}
credentials: {{reading: {{kind: snmp-v2c, community: "env:RIDGEWAY_BENCHMARK_COMMUNITY"}}}}
defaults: {{timeout: 800ms, credentials: {{snmp: reading}}}}
"""
_LINE = "  line: {{address: {0}, site: forum, title: Line to the other side, checks: [{{icmp: {{every: {1:g}s}}}}]}}"
ENVIRONMENT = {"RIDGEWAY_BENCHMARK_COMMUNITY": "public"}


def profiles(directory: Path, count: int) -> None:
    """Write `count` profiles bench/0, bench/1, … of ten values each, with metric families of their own."""
    (directory / "bench").mkdir(parents=True)
    for number in range(count):
        lines = [f"profile: bench/{number}", "title: Ten values", "source: benchmark", "values:"]
        for name, oid in TEN.items():
            limit = ", warning: {above: 1000000000000000}" if name in _JUDGED else ""
            metric = f"{{name: ridgeway_bench{number}_{name}, help: {name}.}}"
            lines.append(f"  {name}: {{title: {name}, oid: {oid}, metric: {metric}{limit}}}")
        (directory / "bench" / f"{number}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def snmp(targets: int, checks: int, every: float, port: int) -> str:
    """`targets` hosts with `checks` SNMP checks of ten OIDs each."""
    group = [
        f"    - {{kind: snmp, name: c{number}, profile: bench/{number}, port: {port}, every: {every:g}s}}"
        for number in range(checks)
    ]
    return _estate(_hosts(targets, "[{use: polled}]"), extra=["check_groups:", "  polled:", *group])


def tcp(targets: int, every: float, port: int) -> str:
    return _estate(_hosts(targets, f"[{{tcp: {{port: {port}, every: {every:g}s}}}}]"))


def sip(targets: int, every: float, port: int) -> str:
    return _estate(_hosts(targets, f"[{{sip_options: {{port: {port}, every: {every:g}s}}}}]"))


def firewalls(targets: int, options: str) -> str:
    """`targets` hosts with one `firewall` check each, all at one address; `options` as in YAML on one line."""
    accepted = "posture: {accept: {snmp-v2c: a benchmark, default-community: a benchmark}}"
    checks = f"[{{firewall: {{{options}, {accepted}}}}}]"
    return _estate([_host(number, "127.0.0.1", ("forum", "gateway")[number % 2], checks) for number in range(targets)])


def hanging(devices: int, others: int, every: float, port: int, others_port: int) -> str:
    """`devices` hosts with an HTTP check whose server may hang, and `others` of which a port is asked."""
    http = f'[{{http: {{url: "http://:{port}/", every: {1100 * every:.0f}ms, timeout: {every:g}s}}}}]'
    tcp = f"[{{tcp: {{port: {others_port}, every: {every:g}s}}}}]"
    hosts = [_host(number, address(number), "forum", http) for number in range(others, others + devices)]
    return _estate([*_hosts(others, tcp), *hosts])


def http(targets: int, every: float, options: str) -> str:
    """`targets` hosts with one http check each; `options` as in a YAML mapping of one line."""
    return _estate(_hosts(targets, f"[{{http: {{{options}, every: {every:g}s}}}}]"))


def icmp(targets: int, every: float) -> str:
    return _estate(_hosts(targets, f"[{{icmp: {{every: {every:g}s}}}}]"))


def beyond_a_line(targets: int, every: float, desk: str) -> str:
    """`targets` hosts on the other side of a line, and one demo desk at the URL `desk` for what happens to them."""
    hosts = [
        _host(number, f"{BEYOND}.{number // 250}.{number % 250 + 1}", "beyond", f"[{{icmp: {{every: {every:g}s}}}}]")
        for number in range(targets)
    ]
    core = "  core: {address: 127.0.0.1, site: forum, title: Own way out, checks: [{icmp: {every: 5s}}]}"
    return _estate(
        [core, _LINE.format(FAR, every), *hosts],
        gateway=", gateway: core",
        extra=[
            f'desks: {{desk: {{kind: demo, url: "{desk}", token: "env:RIDGEWAY_BENCHMARK_TOKEN"}}}}',
            "routes: [{name: all, desks: [desk], queue: dacorum}]",
        ],
    )


def alone(hosts: Iterable[str]) -> str:
    """An estate of these targets, as lines of YAML."""
    return _estate(hosts)


def _hosts(targets: int, checks: str) -> list[str]:
    return [_host(number, address(number), ("forum", "gateway")[number % 2], checks) for number in range(targets)]


def _host(number: int, where: str, site: str, checks: str) -> str:
    return f"  host-{number:05d}: {{address: {where}, site: {site}, checks: {checks}}}"


def _estate(targets: Iterable[str], *, gateway: str = "", extra: Iterable[str] = ()) -> str:
    head = _HEAD.format(gateway=gateway)
    targets = list(targets)
    if not gateway:  # then there is no line either
        head = "\n".join(line for line in head.splitlines() if "depends_on" not in line) + "\n"
    return head + "\n".join([*extra, "targets:", *targets]) + "\n"
