"""The kind `sftp_file` against a real sshd: files that come, grow, lie about their time, or may not be read."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from checks.contract import State
from checks.network.sftp_file import CHECK, SftpFileOptions
from checks.transports.fault import TransportFault
from checks.transports.ssh import Listing, SshDevice
from testbeds import sshd
from testbeds.by_ssh import Asker, asking, readings, said

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def server() -> Iterator[sshd.Sshd]:
    with sshd.running() as started:
        yield started


@pytest.fixture
async def asker(server: sshd.Sshd) -> AsyncIterator[Asker]:
    async with asking(CHECK, server) as made:
        yield made


@pytest.fixture
def place() -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix="files-"))
    yield scratch
    shutil.rmtree(scratch)


def wish(server: sshd.Sshd, **more: object) -> SftpFileOptions:
    return SftpFileOptions.model_validate(
        {"port": server.port} | {k: str(v) if isinstance(v, Path) else v for k, v in more.items()}
    )


async def test_the_newest_of_real_files_is_judged(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    for name, age in (("mon.tar", 200_000), ("tue.tar", 100_000), ("note.txt", 0)):
        (place / name).write_bytes(b"x" * 500)
        os.utime(place / name, (1_700_000_000 - age, 1_700_000_000 - age))
    (place / "sub.tar").mkdir()
    options = wish(server, directory=place, pattern="*.tar", critical_age="26h", min_size=400, min_count=2, max_count=2)

    assessment = await asker.ask(options)

    assert said(assessment) == {
        "listing": "ok", "clock": "ok", "present": "ok", "age": "critical", "size": "ok", "count": "ok",
    }  # fmt: skip
    path = options.wanted.path
    assert readings(assessment) == {
        ("ridgeway_sftp_files", path): 2,
        ("ridgeway_sftp_file_modified_timestamp_seconds", path): 1_699_900_000,
        ("ridgeway_sftp_file_size_bytes", path): 500,
    }
    assert {"ssh/host-key", "credential/ops", "sftp_file/protocol"} <= assessment.covers & assessment.may_go


async def test_one_file_is_there_fresh_or_missing(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    options = wish(server, file=place / "dump.sql", critical_age="26h", min_size=1)

    missing = await asker.ask(options)
    (place / "dump.sql").write_bytes(b"x")
    (place / "dump.sql.old").write_bytes(b"x")
    there = await asker.ask(options)

    assert said(missing)["present"] == "critical"
    assert said(there) == {"listing": "ok", "clock": "ok", "present": "ok", "age": "ok", "size": "ok"}


async def test_a_directory_that_is_missing_is_critical_and_an_empty_one_too(
    server: sshd.Sshd, asker: Asker, place: Path
) -> None:
    assert said(await asker.ask(wish(server, directory=place / "none"))) == {"listing": "critical"}
    assert said(await asker.ask(wish(server, directory=place)))["present"] == "critical"
    assert said(await asker.ask(wish(server, directory=place, may_be_empty=True)))["present"] == "ok"


async def test_a_fresh_link_to_an_old_file_is_not_fresh(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    (place / "old.tar").write_bytes(b"x")
    os.utime(place / "old.tar", (1_700_000_000, 1_700_000_000))
    (place / "latest.tar").symlink_to("old.tar")
    (place / "lost.tar").symlink_to("/nowhere")

    many = await asker.ask(wish(server, directory=place, pattern="*.tar", critical_age="26h"))
    one = await asker.ask(wish(server, file=place / "latest.tar", critical_age="26h"))

    assert said(many)["age"] == "critical"
    assert said(one)["present"] == "unknown"
    assert "age" not in said(one)


async def test_a_pipe_in_the_directory_hangs_nothing(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    os.mkfifo(place / "a.tar")

    assessment = await asker.ask(wish(server, directory=place, checksum=True))

    assert said(assessment)["present"] == "critical"


async def test_files_of_the_future_are_a_finding(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    (place / "a.tar").write_bytes(b"x")
    os.utime(place / "a.tar", (4_000_000_000, 4_000_000_000))

    assessment = await asker.ask(wish(server, directory=place, critical_age="26h"))

    assert said(assessment)["clock"] == "warning"
    assert said(assessment)["age"] == "unknown"


async def test_an_agent_whose_clock_is_behind_says_so(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    (place / "a.tar").write_bytes(b"x")
    subject = asker.subject(wish(server, directory=place, critical_age="26h"))

    assessment = asker.judge(subject, await asker.collect(subject, ahead=-7_200.0))

    assert said(assessment)["clock"] == "warning"
    assert said(assessment)["age"] == "unknown"


async def test_more_entries_than_are_read_are_unknown(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    for number in range(30):
        (place / f"{number}.tar").write_bytes(b"x")

    cut = await asker.ask(wish(server, directory=place, most=29, min_count=1))
    whole = await asker.ask(wish(server, directory=place, most=30, min_count=1))

    assert said(cut) == {"listing": "unknown"}
    assert said(whole)["count"] == "ok"


async def test_a_file_being_written_is_seen_to_grow_and_judged_when_it_rests(
    server: sshd.Sshd, asker: Asker, place: Path
) -> None:
    options = wish(server, directory=place, settle_within="2h", min_size=10)
    found = []
    with (place / "a.tar").open("wb", buffering=0) as growing:
        for _ in range(3):
            growing.write(b"xxx")
            found.append(said(await asker.ask(options)))
    found.append(said(await asker.ask(options)))

    assert [one["settled"] for one in found] == ["ok"] * 4
    assert [one.get("size") for one in found] == [None, None, None, "critical"]


async def test_a_real_checksum_is_compared(server: sshd.Sshd, asker: Asker, place: Path) -> None:
    options = wish(server, directory=place, checksum=True)
    content = os.urandom(300_000)
    (place / "a.tar").write_bytes(content)
    manifest = place / "a.tar.sha256"

    found = [said(await asker.ask(options))["checksum"]]
    for text in (
        f"{hashlib.sha256(content).hexdigest()}  a.tar\n", f"{'0' * 64}  a.tar\n", "not a manifest\n",
        "x" * 10_000,
    ):  # fmt: skip
        manifest.write_text(text)
        found.append(said(await asker.ask(options))["checksum"])
    (place / "a.tar").write_bytes(b"x" * (1024 * 1024 + 1))
    found.append(said(await asker.ask(options))["checksum"])

    assert found == ["unknown", "ok", "critical", "unknown", "unknown", "unknown"]


async def test_what_may_not_be_read_is_unknown_and_over_when_it_may(place: Path) -> None:
    """By a user without rights: root may read everything."""
    if os.geteuid() != 0:
        place.chmod(0)
        with sshd.running() as own:
            async with asking(CHECK, own) as asker:
                assert_forbidden(await asker.ask(wish(own, directory=place)), place)
        place.chmod(0o700)
        return
    nobody = pwd.getpwnam("nobody")
    (place / "a.tar").write_bytes(b"x")
    place.chmod(0o700)
    # An SFTP server under another user, as sshd gives it to a user who is not root.
    become = f"setpriv --reuid={nobody.pw_uid} --regid={nobody.pw_gid} --clear-groups"
    line = f"ForceCommand {become} /usr/lib/openssh/sftp-server"
    with sshd.running(("ed25519",), line) as own:
        async with asking(CHECK, own) as asker:
            options = wish(own, directory=place, critical_age="26h", checksum=True)

            refused = await asker.ask(options)
            place.chmod(0o755)
            good = await asker.ask(options)
            (place / "a.tar.sha256").write_text("x")
            (place / "a.tar.sha256").chmod(0o600)
            half = await asker.ask(options)

    assert_forbidden(refused, place)
    assert said(good)["listing"] == "ok"
    assert f"sftp_file{options.wanted.path}/listing" in good.covers
    assert said(half)["checksum"] == "unknown"


def assert_forbidden(assessment: object, place: Path) -> None:
    (finding,) = assessment.findings  # type: ignore[attr-defined]
    assert (finding.key, finding.state) == (f"sftp_file{finding.key.removeprefix('sftp_file')}", State.UNKNOWN)
    assert finding.key.endswith("/listing")
    assert "may not be read by this user" in finding.summary
    assert finding.evidence == {"reason": "forbidden"}


async def test_a_server_without_sftp_is_unknown(place: Path) -> None:
    with sshd.running() as own:
        config = own.directory / "sshd_config"
        config.write_text(config.read_text().replace("Subsystem sftp internal-sftp", ""))
        own.stop()
        own.start()
        async with asking(CHECK, own) as asker:
            assessment = await asker.ask(wish(own, directory=place))

    assert [finding.state.value for finding in assessment.findings] == ["unknown"]
    assert "no SFTP for this user" in assessment.findings[0].summary


class Breaking:
    """The transport, losing its connection when a file is to be read."""

    def __init__(self, inner: object, fault: TransportFault) -> None:
        self.inner = inner
        self.fault = fault

    async def files(self, device: SshDevice, directory: str, *, deadline: float, most: int) -> Listing:
        return await self.inner.files(device, directory, deadline=deadline, most=most)  # type: ignore[attr-defined,no-any-return]

    async def read(self, device: SshDevice, path: str, *, deadline: float, limit: int) -> bytes:
        raise self.fault


async def test_a_connection_lost_after_the_listing_leaves_the_checksum_open(
    server: sshd.Sshd, asker: Asker, place: Path
) -> None:
    from checks.contract import Reason

    (place / "a.tar").write_bytes(b"x")
    subject = asker.subject(wish(server, directory=place, checksum=True, critical_age="26h"))
    broken = Breaking(asker.ssh, TransportFault(Reason.PROTOCOL, "the connection was cut"))

    observation = await asker.collect(subject, transport=broken)
    assessment = asker.judge(subject, observation)

    assert said(assessment) == {"listing": "ok", "clock": "ok", "present": "ok", "age": "ok", "protocol": "unknown"}
    assert not any(key.endswith("/checksum") for key in assessment.covers)
