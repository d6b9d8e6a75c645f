"""VyOS: VRRP, memory, version. VyOS user guide; no recording."""

from __future__ import annotations

import re

from checks.firewall.cli.output import Output, Unfit, number, short
from checks.network.documents import Document

_OFF = re.compile(r"VRRP is not (?:running|configured)\.?", re.IGNORECASE)
_HEADING = re.compile(r"Name +Interface +VRID +State +Priority +Last Transition")
_RULE = re.compile(r"-{2,40}(?: +-{2,40}){3,6}")
_GROUP = re.compile(r"(\S{1,60}) +(\S{1,30}) +([0-9]{1,3}) +([A-Za-z]{2,12}) +([0-9]{1,3}) +(\S.{0,30})")


def vrrp(output: Output) -> Document:
    """Every group; without any of them VRRP is not configured. Raises Unfit."""
    if output.find(_OFF) is not None:
        return {"groups": []}
    output.need(_HEADING, "heading of VRRP groups")
    output.nothing_but(_HEADING, _RULE, _GROUP)
    rows: list[Document] = [
        {"name": found[1], "interface": found[2], "vrid": int(found[3]), "state": found[4].casefold(),
         "priority": int(found[5]), "since": short(found[6])}
        for found in output.all(_GROUP)
        if found[1] != "Name"
    ]  # fmt: skip
    if not rows:
        raise Unfit("there is no group below the heading")
    return {"groups": rows}


_SIZE = re.compile(r"(Total|Free|Used): +([0-9]{1,9}(?:\.[0-9]{1,3})?) ([KMGT]?B)")
_UNITS = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def memory(output: Output) -> Document:
    """Octets. Raises Unfit."""
    told = {found[1]: number(found[2], "a size") * _UNITS[found[3]] for found in output.all(_SIZE)}
    if not {"Total", "Used"} <= set(told):
        raise Unfit("it does not tell how much memory there is and how much is in use")
    return {"total": told["Total"], "used": told["Used"]}


_VERSION = re.compile(r"Version: +(VyOS .{1,60})")
_MODEL = re.compile(r"Hardware model: +(\S.{0,60})")
_SERIAL = re.compile(r"Hardware S/N: +(\S.{0,40})")


def version(output: Output) -> Document:
    """Who it is. Raises Unfit."""
    model, serial = output.find(_MODEL), output.find(_SERIAL)
    return {
        "version": short(output.need(_VERSION, "version of VyOS")[1]),
        "model": None if model is None else short(model[1]),
        "serial": None if serial is None else short(serial[1]),
    }
