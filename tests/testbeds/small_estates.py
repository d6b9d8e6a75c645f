"""Small estates for whole agents, in the file's own format. Times are short so that a test sees a whole life."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
defaults:
  every: 1s
  timeout: 500ms
  open_after: 2 of 2
  clear_after: 2 of 2
  hold_down: {hold_down}
  reopen_window: 5m
"""
RT_DESK = """
desks: {{rt: {{kind: request-tracker, url: "{url}", token: "{token}", max_in_flight: 1}}}}
routes: [{{name: all, desks: [rt], queue: dacorum}}]
"""


def one_service(port: int, *, hold_down: str = "1s", desk: str = "", impact: str = "medium") -> str:
    """One target with one `tcp` check."""
    return (
        HEAD.format(hold_down=hold_down)
        + f"targets: {{web: {{address: 127.0.0.1, site: forum, impact: {impact}, "
        + f"checks: [{{tcp: {{port: {port}}}}}]}}}}\n"
        + desk
    )


def request_tracker(url: str, token: str = "env:RT_TOKEN") -> str:
    """A desk and the one route to it."""
    return RT_DESK.format(url=url, token=token)


def demo_desk(url: str, *, cap: int = 100) -> str:
    """A desk as `testbeds.simulation` plays it, and the one route to it. Its token is in DESK_TOKEN."""
    return (
        f'desks: {{desk: {{kind: demo, url: "{url}", token: "env:DESK_TOKEN", timeout: 2, max_in_flight: 0.3, '
        f"new_tickets_per_day: {cap}}}}}\n"
        "routes: [{name: all, desks: [desk], queue: dacorum}]\n"
    )


def firewalls(
    ports: Mapping[str, int],
    *,
    needs: Mapping[str, str] | None = None,
    gateway: str = "",
    hold_down: str = "1s",
    desk: str = "",
) -> str:
    """Simulated firewalls by name and port, each with one `snmp` check; `needs` gives `depends_on` by name."""
    head = HEAD.format(hold_down=hold_down)
    if gateway:
        head = head.replace("{site: forum}}", f"{{site: forum, gateway: {gateway}}}}}")
    head += "credentials: {read: {kind: snmp-v2c, community: env:COMMUNITY}}\n"
    rows = ["targets:"]
    for name, port in ports.items():
        need = (needs or {}).get(name)
        depends = f"depends_on: {need}, " if need else ""
        rows.append(
            f"  {name}: {{address: 127.0.0.1, site: forum, {depends}credentials: {{snmp: read}}, "
            f"checks: [{{snmp: {{profile: small-firewall, port: {port}, retries: 0}}}}]}}"
        )
    return head + "\n".join(rows) + "\n" + desk


def services(ports: Mapping[str, int], *, hold_down: str = "1s", desk: str = "") -> str:
    """TCP services by name and port, each a target with one `tcp` check."""
    rows = [
        f"  {name}: {{address: 127.0.0.1, site: forum, checks: [{{tcp: {{port: {port}}}}}]}}"
        for name, port in ports.items()
    ]
    return HEAD.format(hold_down=hold_down) + "targets:\n" + "\n".join(rows) + "\n" + desk
