"""Firewalls by their recordings: what the kind `firewall` says of one, with changes, memory and another moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from agent.records import CheckResult
from agent.replay import SYSTEM, check_for, replay_pair, replay_snmp, wanted
from checks.catalogue import load_catalogue
from checks.contract import Assessment, Memory, Observation, Reason, State, Subject
from checks.firewall.answers import FirewallAnswers
from checks.recordings import reading
from checks.recordings.recording import Recorded, RecordedCheck, Recording, ordered
from checks.transports.snmp.tags import TAG_GAUGE, TAG_INTEGER, TAG_OCTETS
from config.estate import CheckSpec

KINDS = load_catalogue()
_WHERE = "firewall"
KEY: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "truth" / "firewall_verdicts.yaml").read_text(encoding="utf-8")
)["recordings"]
"""By recording: which profile is right for it, what is not well of it, and why."""
AT = 1_768_435_200.0
"""15 January 2026."""


def moment(name: str) -> float:
    """When a recording is to have been read (Unix seconds)."""
    at = KEY[name].get("at")
    return AT if at is None else (at if isinstance(at, datetime) else datetime.fromisoformat(at)).timestamp()


def folder() -> Path | None:
    """Where the recordings of firewalls lie; None in a clone without them."""
    directory = os.environ.get("RIDGEWAY_RECORDINGS")
    found = Path(directory) / _WHERE if directory else None
    return found if found is not None and found.is_dir() else None


def files() -> list[Path]:
    """Every SNMP recording of a firewall."""
    there = folder()
    if there is None:
        return []
    return sorted([*there.glob("librenms/snmpsim/*.snmprec"), *there.glob("snmpsim-data/*.snmprec*")])


def name_of(file: Path) -> str:
    return file.name.removesuffix(".bz2").removesuffix(".snmprec")


@dataclass(slots=True)
class Replayed:
    """One recording as it was judged."""

    name: str
    check: RecordedCheck
    spec: CheckSpec
    recording: Recording
    observation: Observation
    assessment: Assessment

    @property
    def bad(self) -> dict[str, State]:
        """Every finding that is not well, by key."""
        return {f.key: f.state for f in self.assessment.findings if f.state is not State.OK}

    @property
    def answers(self) -> FirewallAnswers:
        assert isinstance(self.observation.answers, FirewallAnswers)
        return self.observation.answers

    def value(self, family: str, *labels: str) -> float | None:
        """A reading; None where there is none."""
        for one in self.assessment.readings:
            if one.family.name == f"ridgeway_firewall_{family}" and one.labels == labels:
                return one.value
        return None


def replayed(
    file: Path,
    at: float,
    changes: Mapping[str, int | str | bytes | None] | None = None,
    *,
    options: Mapping[str, object] | None = None,
    cut: tuple[str, ...] = (),
) -> Replayed:
    """The recording, with some values changed (None takes one away) and some subtrees cut, as judged at `at`."""
    raw = reading.octets(file)
    check = check_for(reading.recording(raw, file.name, (SYSTEM,)), None)
    if options:
        check = replace(check, options={**check.options, **options})
    recording = reading.recording(raw, file.name, wanted(file.name, (check,), KINDS))
    values = dict(recording.values)
    for oid, value in (changes or {}).items():
        values.pop(oid, None)
        if value is not None:
            values[oid] = _recorded(recording.values.get(oid), value)
    if cut:
        recording = replace(recording, cut=dict.fromkeys(cut, Reason.NO_ANSWER))
    recording = replace(recording, values=ordered(values), at=None)
    result = asyncio.run(replay_snmp(file.name, recording, (check,), KINDS, at)).results[0]
    return Replayed(name_of(file), check, result.subject.check, recording, result.observations[0], result.assessment)


@dataclass(frozen=True, slots=True)
class Of:
    """The value that the recording has at another OID."""

    oid: str


Changes = Mapping[str, int | str | Of | None]
"""OID to what is answered in the place of what was recorded; None takes it away."""


@lru_cache(maxsize=4)
def _for_pairs(file: Path) -> Recording:
    raw = reading.octets(file)
    check = RecordedCheck("pair", {"profile": check_for(reading.recording(raw, file.name, (SYSTEM,)), None).name})
    return reading.recording(raw, file.name, wanted(file.name, (replace(check, kind="firewall"),), KINDS))


def of_pair(file: Path, changes: Changes, cut: tuple[str, ...] = ()) -> Recording:
    """The recording as a member's, with some values changed and some subtrees cut."""
    recording = _for_pairs(file)
    values = dict(recording.values)
    for oid, value in changes.items():
        values.pop(oid, None)
        if isinstance(value, Of):
            values[oid] = recording.values[value.oid]
        elif value is not None:
            values[oid] = _recorded(recording.values.get(oid), value)
    return replace(recording, values=ordered(values), at=None, cut=dict.fromkeys(cut, Reason.NO_ANSWER))


def paired(first: Recording, second: Recording, profile: str, at: float) -> CheckResult:
    """What the pair's check says of two recordings, `first` and `second`."""
    both = {"first": first, "second": second}
    return asyncio.run(replay_pair(both, profile, KINDS, at)).results[0]


def again(after: Replayed, memory: Memory | None) -> Assessment:
    """What `after` says to a check that remembers."""
    kind = KINDS[after.check.kind]
    subject = Subject(after.name, "", "", after.spec, ())
    return kind.assess(subject, (after.observation,), memory, after.observation.started)


def _recorded(was: Recorded | None, value: int | str | bytes) -> Recorded:
    if isinstance(value, bytes):
        return Recorded(TAG_OCTETS, value)
    if isinstance(value, str):
        return Recorded(TAG_OCTETS, value.encode())
    return Recorded(
        was.tag if was is not None and was.tag != TAG_OCTETS else TAG_INTEGER if value < 0 else TAG_GAUGE, value
    )
