"""What a check of a Mitel system remembers: values, its last start, and whose phones were on this backup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.contract import Memory
from checks.telephony.mitel import fleet, licences
from checks.telephony.mitel.fleet import Watched
from checks.telephony.mitel.proof import Proofs, Proven, Proving, Usual
from checks.telephony.mitel.unannounced import Watch
from checks.trends.history import History

VERSION = 1
_MOST_PRIMARIES = 200
_LARGEST = 60_000
"""Characters, of the 65,536 that are kept: a longer note has no rates, no fleet and fewer primaries."""
_FEWER_PRIMARIES = 40
_MOST_PROOFS = 16
"""As many primaries as the estate may name."""
_SLACK = 60.0
"""Seconds by which sysUpTime may lag behind our clock without a restart."""
_DRIFT = 0.0005
"""And the share of the time gone by: both clocks are kept by crystals."""
_WRAP_SECONDS = 2**32 / 100
_FRESH = 3600.0
"""A note that says the same is written again after so long, so that the drift stays small."""


@dataclass(frozen=True, slots=True)
class Note:
    """The check's memory, unpacked."""

    values: Memory | None = None
    """The note that the judgement of the values made."""
    at: float = 0.0
    uptime: float | None = None
    """sysUpTime in seconds as it was at `at`."""
    open: frozenset[str] = frozenset()
    """Primaries whose phones were on this backup."""
    lost: Mapping[str, float] = field(default_factory=dict)
    """Those of them whose row a restart took away, and when that was seen (Unix seconds)."""
    tenths: bool = False
    """Whether a call load above 100 was seen, which proves tenths of a percent."""
    watch: Watch = field(default_factory=Watch)
    """Of its traps."""
    proofs: Proofs = field(default_factory=Proofs)
    """Of proofs that phones are at home again what is on its way, what is done, and what they are measured by."""
    fleet: Mapping[str, Watched] = field(default_factory=dict)
    trends: Mapping[str, History] = field(default_factory=dict)
    """The daily peaks of licences in use."""
    sip: bool = False
    """Whether the system has ever answered SIP."""

    def restarted(self, uptime: float, at: float) -> bool:
        """Whether the system has started since: its uptime is less than it should be, and has not just wrapped.

        A restart that was over before the next poll is seen too, though uptime may be above the noted one by then.
        """
        if self.uptime is None:
            return False
        elapsed = max(0.0, at - self.at)
        slack = _SLACK + elapsed * _DRIFT
        behind = self.uptime + elapsed - uptime
        return behind > slack and abs(behind - _WRAP_SECONDS) > slack

    def packed(self, before: Note) -> Memory | None:
        """The new note, or None when the one before says the same."""
        same = self._told() == before._told()
        counted = self.values is not None and self.values != before.values
        if same and not counted and before.uptime is not None and 0 <= self.at - before.at < _FRESH:
            return None
        values = self.values or before.values
        told = {
            "values": None if values is None else [values.version, values.text],
            "at": self.at, "uptime": self.uptime, "tenths": self.tenths, "traps": self.watch.packed(),
            "sip": self.sip, "fleet": fleet.plain(self.fleet), "trends": licences.packed(self.trends),
        }  # fmt: skip
        text = _text(told | self._phones(_MOST_PRIMARIES))
        if len(text) > _LARGEST:
            text = _text(told | {"values": None, "fleet": {}} | self._phones(_FEWER_PRIMARIES))
        return Memory(VERSION, text)

    def _told(self) -> tuple[object, ...]:
        """What is worth a new note when it changes."""
        proofs = tuple(map(dict, (self.proofs.proving, self.proofs.proven, self.proofs.usual)))
        plain = (self.open, dict(self.lost), self.tenths, self.sip, self.watch)
        return *plain, proofs, dict(self.fleet), dict(self.trends)

    def _phones(self, most: int) -> dict[str, Any]:
        proving = list(self.proofs.proving.items())[:_MOST_PROOFS]
        proven = list(self.proofs.proven.items())[:_MOST_PROOFS]
        return {
            "open": sorted(self.open)[:most], "lost": dict(sorted(self.lost.items())[:most]),
            "proving": {name: [one.since, one.last] for name, one in proving},
            "proven": {name: [one.at, one.words] for name, one in proven},
            "usual": {name: [one.sets, one.at] for name, one in self.proofs.usual.items()},
        }  # fmt: skip


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))


def unpacked(memory: Memory | None) -> Note:
    """The note in a memory; one of another version, or a damaged one, is empty."""
    if memory is None or memory.version != VERSION:
        return Note()
    try:
        said = json.loads(memory.text)
        values, uptime = said["values"], said["uptime"]
        return Note(
            values=None if values is None else Memory(int(values[0]), str(values[1])),
            at=float(said["at"]),
            uptime=None if uptime is None else float(uptime),
            open=frozenset(str(name)[:100] for name in said["open"][:_MOST_PRIMARIES]),
            lost={str(name)[:100]: float(since) for name, since in list(said["lost"].items())[:_MOST_PRIMARIES]},
            tenths=said["tenths"] is True,
            watch=Watch.unpacked(said.get("traps", {})),
            proofs=_proofs(said),
            fleet=fleet.unplain(said.get("fleet", {})),
            trends=licences.unpacked(said.get("trends", {})),
            sip=said.get("sip") is True,
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        return Note()


def _proofs(said: Any) -> Proofs:
    proving = list(said.get("proving", {}).items())[:_MOST_PRIMARIES]
    proven = list(said.get("proven", {}).items())[:_MOST_PRIMARIES]
    usual = list(said.get("usual", {}).items())[:_MOST_PROOFS]
    return Proofs(
        usual={str(name)[:100]: Usual(int(sets), float(at)) for name, (sets, at) in usual},
        proving={str(name)[:100]: Proving(float(since), float(last)) for name, (since, last) in proving},
        proven={str(name)[:100]: Proven(float(at), str(words)[:300]) for name, (at, words) in proven},
    )
