"""Directories and files over SFTP of a real sshd."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.ssh import NoSuchPath, SshTransport
from checks.transports.ssh.files import _entries
from testbeds import network_shell
from testbeds.sshd import Sshd, soon


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for number in range(250):
        (tmp_path / f"backup-{number:03}.vbk").write_bytes(b"x" * number)
    (tmp_path / "chain").mkdir()
    return tmp_path


@pytest.mark.acceptance
async def test_a_directory_is_listed_with_sizes_times_and_kinds(ssh: SshTransport, server: Sshd, place: Path) -> None:
    listing = await ssh.files(server.device(), str(place), deadline=soon())

    found = {entry.name: entry for entry in listing.entries}
    assert listing.complete
    assert sorted(found) == sorted(path.name for path in place.iterdir())
    assert found["backup-249.vbk"].size == 249
    assert found["backup-249.vbk"].mtime == int((place / "backup-249.vbk").stat().st_mtime)
    assert (found["chain"].is_directory, found["backup-249.vbk"].is_directory) == (True, False)


@pytest.mark.acceptance
@pytest.mark.parametrize(("most", "complete"), [(251, True), (250, False), (7, False)])
async def test_a_listing_that_was_cut_says_so(
    ssh: SshTransport, server: Sshd, place: Path, most: int, complete: bool
) -> None:
    listing = await ssh.files(server.device(), str(place), deadline=soon(), most=most)

    assert (len(listing.entries), listing.complete) == (most, complete)


@pytest.mark.acceptance
async def test_names_in_any_encoding_are_listed_and_harmless(ssh: SshTransport, server: Sshd, tmp_path: Path) -> None:
    raw = bytes(tmp_path)
    for name in (b"B\xfcro.bak", "Büro.bak".encode(), b"evil\x1b[2J\n.bak"):
        with open(raw + b"/" + name, "wb"):
            pass

    listing = await ssh.files(server.device(), str(tmp_path), deadline=soon())

    assert {entry.name for entry in listing.entries} == {"B\ufffdro.bak", "Büro.bak", "evil[2J .bak"}


@pytest.mark.acceptance
async def test_an_empty_directory_is_a_complete_listing(ssh: SshTransport, server: Sshd, tmp_path: Path) -> None:
    listing = await ssh.files(server.device(), str(tmp_path), deadline=soon())

    assert (listing.entries, listing.complete) == ([], True)


@pytest.mark.acceptance
@pytest.mark.parametrize("size", [0, 1, 40_000, 100_000])
async def test_a_file_is_read_whole(ssh: SshTransport, server: Sshd, tmp_path: Path, size: int) -> None:
    (tmp_path / "report").write_bytes(b"r" * size)

    assert await ssh.read(server.device(), str(tmp_path / "report"), deadline=soon(), limit=100_000) == b"r" * size


@pytest.mark.acceptance
@pytest.mark.parametrize("path", ["/dev/zero", "report"])
async def test_a_file_over_the_limit_is_no_short_file(
    ssh: SshTransport, server: Sshd, tmp_path: Path, path: str
) -> None:
    (tmp_path / "report").write_bytes(b"r" * 100_001)

    with pytest.raises(TransportFault, match="larger than 100000 octets") as caught:
        await ssh.read(server.device(), str(tmp_path / path), deadline=soon(), limit=100_000)

    assert caught.value.reason is Reason.LIMIT


@pytest.mark.acceptance
async def test_what_does_not_exist_is_told_apart(ssh: SshTransport, server: Sshd, tmp_path: Path) -> None:
    for asked in (ssh.files, ssh.read):
        with pytest.raises(NoSuchPath, match="does not exist"):
            await asked(server.device(), str(tmp_path / "nothing"), deadline=soon())


@pytest.mark.acceptance
async def test_a_directory_is_no_file_and_a_file_no_directory(ssh: SshTransport, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "report").write_bytes(b"r")

    with pytest.raises(TransportFault):
        await ssh.files(server.device(), str(tmp_path / "report"), deadline=soon())
    with pytest.raises(TransportFault):
        await ssh.read(server.device(), str(tmp_path), deadline=soon())


async def test_a_device_without_sftp_is_told_so(ssh: SshTransport) -> None:
    with network_shell.running() as device, pytest.raises(TransportFault, match="no SFTP for this user") as caught:
        await ssh.files(device.device(), "/", deadline=soon())

    assert caught.value.reason is Reason.FORBIDDEN


@pytest.mark.parametrize(
    "packet",
    [
        struct.pack(">II", 1, 0xFFFFFFFF),
        struct.pack(">III", 1, 1, 0xFFFFFFFF) + b"name",
        struct.pack(">IIII", 1, 1, 0, 0) + struct.pack(">II", 0x80000000, 0xFFFFFFFF),
        struct.pack(">IIII", 1, 1, 0, 0) + struct.pack(">I", 0x0F),
    ],
)
def test_a_packet_that_claims_more_than_it_holds_is_refused(packet: bytes) -> None:
    with pytest.raises(struct.error):
        list(_entries(packet))


@given(st.binary(max_size=200))
def test_no_packet_makes_the_reader_stumble_but_in_one_way(packet: bytes) -> None:
    try:
        for entry in _entries(packet):
            assert "\n" not in entry.name
    except struct.error:
        pass
