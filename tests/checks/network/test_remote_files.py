"""What the files of a directory mean, without any server: ages, clocks, sizes, growth, and what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.contract import Assessment, Memory, Observation, State
from checks.network.file_listing import Checksum, FileAnswers, FileSeen, seen
from checks.network.remote_files import Wanted, assessed
from checks.network.sftp_file import CHECK, SftpFileOptions, digest_in
from checks.transports.ssh import RemoteFile
from testbeds.by_ssh import readings, said
from testbeds.single import check, subject

NOW = 1_800_000_000.0
HOUR = 3_600.0


def file(name: str = "a.tar", size: int | None = 1_000, ago: float | None = HOUR) -> RemoteFile:
    return RemoteFile(name, size, None if ago is None else int(NOW - ago), is_directory=False)


def judged(
    options: dict[str, object], *entries: RemoteFile, memory: Memory | None = None, at: float = NOW
) -> Assessment:
    wanted = SftpFileOptions.model_validate({"directory": "/srv/backup"} | options).wanted
    return assessed(wanted, seen(entries, True, "*", wanted.checksum, at), memory)


AGES = {"warning_age": "2h", "critical_age": "26h"}


@pytest.mark.parametrize(("ago", "state"), [(0, "ok"), (HOUR, "ok"), (3 * HOUR, "warning"), (27 * HOUR, "critical")])
def test_the_age_of_the_newest_file_counts(ago: float, state: str) -> None:
    assessment = judged(AGES, file("old.tar", ago=90 * HOUR), file("new.tar", ago=ago))

    assert said(assessment) == {"listing": "ok", "clock": "ok", "present": "ok", "age": state}
    assert readings(assessment) == {
        ("ridgeway_sftp_files", "/srv/backup/*"): 2,
        ("ridgeway_sftp_file_modified_timestamp_seconds", "/srv/backup/*"): NOW - ago,
        ("ridgeway_sftp_file_size_bytes", "/srv/backup/*"): 1_000,
    }


def test_an_age_says_both_clocks() -> None:
    (age,) = [one for one in judged(AGES, file(ago=27 * HOUR)).findings if one.key.endswith("/age")]

    assert age.summary == "newest file a.tar: changed 1 d 3 h ago, at most 1 d 2 h are expected"
    assert age.evidence["agent_clock"] == "2027-01-15 08:00:00 UTC"
    assert age.evidence["modified"] == "2027-01-14 05:00:00 UTC"


def test_a_file_of_the_future_is_a_finding_and_does_not_hide_the_age_of_the_others() -> None:
    assessment = judged(AGES, file("odd.tar", ago=-30 * HOUR), file("old.tar", ago=27 * HOUR))

    assert said(assessment) == {"listing": "ok", "clock": "warning", "present": "ok", "age": "critical"}


def test_when_all_files_are_of_the_future_nothing_is_known_of_the_newest() -> None:
    options = AGES | {"min_size": 5, "checksum": True}

    assessment = judged(options, file("odd.tar", ago=-30 * HOUR))

    assert said(assessment) == {
        "listing": "ok", "clock": "warning", "present": "ok", "age": "unknown", "size": "unknown",
        "checksum": "unknown",
    }  # fmt: skip


def test_a_clock_that_is_a_little_ahead_is_none() -> None:
    assert said(judged(AGES, file(ago=-100)))["clock"] == "ok"


@pytest.mark.parametrize("mtime", [2**63 - 1, 10**18, 4_294_967_295])
def test_times_that_no_calendar_has_break_nothing(mtime: int) -> None:
    assert said(judged(AGES, RemoteFile("a", 1, mtime, False)))["clock"] == "warning"


def test_files_without_a_time_make_the_age_unknown() -> None:
    one = judged(AGES, file(ago=None))
    many = judged(AGES, file("a", ago=None), file("b", ago=None))
    mixed = judged(AGES, file("a", ago=None), file("b"))

    assert [said(each)["age"] for each in (one, many, mixed)] == ["unknown"] * 3


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"min_size": 1_000}, "ok"), ({"min_size": 1_001}, "critical"), ({"max_size": 999}, "warning"),
        ({"min_size": 1, "max_size": 1_000}, "ok"),
    ],
)  # fmt: skip
def test_sizes_have_bounds(options: dict[str, object], state: str) -> None:
    assert said(judged(options, file()))["size"] == state


def test_a_size_that_is_not_told_is_unknown() -> None:
    assert said(judged({"min_size": 1}, file(size=None)))["size"] == "unknown"


@pytest.mark.parametrize(
    ("options", "state"), [({"min_count": 3}, "critical"), ({"max_count": 1}, "warning"), ({"min_count": 2}, "ok")]
)
def test_counts_have_bounds(options: dict[str, object], state: str) -> None:
    assert said(judged(options, file("a"), file("b"), RemoteFile("d", 1, 1, True)))["count"] == state


def test_an_empty_directory_is_critical_unless_told_otherwise() -> None:
    empty = judged(AGES)
    allowed = judged(AGES | {"may_be_empty": True})

    assert said(empty) == {"listing": "ok", "clock": "ok", "present": "critical"}
    assert "sftp_file/srv/backup/*/age" not in empty.covers
    assert said(allowed)["present"] == "ok"
    assert "sftp_file/srv/backup/*/age" in allowed.covers & allowed.may_go


def test_links_do_not_count_as_files() -> None:
    link = RemoteFile("latest.tar", 20, int(NOW), is_directory=False, is_file=False)

    assert said(judged(AGES, link)) == {"listing": "ok", "clock": "ok", "present": "critical"}
    assert said(judged(AGES, link, file(ago=27 * HOUR)))["age"] == "critical"
    single = Wanted("/srv/latest.tar", single=True, warning_age=HOUR)
    assert said(assessed(single, seen([link], True, "*", False, NOW), None)) == {
        "listing": "ok", "clock": "ok", "present": "unknown",
    }  # fmt: skip


def test_a_listing_cut_short_is_never_ok() -> None:
    answers = seen([file()], False, "*", False, NOW)
    wanted = Wanted("/srv/*", single=False, warning_age=HOUR * 9, min_count=1)

    assessment = assessed(wanted, answers, None)

    assert said(assessment) == {"listing": "unknown"}
    assert assessment.covers == {"sftp_file/srv/*/listing"}
    assert assessment.readings == ()


def test_of_a_listing_cut_short_the_one_given_file_is_judged_if_it_is_in_it() -> None:
    wanted = Wanted("/srv/a.tar", single=True, warning_age=HOUR * 9)

    assert said(assessed(wanted, seen([file()], False, "*", False, NOW), None))["age"] == "ok"
    assert said(assessed(wanted, FileAnswers(NOW, True, complete=False), None)) == {"listing": "unknown"}


def test_a_directory_that_is_not_there_is_critical() -> None:
    assert said(assessed(Wanted("/srv/*", single=False), FileAnswers(NOW, there=False), None)) == {
        "listing": "critical"
    }


def in_turn(options: dict[str, object], *looks: tuple[float, RemoteFile]) -> list[dict[str, str]]:
    """What is said at each look: when (seconds after the first), and the newest file then."""
    memory: Memory | None = None
    found = []
    for after, entry in looks:
        assessment = judged(options, entry, memory=memory, at=NOW + after)
        memory = assessment.memory or memory
        found.append(said(assessment))
    return found


def test_a_file_that_stops_growing_is_critical_and_well_again_when_it_goes_on() -> None:
    looks = [
        (0, file(size=10, ago=0)), (600, file(size=20, ago=-600)), (1_200, file(size=20, ago=-600)),
        (4_800, file(size=20, ago=-600)), (5_400, file(size=30, ago=-5_400)), (6_000, file("b", size=1, ago=-6_000)),
    ]  # fmt: skip

    states = [one["growth"] for one in in_turn({"grow_within": "1h"}, *looks)]

    assert states == ["ok", "ok", "ok", "critical", "ok", "ok"]


def test_a_file_that_stood_still_before_the_first_look_is_seen_by_its_own_time() -> None:
    (first,) = in_turn({"grow_within": "1h"}, (0, file(ago=2 * HOUR)))

    assert first["growth"] == "critical"


def test_a_file_is_not_judged_while_it_is_being_written_and_that_may_not_last_for_ever() -> None:
    options = {"settle_within": "1h", "min_size": 100}
    looks = [
        (0, file(size=1, ago=0)), (600, file(size=50, ago=-600)), (4_200, file(size=60, ago=-4_200)),
        (4_800, file(size=60, ago=-4_200)), (5_400, file(size=150, ago=-5_400)), (6_000, file(size=150, ago=-5_400)),
    ]  # fmt: skip

    found = in_turn(options, *looks)

    assert [one["settled"] for one in found] == ["ok", "ok", "warning", "ok", "ok", "ok"]
    assert [one.get("size") for one in found] == [None, None, None, "critical", None, "ok"]


def test_a_memory_that_is_damaged_or_of_a_clock_set_back_is_none() -> None:
    for memory in (Memory(1, "{"), Memory(9, "{}"), Memory(1, "[]"), Memory(1, '{"name": "a.tar"}')):
        assert said(judged({"grow_within": "3h"}, file(), memory=memory))["growth"] == "ok"
    late = judged({"settle_within": "1h"}, file(), at=NOW + 99 * HOUR).memory
    assert said(judged({"settle_within": "1h"}, file(), memory=late))["settled"] == "ok"


def test_a_note_that_says_the_same_is_not_written_again() -> None:
    first = judged({"grow_within": "3h"}, file()).memory
    second = judged({"grow_within": "3h"}, file(), memory=first, at=NOW + 60).memory
    third = judged({"grow_within": "3h"}, file(), memory=second, at=NOW + 120).memory

    assert first is not None and second is not None
    assert third is None


@pytest.mark.parametrize(
    ("checksum", "state"),
    [
        (Checksum.MATCH, "ok"), (Checksum.MISMATCH, "critical"), (Checksum.NO_MANIFEST, "unknown"),
        (Checksum.BAD_MANIFEST, "unknown"), (Checksum.TOO_LARGE, "unknown"), (Checksum.UNREADABLE, "unknown"),
        (Checksum.NOT_ASKED, None),
    ],
)  # fmt: skip
def test_a_checksum_is_ok_only_when_it_was_compared(checksum: Checksum, state: str | None) -> None:
    answers = FileAnswers(NOW, True, count=1, newest=FileSeen("a", 1, int(NOW)), checksum=checksum)

    assessment = assessed(Wanted("/a", single=True, checksum=True), answers, None)

    assert said(assessment).get("checksum") == state
    assert ("sftp_file/a/checksum" in assessment.covers) is (state is not None)


A, B = "a" * 64, "B" * 64


@pytest.mark.parametrize(
    ("manifest", "digest"),
    [
        (f"{A}  dump.sql\n", A), (f"{A} *dump.sql\n", A), (f"{A}  ./sub/dump.sql\n", A), (f"{B}\n", B.lower()),
        (f"{A}  other\n{B}  dump.sql\r\n", B.lower()), (f"SHA256 (dump.sql) = {A}\n", A), (f"{A}  other\n", None),
        ("", None), ("0123  dump.sql", None), (f"MD5 (dump.sql) = {A}", None), (f"{A}x  dump.sql", None),
    ],
)  # fmt: skip
def test_manifests_are_read_as_sha256sum_writes_them(manifest: str, digest: str | None) -> None:
    assert digest_in(manifest, "dump.sql") == digest


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "say either directory"),
        ({"directory": "/a", "file": "/b"}, "say either directory"),
        ({"file": "/b", "pattern": "*.x"}, "belong to directory"),
        ({"file": "/b", "min_count": 1}, "belong to directory"),
        ({"directory": "srv"}, "must be a path from the root"),
        ({"directory": "/srv/../etc"}, "step upwards"),
        ({"directory": "/srv\n"}, "must be a path from the root"),
        ({"directory": "/srv", "pattern": "a/*"}, "must be a pattern for names of files"),
        (
            {"directory": "/srv", "warning_age": "3h", "critical_age": "2h"},
            "critical_age must not be below warning_age",
        ),
        ({"directory": "/srv", "min_size": 3, "max_size": 2}, "max_size must not be below min_size"),
        ({"directory": "/srv", "grow_within": "1h", "settle_within": "1h"}, "cannot have to grow"),
        ({"directory": "/srv", "warning_age": 3}, "say the unit: 3s"),
        ({"file": "/"}, "must be the path of a file"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SftpFileOptions.model_validate(options)


def test_two_checks_of_a_target_have_findings_of_their_own() -> None:
    one = SftpFileOptions.model_validate({"directory": "/srv/", "pattern": "*.tar"}).wanted
    two = SftpFileOptions.model_validate({"directory": "//srv", "pattern": "*.sql", "port": 2222}).wanted

    assert (one.key("age"), two.key("age")) == ("sftp_file/srv/*.tar/age", "sftp_file/srv/*.sql#2222/age")


NAMES = st.text(min_size=1, max_size=8)
SIZES = st.none() | st.integers(0, 2**64 - 1)
TIMES = st.none() | st.integers(0, 2**64 - 1) | st.integers(int(NOW) - 100_000, int(NOW) + 1_000)
ENTRIES = st.lists(st.builds(RemoteFile, NAMES, SIZES, TIMES, st.booleans(), st.booleans()), max_size=6)


@given(ENTRIES, st.booleans(), st.sampled_from([AGES, {"min_size": 1}, {"grow_within": "1h"}, {"settle_within": "1h"}]))
def test_whatever_is_listed_nothing_breaks_and_no_doubt_is_ok(
    entries: list[RemoteFile], complete: bool, options: dict[str, object]
) -> None:
    made = SftpFileOptions.model_validate({"directory": "/srv", "checksum": True} | options)
    answers = seen(entries, complete, "*", True, NOW)

    observation = Observation("fw-a", "here", NOW, 0.1, answers)
    assessment = CHECK.assess(subject(check("sftp_file", made)), (observation,), None, NOW)

    assert {finding.key for finding in assessment.findings} <= assessment.covers
    states = said(assessment)
    if not complete:
        assert states == {"listing": "unknown"}
    if states.get("age") == State.OK:
        assert answers.newest is not None and answers.newest.mtime is not None and answers.undated == 0
        assert NOW - answers.newest.mtime <= 2 * HOUR
