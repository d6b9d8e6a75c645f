"""How an instance is asked: encrypted, bounded, harmlessly; and what is said of one that cannot be read."""

from __future__ import annotations

import struct

import pytest

from checks.backup import CHECK, BackupOptions
from checks.backup.model import Part
from checks.contract import Reason, State
from testbeds.by_backup import Told
from testbeds.by_mssql import DAY, HOUR, LEDGER, Lab, account, nightly
from testbeds.certificates import Authority
from testbeds.msdb import Msdb, SqlError
from testbeds.mssql_server import NOT_SUPPORTED, Cut, Silent, table
from testbeds.mssql_server import told as told_by
from testbeds.tls_peers import server_context

PRODUCT = "backup/product/sql"


def fault(told: Told) -> tuple[Reason, str]:
    found = told.observation.fault
    assert found is not None
    return found.reason, found.message


async def test_a_healthy_instance_is_only_read_and_holds_nobody_up(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {}
        settings, *rest = watch.server.statements
        assert settings.startswith("SET NOCOUNT ON; SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; SET LOCK_TIMEOUT")
        assert all(one.split()[0] == "SELECT" for one in rest)
        assert len(rest) == 9
        assert watch.server.logins[0]["app"] == "ridgeway"
        assert account(told).version == "16.0.4165.4"


async def test_a_poll_again_asks_for_new_rows_only_and_forgets_nothing(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb, nights=40)
    async with lab.watch(msdb) as watch:
        first = await watch.run()
        again = await watch.run(msdb.now + HOUR)

        assert len(account(first).runs) == 40
        (asked,) = [one for one in watch.server.statements if "backup_set_uuid" in one]
        assert "b.backup_set_id > 70" in asked  # 120 were read, and 50 are read again
        assert len(account(again).runs) == 17
        assert again.bad == {}
        assert len(account(again).points) == 40


async def test_a_history_that_begins_again_is_read_from_its_start(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb, nights=30)
    async with lab.watch(msdb) as watch:
        await watch.run()
        msdb.tables.execute("DELETE FROM backupset")
        msdb.backup("Ledger", msdb.now + HOUR)

        told = await watch.run(msdb.now + 2 * HOUR)

        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - HOUR


async def test_history_longer_than_a_page_is_read_page_by_page(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    msdb = Msdb()
    nightly(msdb, nights=10)
    monkeypatch.setattr("checks.backup.products.mssql.queries.PAGE", 7)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {}
        assert len(account(told).points) == 10


async def test_history_that_is_too_long_for_one_poll_is_unknown_until_it_is_read(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    msdb = Msdb()
    nightly(msdb, nights=10)
    monkeypatch.setattr("checks.backup.products.mssql.queries.PAGE", 7)
    monkeypatch.setattr("checks.backup.products.mssql.server.MOST_BACKUPS", 14)
    async with lab.watch(msdb) as watch:
        first, _, third = [await watch.run() for _ in range(3)]

        assert first.bad == {PRODUCT: State.UNKNOWN}
        assert "its history is still being read" in first.words(PRODUCT)
        assert third.bad == {}


async def test_a_wrong_password_is_refused_and_not_tried_again(lab: Lab) -> None:
    async with lab.watch(Msdb()) as watch:
        watch.server.password = "another"
        told = [await watch.run() for _ in range(3)]

        assert fault(told[0])[0] is Reason.AUTHENTICATION
        assert "Login failed for user 'ridgeway'" in fault(told[0])[1]
        assert fault(told[2])[0] is Reason.WITHHELD
        assert len(watch.server.logins) == 1


async def test_a_log_in_that_the_server_does_not_take_for_now_is_no_wrong_password(lab: Lab) -> None:
    async with lab.watch(Msdb()) as watch:
        watch.server.log_in_error = (18401, "Server is in script upgrade mode.")
        told = [await watch.run() for _ in range(3)]

        assert {fault(one)[0] for one in told} == {Reason.PROTOCOL}
        assert "script upgrade mode" in fault(told[2])[1]


@pytest.mark.parametrize(
    ("denied", "parts", "grant"),
    [
        ("backupset", {Part.RUNS, Part.POINTS, Part.SERVER, Part.DRILLS, Part.VERIFICATIONS}, "msdb.dbo.backupset"),
        ("backupmediafamily", {Part.RUNS, Part.POINTS, Part.SERVER}, "msdb.dbo.backupmediafamily"),
        ("restorehistory", {Part.DRILLS, Part.VERIFICATIONS}, "msdb.dbo.restorehistory"),
        ("sysjobactivity", {Part.JOBS}, "sysjobactivity"),
        ("VIEW ANY DATABASE", {Part.OBJECTS}, "VIEW ANY DATABASE"),
        ("msdb", set(Part) - {Part.OBJECTS, Part.REPOSITORIES}, 'not able to access the database "msdb"'),
    ],
)
async def test_a_missing_right_is_not_permitted_and_never_green(
    lab: Lab, denied: str, parts: set[Part], grant: str
) -> None:
    msdb = Msdb(denied={denied})
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert set(account(told).unread) == parts
        assert told.bad[PRODUCT] is State.UNKNOWN
        assert any(grant in why for why in account(told).unread.values()), account(told).unread


@pytest.mark.parametrize(("number", "words"), [(1222, "locked by somebody"), (1205, "victim of a deadlock")])
async def test_what_is_locked_is_unknown_and_the_rest_is_read(lab: Lab, number: int, words: str) -> None:
    msdb = Msdb()
    nightly(msdb)

    def special(statement: str) -> None:
        if "sysjobhistory" in statement:
            raise SqlError(number, "Lock request time out period exceeded.")

    async with lab.watch(msdb) as watch:
        watch.server.special = special
        told = await watch.run()

        assert words in account(told).unread[Part.JOBS]
        assert set(account(told).unread) == {Part.JOBS}
        assert account(told).points


async def test_a_version_without_a_column_says_so(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.tables.execute("ALTER TABLE backupset DROP COLUMN is_snapshot")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert "SQL Server 2012 and newer are read" in account(told).unread[Part.RUNS]


async def test_a_connection_that_is_cut_leaves_the_rest_unknown(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)

    def special(statement: str) -> None:
        if "backup_set_uuid" in statement:
            raise Cut

    async with lab.watch(msdb) as watch:
        watch.server.special = special
        told = await watch.run()

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert "hangs up" in account(told).unread[Part.RUNS]
        assert {Part.RUNS, Part.DRILLS, Part.JOBS} <= set(account(told).unread)
        assert account(told).objects == ("SQL01/Ledger",)


async def test_a_server_that_is_quiet_for_long_is_given_up_before_the_deadline(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def special(statement: str) -> None:
        if "sysjobhistory" in statement:
            raise Silent

    monkeypatch.setattr("checks.backup.products.mssql.channel.QUIET", 0.5)
    async with lab.watch(Msdb()) as watch:
        watch.server.special = special
        told = await watch.run()

        assert "says nothing for" in account(told).unread[Part.JOBS]


async def test_a_server_that_says_nothing_more_is_cut_at_the_deadline(lab: Lab) -> None:
    def special(statement: str) -> None:
        if "sysjobhistory" in statement:
            raise Silent

    msdb = Msdb()
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        await watch.run()
        watch.server.special = special
        told = await watch.run(seconds=2.0)

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert "did not answer in time" in account(told).unread[Part.JOBS]
        assert account(told).points


async def test_a_server_without_encryption_is_sent_no_log_in(lab: Lab) -> None:
    async with lab.watch(Msdb()) as watch:
        watch.server.encryption = NOT_SUPPORTED
        told = await watch.run()

        assert fault(told)[0] is Reason.PROTOCOL
        assert "offers no encryption" in fault(told)[1]
        assert watch.server.in_clear == [b""]
        assert watch.server.logins == []


async def test_a_certificate_of_nobody_or_of_another_name_is_sent_no_log_in(lab: Lab) -> None:
    other = Authority("somebody else")
    async with lab.watch(Msdb()) as watch, lab.watch(Msdb(), said={"host": "sql.dacorum.test"}) as named:
        watch.server.context = server_context(other.issue(["127.0.0.1"]))

        strange, elsewhere = await watch.run(), await named.run()

        assert "its certificate is not trusted" in fault(strange)[1]
        assert "sql.dacorum.test" in fault(elsewhere)[1]
        assert watch.server.logins == named.server.logins == []


async def test_a_certificate_that_is_pinned_needs_no_authority_and_no_name(lab: Lab) -> None:
    known, other = (Authority("x").issue(["old-name"]) for _ in range(2))
    async with lab.watch(Msdb(), said={"ca": None, "pin": known.pin}) as watch:
        watch.server.context = server_context(known)
        taken = await watch.run()
        watch.server.context = server_context(other)
        refused = await watch.run()

        assert taken.observation.fault is None
        assert "which is not pinned" in fault(refused)[1]
        assert len(watch.server.logins) == 1


async def test_a_server_that_sends_us_elsewhere_is_not_followed(lab: Lab) -> None:
    async with lab.watch(Msdb()) as watch:
        watch.server.route = "127.0.0.1"
        told = await watch.run()

        assert "sends its clients on to another server" in fault(told)[1]
        assert len(watch.server.logins) == 1


async def test_packets_that_are_not_full_are_not_read(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb, nights=20)
    async with lab.watch(msdb) as watch:
        watch.server.full = 4000
        told = await watch.run()

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert "packets that are not full" in account(told).unread[Part.RUNS]


async def test_an_answer_without_end_is_cut(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.backup.products.mssql.channel.MOST", 2 * 1024 * 1024)
    endless = table([("id", 0), ("x", 4000)], [(at, "x" * 4000) for at in range(400)])
    async with lab.watch(Msdb()) as watch:
        watch.server.special = lambda statement: endless if "backup_set_uuid" in statement else None
        told = await watch.run()

        assert "says more than 2 MiB" in account(told).unread[Part.RUNS]


async def test_no_more_rows_are_taken_than_were_asked_for(lab: Lab) -> None:
    many = table([("name", 20)], [(f"DB{at}",) for at in range(5_010)])
    async with lab.watch(Msdb()) as watch:
        watch.server.special = lambda statement: many if "sys.databases" in statement else None
        told = await watch.run()

        assert "has more than 5000 databases" in account(told).unread[Part.OBJECTS]


async def test_an_answer_that_ends_in_an_error_is_not_taken_for_whole(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    some = table([("name", 20), ("state", 0)], [("master", 0), ("Ledger", 0)])[:-13]
    async with lab.watch(msdb) as watch:
        locked = some + told_by(1222, "Lock request time out period exceeded.") + b"\xfd\x02" + bytes(11)
        watch.server.special = lambda statement: locked if "sys.databases" in statement else None
        told = await watch.run()

        assert "locked by somebody" in account(told).unread[Part.OBJECTS]


async def test_a_warning_beside_an_answer_is_no_error(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    warning = told_by(8153, "Warning: Null value is eliminated by an aggregate.", token=0xAB)

    def special(statement: str) -> bytes | None:
        return table(*msdb.run(statement))[:-13] + warning + b"\xfd\x10" + bytes(11) if "sysjobs" in statement else None

    async with lab.watch(msdb) as watch:
        watch.server.special = special
        assert (await watch.run()).bad == {}


async def test_every_target_of_the_product_is_an_input_of_the_check() -> None:
    said = {"product": "mssql", "target": "a", "replicas": [{"target": "b"}], "restored_on": [{"target": "c"}]}

    options = BackupOptions.model_validate({"products": {"sql": said, "r": {"product": "mssql"}}})

    assert list(CHECK.inputs(options)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "tokens",
    [
        b"\x81\x01\x00" + bytes(6) + b"\xe7\x28\x00\x00\x00\x00\x00\xee\x01x\x00",
        b"", b"\xff", b"\xd1" + bytes(20), b"\x81\x02\x00" + bytes(9), b"\x81\xff\x7f" + b"\xe7" * 40,
        b"\xaa\x05\x00" + bytes(5), b"\xe3\xff\xff" + bytes(30), b"\xed\x10\x00" + bytes(16),
        table([("id", 0)], [(1,)])[:-13] + b"\xd1\x05" + bytes(9), struct.pack("<BH", 0x81, 1) + bytes(6) + b"\x62\x08",
    ],
)  # fmt: skip
async def test_tokens_of_no_sql_server_are_a_fault_and_no_crash(lab: Lab, tokens: bytes) -> None:
    msdb = Msdb()
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        watch.server.special = lambda statement: tokens if "backup_set_uuid" in statement else None
        told = await watch.run(seconds=3.0)

        assert told.bad.get(PRODUCT) is State.UNKNOWN
        assert account(told).points == ()


async def test_nothing_that_is_told_has_the_password(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with lab.watch(Msdb()) as watch:
        watch.server.log_in_error = (18456, "Login failed for user 'ridgeway'.")
        told = await watch.run()

        assert watch.server.logins[0]["password"] not in f"{told}{caplog.text}"


async def test_an_instance_that_is_not_there_is_refused(lab: Lab) -> None:
    async with lab.watch(Msdb()) as watch:
        port = watch.server.port
    told = await watch.check.run()

    assert fault(told) == (Reason.REFUSED, fault(told)[1])
    assert str(port) in fault(told)[1]


async def test_an_object_keeps_its_state_while_its_instance_cannot_be_read(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        await watch.run()
        watch.server.special = _refuse
        told = await watch.run(msdb.now + 3 * DAY)

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert LEDGER not in told.assessment.covers


def _refuse(statement: str) -> None:
    if "backupset" in statement:
        raise SqlError(229, "The SELECT permission was denied on the object 'backupset', database 'msdb'.")
