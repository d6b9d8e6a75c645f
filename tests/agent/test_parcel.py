from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from agent.cli.estate import kinds
from agent.parcel import Mark, ParcelError, Piece, Unpacker, packed, problems_of, problems_piece
from config.estate import DeskSpec, Estate
from config.load import load_estate
from config.problems import Problem
from config.secrets import Secret
from testbeds.judging import check, estate, target


class _Holder(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    url: Secret


EXAMPLE = Path(__file__).parents[2] / "config/examples/dacorum-aylesbury-vale"


def unpacked(unpacker: Unpacker, sent: Estate, before: Estate) -> Estate:
    unpacker.begin(before.targets)
    for piece in packed(sent):
        unpacker.take(piece)
    return unpacker.estate()


@pytest.fixture(scope="module")
def example() -> Estate:
    return load_estate(EXAMPLE, *kinds())


def test_an_estate_with_every_kind_of_check_arrives_as_it_was(example: Estate) -> None:
    arrived = unpacked(Unpacker(), example, replace(example, targets={}))

    assert arrived == example
    assert list(arrived.targets) == list(example.targets)


def test_what_did_not_change_is_the_same_object_the_first_time_and_ever_after(example: Estate) -> None:
    unpacker = Unpacker()
    first = unpacked(unpacker, load_estate(EXAMPLE, *kinds()), example)
    name, changing = next(iter(example.targets.items()))
    sent = replace(example, targets={**example.targets, name: replace(changing, title="another")})

    second = unpacked(unpacker, sent, first)

    assert all(first.targets[name] is example.targets[name] for name in example.targets)
    assert [one for one in second.targets if second.targets[one] is not first.targets[one]] == [name]
    assert second.targets[name].title == "another"


def test_targets_share_a_credential_after_the_way_as_before(example: Estate) -> None:
    arrived = unpacked(Unpacker(), example, replace(example, targets={}))

    by_name: dict[str, set[int]] = {}
    for one in arrived.targets.values():
        for credential in one.credentials.values():
            by_name.setdefault(credential.name, set()).add(id(credential))
    assert by_name and all(len(objects) == 1 for objects in by_name.values())


def test_a_target_goes_without_what_its_options_keep_beside_their_fields(example: Estate) -> None:
    options = [spec.options for one in example.targets.values() for spec in one.checks if spec.kind == "ssh_command"]
    assert any("plan" in one.__dict__ for one in options)

    arrived = unpacked(Unpacker(), example, replace(example, targets={}))

    got = [spec.options for one in arrived.targets.values() for spec in one.checks if spec.kind == "ssh_command"]
    assert not any("plan" in one.__dict__ for one in got)
    assert [one.plan for one in got] == [one.plan for one in options]  # type: ignore[attr-defined]


def test_problems_arrive_word_for_word() -> None:
    problems = (Problem("estate.yaml", 3, 1, "targets.fw", "is wrong", "right"),)

    assert problems_of(problems_piece(problems)) == problems


@pytest.mark.parametrize(
    "piece",
    [
        Piece(Mark.TARGET, b"0" * 16 + b"fw\0no pickle"),
        Piece(Mark.TARGET, b"0" * 16 + b"fw\0" + pickle.dumps("text")),
        Piece(Mark.REST, b""),
        Piece(Mark.HELLO, b"1"),
    ],
)
def test_what_is_no_piece_of_an_estate_is_refused(piece: Piece) -> None:
    unpacker = Unpacker()

    with pytest.raises(ParcelError):
        unpacker.take(piece)


def test_an_end_before_the_estate_is_refused() -> None:
    sent = estate(target("fw", check("fw")))
    unpacker = Unpacker()
    for piece in packed(sent):
        if piece.mark is Mark.TARGET:
            unpacker.take(piece)

    with pytest.raises(ParcelError, match="before the estate"):
        unpacker.estate()


def test_what_is_secret_in_an_estate_goes_along_and_nowhere_else() -> None:
    sent = replace(estate(target("fw")), desks={"rt": DeskSpec("rt", "demo", _Holder(url=Secret("hunter2")))})

    arrived = unpacked(Unpacker(), sent, replace(sent, targets={}))

    holder = arrived.desks["rt"].options
    assert isinstance(holder, _Holder) and holder.url == Secret("hunter2")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(sent)
