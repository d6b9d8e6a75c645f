"""Notes in their order, bounded in number and age, and none that a power cut left half."""

from __future__ import annotations

import time
from pathlib import Path

from agent.wrapper import spool as spools
from agent.wrapper.note import Note
from agent.wrapper.sending import Fate, Sent
from agent.wrapper.spool import Place, Spool, places
from agent.wrapper.telling import told_all
from testbeds.pushing import KEY

PLACE = Place("http://127.0.0.1:1", "/nowhere/key")


class Agent:
    """Takes notes until it does not."""

    def __init__(self, *fates: Fate) -> None:
        self.fates = list(fates)
        self.told: list[str] = []

    def send(self, note: Note) -> Sent:
        self.told.append(note.sign)
        fate = self.fates.pop(0) if self.fates else Fate.TAKEN
        return Sent(fate, "" if fate is Fate.TAKEN else "because")


def note(sign: str, age: float = 0.0) -> Note:
    return Note(time.time() - age, sign, "r", 1.5, "“log”\n" + KEY[:4])


def signs(spool: Spool) -> list[str]:
    return [name.rpartition("-")[2].removesuffix(".note") for name in spool.waiting()]


def test_notes_come_back_as_they_were_and_in_their_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLACE)
    kept = [note(sign) for sign in ("start", "1", "start", "0")]
    for one in kept:
        spool.put(one)

    assert [spool.read(name) for name in spool.waiting()] == kept


def test_the_first_that_is_not_taken_keeps_those_after_it_waiting(tmp_path: Path) -> None:
    spool, agent, said = Spool(tmp_path, PLACE), Agent(Fate.TAKEN, Fate.LATER), list[str]()
    for sign in ("start", "1", "0"):
        spool.put(note(sign))

    whole = told_all(spool, agent, said.append)  # type: ignore[arg-type]

    assert not whole
    assert (agent.told, signs(spool)) == (["start", "1"], ["1", "0"])
    assert said == ["because; 2 pings wait, the next run tells them"]


def test_one_that_is_never_taken_holds_no_other_up(tmp_path: Path) -> None:
    spool, agent, said = Spool(tmp_path, PLACE), Agent(Fate.NEVER), list[str]()
    for sign in ("start", "0"):
        spool.put(note(sign))

    assert told_all(spool, agent, said.append)  # type: ignore[arg-type]

    assert (agent.told, signs(spool)) == (["start", "0"], [])


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: object) -> None:
    monkeypatch.setattr(spools, "MOST", 3)  # type: ignore[attr-defined]
    spool = Spool(tmp_path, PLACE)

    gone = [spool.put(note(sign)) for sign in ("1", "2", "3", "4", "5")]

    assert gone == [0, 0, 0, 1, 1]
    assert signs(spool) == ["3", "4", "5"]


def test_what_is_damaged_or_too_old_is_given_up(tmp_path: Path) -> None:
    spool, agent, said = Spool(tmp_path, PLACE), Agent(), list[str]()
    spool.put(note("start", age=spools.OLDEST + 60))
    spool.put(note("1"))
    spool.put(note("0"))
    (tmp_path.glob("*/*-1.note").__next__()).write_bytes(b'{"at": 1')

    told_all(spool, agent, said.append)  # type: ignore[arg-type]

    assert (agent.told, signs(spool)) == (["0"], [])
    assert said == ["a ping that is damaged or too old is given up"] * 2


def test_jobs_that_share_a_spool_do_not_wait_for_each_other(tmp_path: Path) -> None:
    one, other = Spool(tmp_path, PLACE), Spool(tmp_path, Place("http://127.0.0.1:1", "/nowhere/else"))
    one.put(note("1"))
    other.put(note("2"))

    told_all(one, Agent(Fate.LATER), [].append)  # type: ignore[arg-type]
    told_all(other, Agent(), [].append)  # type: ignore[arg-type]

    assert (signs(one), signs(other)) == (["1"], [])
    assert {place.key_file for place in places(tmp_path, [].append)} == {"/nowhere/key", "/nowhere/else"}
