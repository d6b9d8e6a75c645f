"""A home with an estate and a filled ledger, and the verbs that keep and restore it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from agent.cli import answer
from agent.ledger.batch import Batch
from agent.ledger.copying import rows_of, tables_of
from agent.ledger.database import database_at
from agent.ledger.ledger import Ledger
from agent.records import Cause
from testbeds import kept

ESTATE = """
estate: {name: test, vantage: hemel}
councils: {dacorum: {title: Dacorum}}
sites: {forum: {council: dacorum}}
vantages: {hemel: {site: forum}}
credentials: {read: {kind: snmp-v2c, community: env:COMMUNITY}}
targets: {web: {address: 127.0.0.1, site: forum, credentials: {snmp: read}, checks: [{tcp: {port: 9}}]}}
"""


class Home:
    """Everything in one directory, with the ledger wherever `location` says."""

    def __init__(self, place: Path, location: str = "") -> None:
        self.place = place
        self.ledger = location or str(place / "ledger.sqlite3")
        self.estate = place / "estate.yaml"
        self.estate.write_text(ESTATE)

    def run(self, *arguments: str) -> int:
        where = ("--config.file", str(self.estate)) if arguments[0] != "ledger" else ()
        return answer([*arguments, *where, "--ledger.url", self.ledger])

    def backup(self, name: str = "kept.tar.gz") -> Path:
        assert self.run("backup", "make", str(self.place / name)) == 0
        return self.place / name

    def restore(self, archive: Path, *options: str) -> int:
        return self.run("restore", str(archive), "--yes", *options)

    def write(self, first: int, count: int = 5) -> None:
        """Open so many incidents, with an event and a wish each, and end the agent's life."""
        with closing(self.opened()) as ledger:
            for number in range(first, first + count):
                cause = Cause("dacorum", f"router-{number}", "snmp/memory")
                ledger.writer.submit(Batch(incident_changes=(kept.opening(f"RWY-{number}", cause),))).result(30)

    def opened(self) -> Ledger:
        return Ledger.open(self.ledger, clock=lambda: kept.NOW, vantage="hemel", state=self.place)

    def ask(self, work: Callable[[Connection], object]) -> object:
        with database_at(self.ledger).writer_engine().connect() as connection, connection.begin():
            return work(connection)

    def incidents(self) -> Sequence[str]:
        """Ids of all that are kept."""
        statement = "SELECT id FROM incidents ORDER BY id"
        found = self.ask(lambda c: [row[0] for row in c.exec_driver_sql(statement)])
        assert isinstance(found, list)
        return found

    def rows(self, *but: str) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table as it is stored, save for these tables."""
        found = self.ask(
            lambda c: {t.name: [tuple(r) for r in c.execute(rows_of(t))] for t in tables_of(c) if t.name not in but}
        )
        assert isinstance(found, dict)
        return found
