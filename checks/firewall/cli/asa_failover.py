"""Cisco ASA and FTD: `show failover` and `show failover state`.

Cisco ASA Series Command Reference; six recordings, one of them active/active, some without their indentation.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, moment, short
from checks.network.documents import Document

_ON = re.compile(r"Failover (On|Off)", re.IGNORECASE)
_UNIT = re.compile(r"Failover unit (Primary|Secondary)", re.IGNORECASE)
_LAN = re.compile(r"Failover LAN Interface: (\S{1,60}) (?:(\S{1,60}) )?\(([^)]{1,60})\)")
_HOST = re.compile(r"(This|Other) host: (Primary|Secondary)(?: - (.{1,60}))?", re.IGNORECASE)
_GROUP = re.compile(r"Group ([0-9]{1,2}) State: +(.{1,60})")
_INTERFACE = re.compile(
    r"(?:(\S{1,60}) )?Interface (\S{1,60}) \([^)]{0,100}\): ([A-Za-z][A-Za-z ]{0,30}?)(?: \(([A-Za-z-]{1,30})\))?"
)
_STATEFUL = re.compile(r"Link *: (\S{1,60})(?: (\S{1,60}) \(([^)]{1,60})\))?")
_VERSION = re.compile(r"Version: Ours (.{1,40}), Mate (.{1,40})")
_LAST = re.compile(
    r"(?:Group [0-9]{1,2} )?last failover at: ([0-9]{1,2}:[0-9]{2}:[0-9]{2}) (\S{1,20}) ([A-Za-z]{3}) +([0-9]{1,2}) "
    r"([0-9]{4})",
    re.IGNORECASE,
)


def failover(output: Output) -> Document:
    """Both units as this one sees them. `last_failover` is in Unix seconds of the device's clock taken as UTC.

    A unit that is active for one of several groups is `active/active`. Raises Unfit.
    """
    if output.need(_ON, "line that says whether failover is on")[1].casefold() == "off":
        return {"failover": "off", "this": {"unit": None, "state": None}, "other": {"unit": None, "state": None},
                "interfaces": [], "link": {"state": None}, "stateful": {"state": None}}  # fmt: skip
    hosts = _hosts(output)
    if set(hosts) != {"this", "other"}:
        raise Unfit("it does not tell of both units")
    lan, stateful = output.need(_LAN, "failover link"), output.find(_STATEFUL)
    version, last = output.find(_VERSION), output.find(_LAST)
    return {
        "failover": "on",
        "this": hosts["this"].told(),
        "other": hosts["other"].told(),
        "interfaces": [row for host in hosts.values() for row in host.interfaces],
        "link": {"name": lan[1], "interface": lan[2], "state": lan[3].casefold()},
        "stateful": {
            "name": None if stateful is None else stateful[1],
            "state": None if stateful is None or stateful[3] is None else stateful[3].casefold(),
        },
        "version": None if version is None else {"ours": version[1], "mate": version[2]},
        "last_failover": None if last is None else moment(last[5], last[3], last[4], last[1]),
    }


class _Unit:
    def __init__(self, unit: str, state: str | None) -> None:
        self.unit = unit.casefold()
        self.states = [] if state is None else [short(state)]
        self.interfaces: list[Document] = []

    def told(self) -> dict[str, Document]:
        """Raises Unfit where it has no state."""
        if not self.states:
            raise Unfit(f"nothing is said of the state of the {self.unit} unit")
        state = self.states[0].casefold()
        if len(self.states) > 1 and "active" in (one.casefold() for one in self.states):
            state = "active/active"
        return {"unit": self.unit, "state": state, "groups": list(self.states)}


def _hosts(output: Output) -> dict[str, _Unit]:
    found: dict[str, _Unit] = {}
    current: _Unit | None = None
    for line in output.lines:
        text = line.strip()
        host, group, port = _HOST.fullmatch(text), _GROUP.fullmatch(text), _INTERFACE.fullmatch(text)
        if host is not None:
            current = found[host[1].casefold()] = _Unit(host[2], host[3])
        elif text.startswith("Stateful Failover"):
            current = None
        elif group is not None and current is not None:
            current.states.append(short(group[2]))
        elif port is not None and current is not None:
            name = f"{port[1]} {port[2]}" if port[1] else port[2]
            current.interfaces.append(
                {"name": f"{current.unit} {name}", "unit": current.unit, "context": port[1], "interface": port[2],
                 "state": port[3].casefold(), "monitored": None if port[4] is None else port[4].casefold()}
            )  # fmt: skip
        elif current is not None and " Interface " in f" {text}":
            raise Unfit(f"an interface whose state cannot be read: {text[:80]!r}")
    return found


_FIRST = re.compile(r"(This|Other) host +- +(Primary|Secondary)", re.IGNORECASE)
_SECOND = re.compile(r"([A-Z][A-Za-z ]{1,40}?) {2,}(\S.{0,60}?)(?: {2,}(\S.{0,60}))?")
_BARE = re.compile(r"[A-Z][A-Za-z ]{1,40}")


def failover_state(output: Output) -> Document:
    """Both units' state with the reason for the last failure, in the device's own words. Raises Unfit."""
    found: dict[str, dict[str, Document]] = {}
    awaited = ""
    for line in output.lines:
        text = line.strip()
        first = _FIRST.fullmatch(text)
        if first is not None:
            awaited = first[1].casefold()
            found[awaited] = {"unit": first[2].casefold()}
        elif awaited:
            second = _SECOND.fullmatch(text)
            if second is None and _BARE.fullmatch(text) is None:
                raise Unfit(f"a state that is none: {text[:60]!r}")
            reason = None if second is None else second[2]
            found[awaited] |= {
                "state": (text if second is None else second[1]).casefold(),
                "reason": None if reason is None or reason == "None" else short(reason),
                "failed_at": None if second is None or second[3] is None else short(second[3]),
            }
            awaited = ""
    if set(found) != {"this", "other"} or any("state" not in one for one in found.values()):
        raise Unfit("it does not tell of both units")
    return {"this": found["this"], "other": found["other"]}
