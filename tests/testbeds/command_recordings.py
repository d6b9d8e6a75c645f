"""Recorded outputs of commands, and what the published templates take from them. Read in place, never copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from checks.firewall.cli import PARSERS
from testbeds.firewalls import folder

PLATFORMS = {
    "fortios": "fortinet", "panos": "paloalto_panos", "asa": "cisco_asa", "gaia": "checkpoint_gaia",
    "srx": "juniper_junos", "vyos": "vyatta_vyos",
}  # fmt: skip
NOT_OURS = {"juniper_junos_show_version", "juniper_junos_show_version_ex", "juniper_junos_show_version_vmhost"}
"""Outputs of a command that we read, of devices that are no firewalls."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One output of a command that we read."""

    name: str
    parser: str
    command: str
    text: str
    rows: list[dict[str, Any]]
    """What the published template takes from it."""


def every() -> Iterator[tuple[str, Path]]:
    """Every recorded output there is, with the command as the folder's name spells it."""
    there = folder()
    if there is not None:
        for file in sorted(there.glob("ntc/*/*/*.raw")):
            yield f"{file.parent.parent.name}/{file.parent.name}", file


def read_by(parser: str) -> set[str]:
    """The folders that hold outputs of a parser's commands."""
    product = parser.partition("/")[0]
    return {f"{PLATFORMS.get(product)}/{line.replace(' ', '_')}" for line in PARSERS[parser].commands}


@cache
def ours() -> tuple[Recorded, ...]:
    """Every output of a command that we read, of a firewall."""
    found = []
    for where, file in every():
        for parser in PARSERS:
            if where in read_by(parser) and file.stem not in NOT_OURS:
                line = next(line for line in PARSERS[parser].commands if where.endswith(f"/{line.replace(' ', '_')}"))
                rows = yaml.safe_load(file.with_suffix(".yml").read_text(encoding="utf-8"))["parsed_sample"]
                found.append(Recorded(file.stem, parser, line, file.read_text(encoding="utf-8"), rows))
    return tuple(found)
