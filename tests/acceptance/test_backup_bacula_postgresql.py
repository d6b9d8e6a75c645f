"""A catalogue of Bacula in a real PostgreSQL: read with least rights, refused, forbidden, slow, in an odd encoding."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from checks.contract import Reason, State
from checks.transports import Transports
from config.estate import Credential
from config.secrets import SecretReference
from testbeds.backup_accounts import DAY
from testbeds.bacula_rows import SCHEMA, insert, job
from testbeds.by_backup import BackupWatch
from testbeds.postgres import PostgresCluster

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]
TABLES = "job, client, fileset, pool, jobmedia, media, log, version"


class Cluster(PostgresCluster):
    """A catalogue as Bacula makes it (SQL_ASCII), and an account that may read it."""

    def __init__(self) -> None:
        super().__init__()
        rules = self._directory / "data/pg_hba.conf"
        rules.write_text("host catalogue viewer 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        self.execute("CREATE DATABASE catalogue ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
                     "CREATE ROLE viewer LOGIN PASSWORD 'look'", "SELECT pg_reload_conf()", of="postgres")  # fmt: skip
        self.execute(*SCHEMA, f"GRANT SELECT ON {TABLES} TO viewer")

    def execute(self, *statements: str, of: str = "catalogue") -> None:
        with psycopg.connect(self._url(of), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    try:
        now = time.time()
        made.execute(*insert(job(1, now - 2 * DAY)), *insert(job(2, now - 7200, level="I")))
        made.execute(*insert(job(3, now - 3600, "f", jobfiles=0), media=None))
        made.execute(r"INSERT INTO log VALUES (1, 3, E'lab-fd JobId 3: Error: Cannot open /srv/caf\xe9\n')")
        yield made
    finally:
        made.close()


@pytest.fixture
def watched(cluster: Cluster, transports: Transports, monkeypatch: pytest.MonkeyPatch) -> BackupWatch:
    monkeypatch.setenv("CATALOGUE_PASSWORD", "look")
    password = SecretReference("env", "CATALOGUE_PASSWORD")
    credential = Credential("catalogue-viewer", "password", {"user": "viewer", "password": password})
    said = {"product": "bacula", "database": "catalogue", "port": cluster.port}
    by = [{"product": "bacula", "object": "srv-ben:ledger"}]
    objects = {"ledger": {"owner": "Finance", "rpo": "26h", "by": by}}
    options = {"products": {"bacula": said}, "objects": objects}
    return BackupWatch(transports, options, time.time(), {"catalogue": credential})


async def test_it_is_read_by_an_account_that_may_only_select(watched: BackupWatch) -> None:
    told = await watched.run()

    assert told.bad == {"backup/protection/ledger": State.WARNING}
    assert "Cannot open /srv/caf" in told.words("backup/protection/ledger")
    found = told.part("bacula").account
    assert found is not None and [point.id for point in found.points] == ["1", "2"]


async def test_a_wrong_password_is_tried_twice_and_then_withheld(
    watched: BackupWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALOGUE_PASSWORD", "guess")

    faults = [(await watched.run()).observation.fault for _ in range(3)]

    assert faults[0] is not None and faults[0].condition == "backup/authentication"
    assert faults[-1] is not None and faults[-1].reason is Reason.WITHHELD
    assert all("guess" not in fault.message for fault in faults if fault is not None)


async def test_rights_that_were_taken_away_are_named(cluster: Cluster, watched: BackupWatch) -> None:
    cluster.execute("REVOKE SELECT ON jobmedia FROM viewer")
    try:
        told = await watched.run()
    finally:
        cluster.execute("GRANT SELECT ON jobmedia TO viewer")

    fault = told.observation.fault
    assert fault is not None and fault.reason is Reason.FORBIDDEN
    assert "grant SELECT on" in fault.message


@pytest.mark.parametrize(
    ("said", "reason"),
    [({"database": "nothing"}, Reason.PROTOCOL), ({"port": 1}, Reason.REFUSED), ({"ca": "/nowhere"}, Reason.PROTOCOL)],
)
async def test_another_database_another_port_and_an_unproved_server_are_faults(
    watched: BackupWatch, said: dict[str, object], reason: Reason
) -> None:
    watched.options["products"]["bacula"] |= said
    watched.credentials = {"catalogue": replace(watched.credentials["catalogue"], name="another")}

    fault = (await watched.run()).observation.fault

    assert fault is not None and fault.reason is reason, fault


async def test_a_locked_table_is_waited_for_until_the_deadline_and_no_longer(
    cluster: Cluster, watched: BackupWatch
) -> None:
    with psycopg.connect(cluster._url("catalogue")) as connection:
        connection.execute("LOCK TABLE job IN ACCESS EXCLUSIVE MODE")

        fault = (await watched.run(seconds=2.0)).observation.fault

    assert fault is not None and fault.reason is Reason.NO_ANSWER


async def test_a_server_that_says_nothing_is_cut_at_the_deadline(watched: BackupWatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        watched.options["products"]["bacula"]["port"] = silent.getsockname()[1]

        fault = (await watched.run(seconds=1.0)).observation.fault

    assert fault is not None and fault.reason is Reason.NO_ANSWER
