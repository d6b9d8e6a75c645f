"""One reading of an instance: log in, ask, log out. Blocks: run it aside from the loop.

Nothing is written, nothing is locked, and no database is opened but msdb and master. A question that is refused stands
in `Answers.unread` with the reason; the others are asked all the same.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from checks.backup.products.mssql import queries
from checks.backup.products.mssql.channel import Channel, Trusted
from checks.contract import Reason
from checks.printable import printable
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from config.secrets import Secret

Row = Mapping[str, Any]
MOST_BACKUPS = 60_000
"""Rows of backups in one reading; a server that has more is read further the next time."""
_SHARE = 0.5
"""The part of the time after which no further page of backups is asked for."""
_NOT_PERMITTED = frozenset({229, 230, 262, 297, 300, 371, 916})
_REFUSED = frozenset({18452, 18456, 18470, 18486, 18487, 18488})
_WAITS = {1205: "it was the victim of a deadlock", 1222: "what it asks for is locked by somebody"}
_ABSENT = frozenset({207, 208})


@dataclass(frozen=True, slots=True)
class Login:
    """Where, as whom, and by what the server is known."""

    place: str
    host: str
    trusted: Trusted
    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Since:
    """What was read before: numbers of rows, each the highest of its table."""

    backup: int = 0
    restore: int = 0
    run: int = 0


@dataclass(slots=True)
class Answers:
    """What an instance answered. By table of `queries.TABLES` in `unread`: why it was not read."""

    server: Row
    databases: Sequence[Row] = ()
    replicas: Sequence[Row] = ()
    backups: list[Row] = field(default_factory=list)
    """In the order of their numbers."""
    anew: bool = False
    """Its history began again, or had not been read before."""
    more: bool = False
    restores: Sequence[Row] = ()
    jobs: Sequence[Row] = ()
    runs: Sequence[Row] = ()
    running: Sequence[Row] = ()
    unread: dict[str, str] = field(default_factory=dict)


def answers_of(raw: socket.socket, login: Login, since: Since, begin: datetime, tether: Tether) -> Answers:
    """Everything new since `since`. `begin`: by the server's own clock, before which nothing is read.

    Raises TransportFault where nothing can be asked at all.
    """
    tether.hold(raw)
    with _connected(raw, login, tether) as session:
        session.ask(queries.SETTINGS, 0)
        server = session.ask(queries.SERVER, 1)
        if not server:
            raise _garbled(login.place, "it does not say which it is")
        told = Answers(server[0])
        told.databases = session.rows(told, "databases", queries.DATABASES, queries.MOST_DATABASES)
        told.replicas = session.rows(told, "replicas", queries.REPLICAS, queries.MOST_REPLICAS)
        _backups(session, told, since.backup, begin)
        known = Since() if told.anew else since
        moment = {"since": begin.isoformat(timespec="seconds"), "day": f"{begin:%Y%m%d}"}
        told.restores = session.rows(
            told, "restorehistory", queries.RESTORES, queries.MOST_RESTORES, after=known.restore, **moment
        )
        told.jobs = session.rows(told, "sysjobs", queries.JOBS, queries.MOST_JOBS)
        told.runs = session.rows(told, "sysjobs", queries.HISTORY, queries.MOST_HISTORY, after=known.run, **moment)
        told.running = session.rows(told, "sysjobs", queries.RUNNING, queries.MOST_JOBS)
        return told


@dataclass(slots=True)
class _Session:
    """A log-in, for the length of one reading."""

    connection: Any
    """pytds.Connection, which has no types."""
    place: str
    tether: Tether
    budget: float
    broken: TransportFault | None = None
    """The connection has gone: nothing more is asked."""

    def ask(self, statement: str, most: int) -> list[Row]:
        """Its rows; more than `most`, which its own TOP says, are not taken. Raises TransportFault."""
        import pytds

        if self.broken is not None:
            raise self.broken
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
                names = [column[0] for column in cursor.description or ()]
                found = cursor.fetchmany(most) if names else []
            return [dict(zip(names, row, strict=True)) for row in found]
        except pytds.Error as error:
            raise _fault(self.place, error) from error
        except TransportFault as fault:
            self.broken = fault
            raise
        except Exception as error:
            # On tokens that no SQL Server sends the driver raises whatever comes, Exception itself among them.
            self.broken = _garbled(self.place, error)
            raise self.broken from error

    def rows(self, told: Answers, table: str, statement: str, most: int, **values: object) -> list[Row]:
        """Its rows; none where it is refused, and the reason stands in `told`."""
        try:
            return self.ask(statement.format(most=most, **values), most)
        except TransportFault as fault:
            grant = f"; grant {queries.TABLES[table]}" if fault.reason is Reason.FORBIDDEN else ""
            told.unread.setdefault(table, f"{fault.message}{grant}"[:300])
            return []


def _backups(session: _Session, told: Answers, after: int, begin: datetime) -> None:
    """Page after page by the primary key. A server whose numbers begin again is read from the start."""
    extent = session.rows(told, "backupset", queries.EXTENT, 1, since=begin.isoformat(timespec="seconds"))
    if not extent:
        return
    last, first = (value if isinstance(value := extent[0].get(key), int) else 0 for key in ("last_id", "first_id"))
    told.anew = after == 0 or after > last
    after = max((first or last + 1) - 1, 0 if told.anew else after)
    while "backupset" not in told.unread:
        page = session.rows(told, "backupset", queries.BACKUPS, queries.PAGE, after=after)
        told.backups += page
        if len(page) < queries.PAGE:
            return
        highest = page[-1].get("id")
        if not isinstance(highest, int) or highest <= after:
            raise _garbled(session.place, "its numbers do not rise")
        after = highest
        if len(told.backups) >= MOST_BACKUPS or session.tether.left < _SHARE * session.budget:
            told.more = True
            return


@contextmanager
def _connected(raw: socket.socket, login: Login, tether: Tether) -> Iterator[_Session]:
    import pytds

    _quiet()
    budget, channel = tether.left, Channel(raw, login.trusted, tether, login.place)
    try:
        connection = pytds.connect(
            login.host,
            user=login.user,
            password=login.password.reveal(),
            sock=channel,
            appname="ridgeway",
            autocommit=True,
            login_timeout=0,
            disable_connect_retry=True,
        )
    except TransportFault:
        raise
    except Exception as error:  # as in `ask`
        raise _log_in_fault(login.place, error) from error
    channel.logging_in = False
    with connection:
        yield _Session(connection, login.place, tether, budget)


def _quiet() -> None:
    """What the driver would log, texts of the server included, is kept nowhere: faults tell what matters."""
    logger = logging.getLogger("pytds")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)


def _log_in_fault(place: str, error: BaseException) -> TransportFault:
    """The driver tries again after some errors, and then says that there is no time left: what it was is the cause."""
    first = error.__cause__ if isinstance(error, TimeoutError) and error.__cause__ is not None else error
    number, said = _told(first)
    if number in _REFUSED:
        return TransportFault(Reason.AUTHENTICATION, f"{place}: {said}")
    if number:
        return TransportFault(Reason.PROTOCOL, f"{place}: it does not let us in: {said}")
    return _garbled(place, first)


def _fault(place: str, error: BaseException) -> TransportFault:
    """Of a question: what the server says by number."""
    number, said = _told(error)
    if number in _NOT_PERMITTED:
        return TransportFault(Reason.FORBIDDEN, f"{place}: not permitted: {said}")
    if number in _WAITS:
        return TransportFault(Reason.NO_ANSWER, f"{place}: {_WAITS[number]}")
    if number in _ABSENT:
        return TransportFault(Reason.PROTOCOL, f"{place}: {said}; SQL Server 2012 and newer are read")
    return TransportFault(Reason.PROTOCOL, f"{place}: {said}") if number else _garbled(place, said)


def _told(error: BaseException) -> tuple[int, str]:
    number = getattr(error, "msg_no", 0)
    words = str(error.args[0]) if error.args else ""
    return (number if isinstance(number, int) else 0), printable(" ".join(words.split()))[:200]


def _garbled(place: str, why: object) -> TransportFault:
    words = printable(" ".join(str(why).split()))[:100]
    return TransportFault(Reason.PROTOCOL, f"{place}: it does not answer as SQL Server does ({words})")
