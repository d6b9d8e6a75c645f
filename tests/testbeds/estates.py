"""Small kinds of checks and of desks, and the smallest estate, for tests of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from config.estate import Estate, KindDefaults, MofN, WakeClass
from config.load import load_estate
from config.secrets import SecretReference


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class IcmpOptions(_Options):
    packets: int = Field(default=3, ge=1, le=20)


class TcpOptions(_Options):
    port: int = Field(ge=1, le=65_535)


class SnmpOptions(_Options):
    profile: str = "if-mib"


class NightlyOptions(_Options):
    job: str = "all"


class PairOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    members: tuple[str, ...]
    seen_from: tuple[str, ...] = ()


class DeskOptions(_Options):
    url: str
    token: SecretReference


@dataclass(frozen=True, slots=True)
class Kind:
    """As much of a kind of check as the configuration knows."""

    kind: str
    title: str
    options: type[BaseModel]
    defaults: KindDefaults
    requires: tuple[str, ...] = ()
    inputs: Callable[[Any], Sequence[str]] = lambda _options: ()
    places: Callable[[Any], Sequence[str]] = lambda _options: ()
    asks_itself: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """As much of a kind of desk as the configuration knows."""

    kind: str
    title: str
    options: type[BaseModel]


MINUTE = KindDefaults(60.0, 5.0, MofN(3, 5), MofN(2, 3), WakeClass.NOW)
NIGHTLY = KindDefaults(
    86_400.0, 30.0, MofN(1, 1), MofN(1, 1), WakeClass.WORKING_HOURS, reopen_window=259_200.0, evidence=True,
    fastest=300.0,
)  # fmt: skip
KINDS = {
    kind.kind: kind
    for kind in (
        Kind("icmp", "Echo request", IcmpOptions, MINUTE),
        Kind("tcp", "Connection", TcpOptions, MINUTE),
        Kind("snmp", "Values by profile", SnmpOptions, MINUTE, ("snmp",)),
        Kind("nightly", "Nightly job", NightlyOptions, NIGHTLY),
        Kind(
            "pair",
            "Two as one",
            PairOptions,
            MINUTE,
            ("snmp",),
            inputs=lambda options: options.members,
            places=lambda options: options.seen_from,
        ),
    )
}
DESKS = {"tracker": Desk("tracker", "Tracker", DeskOptions)}

SMALLEST = """\
estate: {name: demo, vantage: here}
councils: {dacorum: {title: Dacorum Borough Council}}
sites: {forum: {council: dacorum, title: The Forum}}
vantages: {here: {site: forum}}
"""
TARGET = """\
targets:
  switch:
    address: 192.0.2.1
    site: forum
"""
"""To be followed by `    checks: …`."""


def load_text(directory: Path, text: str) -> Estate:
    """The estate in a text, by way of a file."""
    path = directory / "estate.yaml"
    path.write_text(text, encoding="utf-8")
    return load_estate(path, KINDS, DESKS)
