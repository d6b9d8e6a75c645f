"""pfSense: CARP by `ifconfig` and its demotion, the packet filter's states and limits by `pfctl`.

FreeBSD carp(4), ifconfig(8), pfctl(8); no recording.
"""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, short, whole
from checks.network.documents import Document

_INTERFACE = re.compile(r"([a-z][A-Za-z0-9_.]{0,30}): flags=[0-9a-f]{1,8}<.{0,200}")
_CARP = re.compile(
    r"carp: (MASTER|BACKUP|INIT) vhid ([0-9]{1,3}) advbase ([0-9]{1,3}) advskew ([0-9]{1,3})(?: .{0,60})?"
)
_STATUS = re.compile(r"status: (\S.{0,40})")


def interfaces(output: Output) -> Document:
    """Every interface, and every CARP address group with its state. Raises Unfit."""
    ports: list[dict[str, Document]] = []
    groups: list[Document] = []
    for line in output.lines:
        port = _INTERFACE.fullmatch(line.strip()) if not line.startswith(" ") else None
        carp, status = _CARP.fullmatch(line.strip()), _STATUS.fullmatch(line.strip())
        if port is not None:
            ports.append({"name": port[1], "status": None})
        elif ports and status is not None:
            ports[-1]["status"] = short(status[1])
        elif ports and line.strip().startswith("carp:"):
            if carp is None:
                raise Unfit(f"a CARP line that is none: {line.strip()[:80]!r}")
            groups.append(
                {"name": f"{ports[-1]['name']} vhid {carp[2]}", "interface": ports[-1]["name"], "vhid": int(carp[2]),
                 "state": carp[1].casefold(), "advskew": int(carp[4])}
            )  # fmt: skip
    if not any(port["name"] == "lo0" for port in ports):
        raise Unfit("the loopback interface is not there: it was cut off, or is something else")
    listed: list[Document] = [dict(port) for port in ports]
    return {"interfaces": listed, "carp": groups}


_DEMOTION = re.compile(r"net\.inet\.carp\.demotion: (-?[0-9]{1,9})")


def demotion(output: Output) -> Document:
    """By how much CARP makes itself less worthy; above 0 it would not take over. Raises Unfit."""
    return {"demotion": int(output.need(_DEMOTION, "net.inet.carp.demotion")[1])}


_ENABLED = re.compile(r"Status: (Enabled|Disabled)(?: for (?:[0-9]{1,6} days )?[0-9:]{5,9})?(?: +Debug: \S{1,20})?")
_ENTRIES = re.compile(r"current entries +([0-9]{1,12})(?: .{0,40})?")
_MEMORY = re.compile(r"memory +([0-9]{1,18}) +[0-9.]{1,12}/s")


def filter_status(output: Output) -> Document:
    """Whether the packet filter works, its states, and drops for lack of room. Raises Unfit."""
    dropped = output.find(_MEMORY)
    return {
        "status": output.need(_ENABLED, "state of the packet filter")[1].casefold(),
        "states": whole(output.need(_ENTRIES, "number of states")[1], "states"),
        "dropped_for_memory": None if dropped is None else whole(dropped[1], "packets"),
    }


_STATES = re.compile(r"states +hard limit +([0-9]{1,12})")


def limits(output: Output) -> Document:
    """How many states there may be. Raises Unfit."""
    return {"states": whole(output.need(_STATES, "limit of states")[1], "states") or None}
