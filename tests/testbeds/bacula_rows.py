"""Rows of a catalogue as Bacula has them, for tests of what they mean; and a small catalogue in a real database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from checks.backup.model import Account
from checks.backup.products.bacula.catalogue import Catalogue, Row
from checks.backup.products.bacula.reading import account

LONDON = ZoneInfo("Europe/London")
DAY = 86_400
NOW = 1_795_420_000.0
"""2026-11-23 07:46:40 UTC."""
SCHEMA = (
    "CREATE TABLE job (jobid INTEGER, name TEXT, type CHAR(1), level CHAR(1), clientid INTEGER, jobstatus CHAR(1), "
    "schedtime TIMESTAMP, starttime TIMESTAMP, endtime TIMESTAMP, jobtdate BIGINT, jobfiles INTEGER, jobbytes BIGINT, "
    "joberrors INTEGER, poolid INTEGER, filesetid INTEGER, purgedfiles INTEGER)",
    "CREATE TABLE client (clientid INTEGER, name TEXT)",
    "CREATE TABLE fileset (filesetid INTEGER, fileset TEXT)",
    "CREATE TABLE pool (poolid INTEGER, name TEXT)",
    "CREATE TABLE media (mediaid INTEGER, volumename TEXT, volstatus TEXT, poolid INTEGER)",
    "CREATE TABLE jobmedia (jobid INTEGER, mediaid INTEGER)",
    "CREATE TABLE log (logid INTEGER, jobid INTEGER, logtext TEXT)",
    "CREATE TABLE version (versionid INTEGER)",
    "INSERT INTO version VALUES (16)",
    "INSERT INTO client VALUES (1, 'srv-ben')",
    "INSERT INTO fileset VALUES (1, 'Ledger')",
    "INSERT INTO pool VALUES (1, 'Tape')",
    "INSERT INTO media VALUES (1, 'Vol-1', 'Append', 1), (2, 'Vol-2', 'Purged', 1)",
)


def text(at: float, zone: ZoneInfo = LONDON) -> str:
    """A time as the catalogue writes it."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")


def job(number: int, begun: float = NOW - 3600, status: str = "T", **more: Any) -> dict[str, Any]:
    """A Full of 10 minutes, unless more is said."""
    row = {
        "jobid": number, "name": "nightly", "type": "B", "level": "F", "jobstatus": status, "schedtime": text(begun),
        "starttime": text(begun), "endtime": text(begun + 600), "jobtdate": int(begun + 600), "jobfiles": 10,
        "jobbytes": 10**9, "joberrors": 0, "client": "srv-ben", "fileset": "Ledger", "pool": "Tape",
    }  # fmt: skip
    return row | more


def told(*jobs: Row, lost: dict[int, int] | None = None, log: dict[int, str] | None = None, **more: Any) -> Account:
    """The account of these jobs. `lost`: by job, how many of its volumes are; without it all is where it was."""
    volumes = {one["jobid"]: 0 for one in jobs} if lost is None else lost
    catalogue = Catalogue(
        sorted(jobs, key=lambda one: -one["jobid"]),
        [{"jobid": number, "lost": count} for number, count in volumes.items()],
        more.pop("pools", [{"pool": "Tape", "volume": None}]),
        [{"jobid": number, "logtext": words} for number, words in (log or {}).items()],
        "16",
    )
    return account(catalogue, more.pop("zone", LONDON), NOW, NOW - 45 * DAY)


def insert(row: Row, media: int | None = 1) -> list[str]:
    """Statements that put a job of srv-ben's ledger into a catalogue, on a volume."""
    names = ("jobid", "name", "type", "level", "jobstatus", "schedtime", "starttime", "endtime", "jobtdate",
             "jobfiles", "jobbytes", "joberrors")  # fmt: skip
    values = ", ".join(repr(row[name]) for name in names)
    listed = (
        f"INSERT INTO job ({', '.join(names)}, clientid, poolid, filesetid, purgedfiles) VALUES ({values}, 1, 1, 1, 1)"
    )
    return [listed, *([f"INSERT INTO jobmedia VALUES ({row['jobid']}, {media})"] if media is not None else [])]
