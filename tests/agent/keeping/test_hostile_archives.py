"""Archives that somebody made to do harm, or that a disk spoilt: refused, and nothing is written outside the stage."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import sqlite3
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.keeping.archive import manifest_of, unpack
from agent.keeping.errors import ArchiveError, KeepingError, NoRoom
from agent.keeping.manifest import LARGEST_LEDGER, member_name
from testbeds.keeping import Home

Members = list[tuple[tarfile.TarInfo, bytes]]


def taken_apart(archive: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the members of a good archive."""
    with tarfile.open(archive) as tar:
        found = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    manifest = json.loads(found.pop("manifest.json"))
    return manifest, found


def put_together(place: Path, manifest: dict[str, Any] | bytes, members: Members) -> Path:
    raw = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    with tarfile.open(place, "w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in [plain("manifest.json", raw), *members]:
            tar.addfile(info, io.BytesIO(data))
    return place


def plain(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


@pytest.fixture
def good(simple: Home) -> Path:
    simple.write(1)
    return simple.backup("good.tar")


def changed(good: Path, change: Callable[[dict[str, Any], dict[str, bytes]], Members | None]) -> Path:
    """The good archive after a change of its manifest or members."""
    manifest, members = taken_apart(good)
    instead = change(manifest, members)
    place = good.with_name("bad.tar")
    return put_together(place, manifest, instead or [plain(name, data) for name, data in members.items()])


def named(manifest: dict[str, Any], name: str, data: bytes) -> None:
    """Let the manifest name this member, as a careful attacker would."""
    sha = hashlib.sha256(data).hexdigest()
    manifest["members"].append({"name": name, "size": len(data), "sha256": sha})


def refused(archive: Path, stage: Path) -> str:
    """Why it is; nothing is written beside the stage."""
    stage.mkdir()
    around = sorted(stage.parent.iterdir())
    with pytest.raises(KeepingError) as error:
        unpack(archive, stage)
    assert sorted(stage.parent.iterdir()) == around
    return str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/passwd", "estate/../../evil", "estate//x.yaml", "estate/./x.yaml", "evil", "estate", "estate/",
        "profiles/0/../../../evil.yaml", "estate/.hidden", "estate/\u202egnp.yaml", "estate/a\\b", "estate/a\nb",
        "estate/" + "x" * 100, "ledger.sqlite3/x", "manifest.json", "",
    ],
)  # fmt: skip
def test_a_name_that_leads_out_or_hides_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    def add(manifest: dict[str, Any], members: dict[str, bytes]) -> Members:
        named(manifest, name, b"x")
        return [*(plain(other, data) for other, data in members.items()), plain(name, b"x")]

    assert "may not be in an archive" in refused(changed(good, add), tmp_path / "stage")


@given(st.text(max_size=120))
def test_whatever_a_member_is_called_it_stays_below_the_stage(name: str) -> None:
    stage = Path("/stage")
    try:
        accepted = member_name(name)
    except ValueError:
        return

    assert (stage / accepted).resolve().is_relative_to(stage)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE,
             tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE]
)  # fmt: skip
def test_links_devices_and_extensions_are_refused(good: Path, tmp_path: Path, kind: bytes) -> None:
    def swap(manifest: dict[str, Any], members: dict[str, bytes]) -> Members:
        first = manifest["members"][0]["name"]
        rest = [plain(name, data) for name, data in members.items() if name != first]
        return [special(first, kind, "/etc/passwd"), *rest]

    assert "not a plain file" in refused(changed(good, swap), tmp_path / "stage")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m, _: m.update(format=2), "is not one that this Ridgeway knows (format"),
        (lambda m, _: m.update(more=1), "is not one that this Ridgeway knows (more"),
        (lambda m, _: m["members"].append(m["members"][0]), "names a member twice"),
        (lambda m, _: m["members"].pop(), "or no ledger"),
        (lambda m, _: m.update(estate=None), "does not fit the files of the estate"),
        (lambda m, _: m["members"].pop(0), "does not fit the files of the estate"),
        (lambda m, _: m["members"][0].update(sha256="0" * 64), "its SHA-256 is another"),
        (lambda m, _: m["members"][0].update(size=1), "should come next"),
        (lambda m, _: m["members"].reverse(), "should come next"),
        (lambda m, _: m["members"][0].update(size=17 * 1024 * 1024), "is larger than"),
        (lambda m, _: m["members"][1].update(size=LARGEST_LEDGER + 1), "is not one that this Ridgeway knows"),
        (lambda _, f: [*(plain(n, d) for n, d in f.items()), plain("estate/more.yaml", b"")], "there is more in it"),
        (lambda _, f: [plain(n, d) for n, d in list(f.items())[:1]], "there is its end"),
    ],
)
def test_what_the_manifest_does_not_say_is_refused(good: Path, tmp_path: Path, change: Any, words: str) -> None:
    def act(manifest: dict[str, Any], members: dict[str, bytes]) -> Members | None:
        found = change(manifest, members)
        return found if isinstance(found, list) else None

    assert words in refused(changed(good, act), tmp_path / "stage")


def test_a_ledger_larger_than_the_disk_is_refused_before_it_is_written(good: Path, tmp_path: Path) -> None:
    def grow(manifest: dict[str, Any], _members: dict[str, bytes]) -> None:
        manifest["members"][-1]["size"] = LARGEST_LEDGER

    archive, stage = changed(good, lambda m, f: grow(m, f)), tmp_path / "stage"
    stage.mkdir()

    with pytest.raises(NoRoom, match="there is no room"):
        unpack(archive, stage)

    assert list(stage.iterdir()) == []


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.xz"])
def test_an_archive_cut_off_anywhere_or_with_a_byte_turned_is_refused(
    simple: Home, tmp_path: Path, suffix: str
) -> None:
    simple.write(1)
    whole = simple.backup(f"whole.{suffix}").read_bytes()
    bad = tmp_path / "bad"
    # A tar file ends in up to a record of zeros; without some of them it is as whole.
    end = len(whole.rstrip(b"\0")) if suffix == "tar" else len(whole)
    places = range(0, end - 1, max(1, end // 40))
    # Bytes that carry no content: the end of a tar file, padding, names of owners, the head of gzip.
    harmless = 0

    for place in places:
        bad.write_bytes(whole[:place])
        with pytest.raises(ArchiveError):
            unpack(bad, None)
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            unpack(bad, None)
            harmless += 1
        except ArchiveError:
            pass

    assert harmless <= 4


def test_a_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tar.gz"
    header = tarfile.TarInfo("manifest.json")
    header.size = 8 * 1024**3
    with gzip.open(bomb, "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(64):
            file.write(b"\0" * 1024 * 1024)

    with pytest.raises(ArchiveError, match=r"does not begin with manifest\.json"):
        manifest_of(bomb)


def test_an_xz_that_wants_a_gigabyte_of_memory_is_refused(tmp_path: Path) -> None:
    greedy = tmp_path / "greedy.tar.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1024**3}]
    greedy.write_bytes(lzma.compress(b"x" * 10_000, filters=filters))

    with pytest.raises(ArchiveError, match=r"[Mm]emory"):
        manifest_of(greedy)


def doctored(good: Path, statement: str) -> Path:
    """The good archive with a ledger in which somebody ran this, and a manifest that fits it."""

    def act(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        file = good.with_name("doctored.sqlite3")
        file.write_bytes(members["ledger.sqlite3"])
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(statement)
        members["ledger.sqlite3"] = data = file.read_bytes()
        manifest["members"][-1].update(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    return changed(good, act)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM incidents; END", "triggers or views"),
        ("CREATE VIEW v AS SELECT * FROM events", "triggers or views"),
        ("UPDATE alembic_version SET version_num = '9999'", "schema 9999, which this Ridgeway does not know"),
        ("UPDATE ledger_info SET sequence = 1", "does not add up"),
        ("INSERT INTO epochs VALUES ('X', 99, 1.0)", "does not add up"),
        ("UPDATE ledger_info SET epoch = 'X'", "another than the manifest tells of"),
        ("DROP TABLE ledger_info", "other tables than its schema says (ledger_info)"),
        ("CREATE TABLE songs (title)", "other tables than its schema says (songs)"),
        ("ALTER TABLE runs DROP COLUMN fault", "other tables than its schema says (runs)"),
        ("DELETE FROM ledger_info", "cannot be used"),
    ],
)
def test_a_ledger_that_could_do_harm_or_cannot_be_is_refused(
    good: Path, simple: Home, capsys: pytest.CaptureFixture[str], statement: str, words: str
) -> None:
    archive = doctored(good, statement)
    before = simple.rows()

    status = simple.restore(archive)

    assert status == 1
    assert words in capsys.readouterr().err
    assert simple.rows() == before
    assert sorted(path.name for path in simple.place.glob(".ridgeway*")) == []


def test_an_estate_that_is_wrong_is_refused_with_its_mistakes(
    good: Path, simple: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        data = b"estate: {nam: x}\n"
        members["estate/estate.yaml"] = data
        manifest["members"][0].update(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    status = simple.restore(changed(good, spoil))

    assert status == 1
    assert "the estate in it is not right for this Ridgeway:\nestate/estate.yaml:1:" in capsys.readouterr().err


def test_reading_only_the_manifest_of_a_large_archive_is_quick(good: Path) -> None:
    read = manifest_of(good)

    assert read.created <= time.time()
    assert [member.name for member in read.members] == ["estate/estate.yaml", "ledger.sqlite3"]
