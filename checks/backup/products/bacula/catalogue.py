"""The catalogue's rows, read by SQL in one read-only transaction. Blocks: run it aside from the loop.

Nothing is written and nothing locked: SQLite is opened `mode=ro`, PostgreSQL with a session that is read-only. The
account needs SELECT on job, client, fileset, pool, jobmedia, media and log. Statements are bounded in rows and time.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, CursorResult, Engine, NullPool, bindparam, create_engine, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from checks.contract import Reason
from checks.printable import printable
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from config.secrets import Secret

MOST = 20_000
"""Rows of jobs that are read, the newest first."""
_MOST_LINES = 4_000
_MOST_ASKED = 400
"""Jobs whose log is asked for."""
_CONNECT_SECONDS = 10
Row = Mapping[str, Any]

_JOBS = """
SELECT j.jobid, j.name, j.type, j.level, j.jobstatus, j.schedtime, j.starttime, j.endtime, j.jobtdate, j.jobfiles,
       j.jobbytes, j.joberrors, c.name AS client, f.fileset AS fileset, p.name AS pool
FROM job j LEFT JOIN client c ON c.clientid = j.clientid LEFT JOIN fileset f ON f.filesetid = j.filesetid
           LEFT JOIN pool p ON p.poolid = j.poolid
WHERE (j.type IN ('B', 'C') AND j.jobstatus IN ('T', 'W'))
   OR (j.type IN ('B', 'V', 'R') AND (j.jobtdate >= :since
       OR j.jobstatus NOT IN ('T', 'W', 'E', 'e', 'f', 'A', 'D', 'I')))
ORDER BY j.jobid DESC LIMIT :most
"""
_VOLUMES = """
SELECT jm.jobid, sum(CASE WHEN m.volstatus IS NULL OR m.volstatus IN ('Purged', 'Recycle', 'Error') THEN 1 ELSE 0 END)
       AS lost
FROM jobmedia jm LEFT JOIN media m ON m.mediaid = jm.mediaid WHERE jm.jobid >= :first GROUP BY jm.jobid LIMIT :most
"""
_POOLS = """
SELECT p.name AS pool, m.volumename AS volume FROM pool p
LEFT JOIN media m ON m.poolid = p.poolid AND m.volstatus = 'Error' ORDER BY p.name, m.volumename LIMIT :most
"""
_LOG = """
SELECT l.jobid, {text} AS logtext FROM log l WHERE l.jobid IN :jobs AND (l.logtext LIKE '%JobId(s)%'
    OR l.logtext LIKE '%Verifying against%' OR l.logtext LIKE '%rror:%') ORDER BY l.logid LIMIT :most
"""
_LINE = {
    "sqlite": "substr(l.logtext, 1, 4000)",
    # Octets: Bacula makes its database in SQL_ASCII, and names of files are in whatever encoding the client has.
    "postgresql": "convert_to(substr(l.logtext, 1, 4000), 'SQL_ASCII')",
}
_VERSION = "SELECT versionid FROM version LIMIT 1"


@dataclass(frozen=True, slots=True)
class At:
    """Where a catalogue is: a file, or a database on a server."""

    file: str | None = None
    target: str = ""
    address: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    password: Secret | None = None
    ca: str | None = None

    def __str__(self) -> str:
        return self.file or f"{self.database} on {self.target}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What was read, as the database gave it."""

    jobs: Sequence[Row]
    """The newest first; as many as MOST where there are more."""
    volumes: Sequence[Row]
    pools: Sequence[Row]
    log: Sequence[Row]
    version: str = ""


def catalogue_of(at: At, since: float, tether: Tether) -> Catalogue:
    """The rows. `since` (Unix seconds): from when on failed runs, verifications and restores are told."""
    try:
        engine = _engine(at, tether)
        with engine.connect() as connection, _tethered(connection, tether), connection.begin():
            return _read(connection, since)
    except NoSuchModuleError as error:
        raise TransportFault(Reason.LOCAL, f"the catalogue {at}: {error}") from error
    except ImportError as error:
        words = "PostgreSQL needs psycopg: install ridgeway[postgresql]"
        raise TransportFault(Reason.LOCAL, f"the catalogue {at}: {words}") from error
    except DBAPIError as error:
        raise _fault(at, error, tether.cut) from error
    except UnicodeDecodeError as error:
        raise TransportFault(Reason.PROTOCOL, f"the catalogue {at}: a name in it is no UTF-8") from error


def _read(connection: Connection, since: float) -> Catalogue:
    jobs = _rows(connection, _JOBS, since=int(since), most=MOST)
    if not all(isinstance(row["jobid"], int) for row in jobs):
        raise TransportFault(Reason.PROTOCOL, "the catalogue has jobs without a number; is it one of Bacula or Bareos?")
    first = min((row["jobid"] for row in jobs), default=0)
    asked = [row["jobid"] for row in jobs if row["type"] in ("V", "R") or row["jobstatus"] not in ("T", "W")]
    log: Sequence[Row] = ()
    if asked:
        statement = text(_LOG.format(text=_LINE[connection.dialect.name])).bindparams(bindparam("jobs", expanding=True))
        found = connection.execute(statement, {"jobs": asked[:_MOST_ASKED], "most": _MOST_LINES})
        log = [{**row, "logtext": _readable(row["logtext"])} for row in _plain(found)]
    return Catalogue(
        jobs,
        _rows(connection, _VOLUMES, first=first, most=5 * MOST),
        _rows(connection, _POOLS, most=MOST),
        log,
        str(connection.execute(text(_VERSION)).scalar() or ""),
    )


def _readable(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _rows(connection: Connection, statement: str, **values: object) -> Sequence[Row]:
    return _plain(connection.execute(text(statement), values))


def _plain(found: CursorResult[Any]) -> list[dict[str, Any]]:
    """SQLite names columns as the schema spells them, PostgreSQL in small letters."""
    return [{name.lower(): value for name, value in row.items()} for row in found.mappings()]


def _engine(at: At, tether: Tether) -> Engine:
    if at.file is not None:
        if not Path(at.file).is_file():
            raise TransportFault(Reason.LOCAL, f"the catalogue {at}: there is no such file")
        uri = f"file:{quote(at.file)}?mode=ro"
        return create_engine(
            "sqlite://",
            creator=lambda: _opened(uri, tether),
            poolclass=NullPool,
            hide_parameters=True,
        )
    url = URL.create(
        "postgresql+psycopg", at.user, at.password.reveal() if at.password else None, at.address, at.port, at.database
    )
    milliseconds = max(1, int(tether.left * 1000))
    trust = {"sslmode": "verify-full", "sslrootcert": at.ca} if at.ca else {"require_auth": "!password"}
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        connect_args={
            "connect_timeout": max(2, min(_CONNECT_SECONDS, int(tether.left))),
            "tcp_user_timeout": milliseconds,
            "application_name": "ridgeway",
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout=5000 "
            "-c default_transaction_read_only=on -c client_encoding=UTF8",
            **trust,
        },
    )


def _opened(uri: str, tether: Tether) -> sqlite3.Connection:
    opened = sqlite3.connect(uri, uri=True, timeout=min(5.0, tether.left), check_same_thread=False)
    opened.text_factory = lambda octets: octets.decode("utf-8", "replace")
    return opened


@contextmanager
def _tethered(connection: Connection, tether: Tether) -> Iterator[None]:
    """At the deadline SQLite's statement is interrupted, and PostgreSQL's socket shut down."""
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        tether.on_cut(driver.interrupt)
        yield
        return
    with socket.socket(fileno=os.dup(driver.fileno())) as held:
        tether.hold(held)
        yield


def _fault(at: At, error: DBAPIError, late: bool) -> TransportFault:
    """Whose fault it is, by SQLSTATE, SQLite's code, or what libpq says before there is a session."""
    code = getattr(error.orig, "sqlstate", None) or ""
    said = printable(" ".join(str(error.orig).split()))[:200]
    if late:
        return TransportFault(Reason.NO_ANSWER, f"the catalogue {at}: it did not answer in time")
    reason = _reason(code, said, at.file is not None, getattr(error.orig, "sqlite_errorname", ""))
    mend = {
        Reason.FORBIDDEN: "; grant SELECT on job, client, fileset, pool, jobmedia, media, log and version",
        Reason.PROTOCOL: "; is it a catalogue of Bacula or Bareos?",
    }.get(reason, "")
    return TransportFault(reason, f"the catalogue {at}: {said}{mend}")


def _reason(code: str, said: str, file: bool, name: str) -> Reason:
    if file:
        busy = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_INTERRUPT"))
        away = name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_AUTH"))
        return Reason.NO_ANSWER if busy else Reason.LOCAL if away else Reason.PROTOCOL
    if code.startswith("28") or "authentication failed" in said:
        return Reason.AUTHENTICATION
    if code == "42501":
        return Reason.FORBIDDEN
    if code in ("57014", "55P03") or "timeout expired" in said or "timed out" in said:
        return Reason.NO_ANSWER
    if code.startswith("53"):
        return Reason.LIMIT
    if "no pg_hba.conf entry" in said:
        return Reason.FORBIDDEN
    if code or any(word in said for word in ("FATAL", "certificate", "SSL", "authentication")):
        return Reason.PROTOCOL
    if "refused" in said:
        return Reason.REFUSED
    return Reason.NAME if "resolve" in said else Reason.LOCAL if "invalid" in said else Reason.UNREACHABLE
