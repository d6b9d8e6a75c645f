"""What a director says is taken for what it is: whole or cut, a refusal, a job left behind, damage or a daemon away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.restore_drills.options.tools import BaculaDrill
from agent.restore_drills.products.bacula import Bacula
from agent.restore_drills.products.bacula.console import quoted
from agent.restore_drills.products.bacula.jobs import Ended, settle
from agent.restore_drills.products.bacula.listing import number
from agent.restore_drills.running import Runner
from agent.restore_drills.scratch import Room
from agent.restore_drills.verdict import Failed, Unproven
from testbeds.bacula_drills import found_in
from testbeds.restore_drills import nothing_shown

ROOM = Path("/run/drill-room/restored")
BACKUP = """\
           JobId: {id}
            Name: nightly
     PurgedFiles: {purged}
            Type: B
      ClientName: srv-ben-fd
       JobStatus: {status}
       StartTime: {start}
         EndTime: {end}
        JobTDate: {tdate}
        JobFiles: 5
        PoolName: Nightly
         FileSet: Data

"""


def backup(id: int, **more: object) -> str:
    usual = {"purged": 0, "status": "T", "start": "2026-11-30 02:00:00", "end": "2026-11-30 03:00:00",
             "tdate": 1796007600}  # fmt: skip
    return BACKUP.format(id=id, **(usual | more))


class Director:
    """A bconsole that answers what a test has it answer, by patterns of the shell."""

    def __init__(self, home: Path) -> None:
        self.home, self.asked = home, home / "asked"
        self.answers: dict[str, str] = {}
        for name in ("aside", "restored"):
            (home / name).mkdir()
        for name in ("console", "daemon"):
            (home / name).write_text("a secret")
            (home / name).chmod(0o600)

    def product(self, *last: str) -> Bacula:
        """`last`: what is done at the end of the input."""
        cases = ""
        for number_, (pattern, answer) in enumerate(self.answers.items()):
            (self.home / f"answer{number_}").write_text(answer)
            cases += f"  {pattern}) cat {self.home}/answer{number_};;\n"
        script = (
            f'while IFS= read -r line; do\nprintf \'%s\\n\' "$line" | tee -a {self.asked}\ncase "$line" in\n{cases}'
        )
        (self.home / "bconsole").write_text("\n".join(("#!/bin/sh", script + "esac", "done", *last, "")))
        (self.home / "bconsole").chmod(0o755)
        options = BaculaDrill.model_validate({
            "object": "ben", "product": "bacula", "of": "srv-ben-fd:Data", "repository": "Nightly", "director": "dir",
            "console": f"file:{self.home}/console", "client": "drill-fd", "file_daemon": f"file:{self.home}/daemon",
            "listen": "127.0.0.1:9112", "restore_job": "drill-ben", "canary": {"path": "/srv/canary", "max_age": "26h"},
        })  # fmt: skip
        return Bacula(options, Runner(Room(self.home), 2**20, time.monotonic() + 20, nothing_shown))


@pytest.fixture
def director(tmp_path: Path) -> Iterator[Director]:
    with found_in(tmp_path):
        yield Director(tmp_path)


def test_points_are_ours_begun_when_they_began_and_the_oldest_first(director: Director) -> None:
    director.answers["'llist jobs jobtype=B'*"] = "".join((
        backup(9), backup(8, status="E"), backup(7, purged=1), backup(6).replace("Nightly", "Other"),
        backup(5).replace("srv-ben", "srv-fin"), backup(4, start="2026-10-25 01:50:00", end="2026-10-25 01:10:00",
                                                        tdate=1792890600),
    ))  # fmt: skip

    points = director.product().points()

    assert [(one.id, one.at) for one in points] == [("4", 1792890600 - 20 * 60), ("9", 1796007600 - 3600)]


def test_a_console_that_does_not_run_says_why(director: Director) -> None:
    product = director.product("echo 'cannot open shared object file' >&2", "exit 127")

    with pytest.raises(Unproven, match="shared object file"):
        product.points()


def test_a_restore_that_a_killed_drill_left_is_cancelled_and_nobody_elses(director: Director) -> None:
    left = "JobId: {}\nName: {}\nClientName: drill-fd\nJobStatus: {}\n\n"
    director.answers = {
        "'llist jobs jobtype=B'*": backup(9),
        "'llist jobs jobtype=R'*": left.format(31, "drill-ben", "R") + left.format(32, "somebody", "R")
        + left.format(33, "drill-ben", "T"),
        "'llist jobid=31'": left.format(31, "drill-ben", "A"),
    }  # fmt: skip

    director.product().points()

    assert [line for line in director.asked.read_text().splitlines() if "cancel" in line] == ["cancel jobid=31"]


@pytest.mark.parametrize(
    ("said", "last", "why"),
    [
        ("llist: is an invalid command.\n", (), "add it to the CommandACL"),
        ("No results to list.\n", (), "lists no backup of srv-ben-fd:Data in the pool Nightly"),
        ("Director authorization problem.\n", ("exit 1",), "does not let this console in"),
        ("Connecting to Director\n", ("exit 1",), "the director is away"),
    ],
)
def test_a_director_that_does_not_answer_proves_nothing(
    director: Director, said: str, last: tuple[str, ...], why: str
) -> None:
    director.answers["'llist jobs jobtype=B'*"] = said

    with pytest.raises(Unproven, match=why):
        director.product(*last).points()


def test_an_answer_that_was_cut_short_proves_nothing(director: Director) -> None:
    director.answers = {"'llist jobs jobtype=B'*": backup(9), "'llist jobs jobtype=R'*": ""}
    product = director.product()
    script = (director.home / "bconsole").read_text()
    (director.home / "bconsole").write_text(
        script.replace("IFS= read -r line;", "IFS= read -r line && [ $line != quit ];")
    )

    with pytest.raises(Unproven, match="cut short"):
        product.points()


LOG = "| lab-sd JobId 5: {}\n\\ |\n"


@pytest.mark.parametrize(
    ("status", "log", "what", "why"),
    [
        ("E", LOG.format("Error: block_util.c:467 Volume data error at 0:0!"), Failed, "Volume data error"),
        ("T", LOG.format("Error: block_util.c:467 Volume data error at 0:0!"), Failed, "Volume data error"),
        ("E", LOG.format(f"Error: File size of restored file {ROOM}/srv/jo.doc not correct. Original 2"), Failed,
         "File size of restored file$"),
        ("D", "", Failed, "differ"),
        ("A", "", Unproven, "somebody cancelled"),
        ("f", LOG.format("Fatal error: Unable to connect to Storage daemon on vault:9103. ERR=x"), Unproven, "vault"),
        ("E", LOG.format("Error: Write error: ERR=No space left on device"), Unproven, "no room"),
        ("E", "", Unproven, "catalog = all"),
        ("E", LOG.format("Error: something that nobody knows"), Failed, "nobody knows"),
    ],
)  # fmt: skip
def test_a_job_that_did_not_go_well_is_damage_only_where_its_log_does_not_say_otherwise(
    status: str, log: str, what: type[Exception], why: str
) -> None:
    with pytest.raises(what, match=why):
        settle(Ended("5", status, 1, 1, log, 1.0), ROOM, "the restore failed")


def test_a_job_that_went_well_is_left_to_what_came_of_it() -> None:
    settle(Ended("5", "T", 1, 0, LOG.format("Forward spacing"), 1.0), ROOM, "the restore failed")


def test_numbers_of_the_catalogue_are_read_as_bacula_writes_them() -> None:
    assert [number(one) for one in ("A", "HoSA", "IGk", "-B")] == [0, 2_000_000, 0o100644, -1]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nquit", "@exec\x07"])
def test_a_name_that_would_be_another_command_is_said_to_no_director(name: str) -> None:
    assert quoted(name) is None
