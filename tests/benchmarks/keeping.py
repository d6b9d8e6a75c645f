"""Backup, restore and verification of a ledger as 10,000 checks of ten values leave it, by the commands themselves."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from agent.ledger.batch import Batch, Span
from agent.ledger.ledger import Ledger
from agent.records import Cause
from checks.contract import State
from testbeds import kept
from testbeds.agent import RIDGEWAY
from testbeds.keeping import Home
from testbeds.peers import find
from tests.benchmarks.figures import Figure, Void

CHECKS = 10_000
VALUES = 10


def measure(quick: bool) -> Iterable[Figure]:
    checks = 200 if quick else CHECKS
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(Path(scratch))
        _fill(home, checks)
        size = Path(home.ledger).stat().st_size / 1e6
        archive = home.place / "kept.tar.gz"
        what = f"of a ledger of {size:,.0f} MB ({checks:,} checks)"
        sqlite = find("sqlite3")
        peer = None if sqlite is None else _seconds([str(sqlite), home.ledger, f".backup {scratch}/peer.sqlite3"])
        beside = {"peer": "sqlite3 .backup, neither compressed nor verified" if peer else "", "peer_value": peer}
        where = ("--config.file", str(home.estate), "--ledger.url", home.ledger)
        took = _seconds([RIDGEWAY, "backup", "make", str(archive), *where])
        packed = archive.stat().st_size / 1e6
        yield Figure(f"backup {what}", took, "s", note=f"{packed:,.0f} MB packed, read back and whole", **beside)
        took = _seconds([RIDGEWAY, "restore", str(archive), "--yes", *where])
        yield Figure(f"restore {what}", took, "s")
        took = _seconds([RIDGEWAY, "ledger", "verify", "--ledger.url", home.ledger])
        yield Figure(f"ledger verify {what}", took, "s")


def _fill(home: Home, checks: int) -> None:
    with closing(Ledger.open(home.ledger, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        for start in range(0, checks, 500):
            records, spans = [], []
            for number in range(start, min(start + 500, checks)):
                record = kept.check_record(f"target-{number}/snmp")
                readings = tuple(replace(record.assessment.readings[0]) for _ in range(VALUES))
                records.append(replace(record, assessment=replace(record.assessment, readings=readings)))
                spans += [
                    Span(Cause("dacorum", f"target-{number}", f"snmp/{value}"), kept.NOW, kept.NOW + 60, State.OK)
                    for value in range(VALUES)
                ]
            ledger.writer.submit(Batch(checks=tuple(records), spans=tuple(spans))).result(60)
        for number in range(checks // 10):
            cause = Cause("dacorum", f"target-{number}", "snmp/memory")
            ledger.writer.submit(Batch(incident_changes=(kept.opening(f"RWY-{number}", cause),))).result(60)


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise Void(f"{command[1]} ended with {done.returncode}: {done.stderr[-200:]}")
    return time.perf_counter() - begun
