"""Whose key is whose: unfit keys are taken for nobody's, and say how to mend them without being shown."""

from __future__ import annotations

import pytest

from agent.push.keys import keys_in, read_keys
from config.secrets import SecretReference

GOOD, OTHER = "0123456789abcdef", "fedcba9876543210"


def reference(name: str) -> SecretReference:
    return SecretReference.parse(f"env:{name}")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"GOOD": GOOD, "OTHER": OTHER, "SHORT": "0123456789abcde", "SPACE": "0123456789 abcdef", "SAME": GOOD,
              "SLASH": "0123456789/abcdef", "LONG": "a" * 129}  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_a_key_is_its_jobs_and_nothing_else_is() -> None:
    keys = read_keys({"b/ben": (reference("GOOD"),), "b/planning": (reference("OTHER"),)})

    assert (keys.job_of(GOOD), keys.job_of(OTHER)) == ("b/ben", "b/planning")
    assert [keys.job_of(text) for text in ("", GOOD[:-1], GOOD + "0", GOOD.upper(), GOOD + "\n", "é" * 20)] == [
        None
    ] * 6
    assert keys.troubles == {}


@pytest.mark.parametrize("name", ["SHORT", "SPACE", "SLASH", "LONG"])
def test_an_unfit_key_is_taken_for_nobodys_and_is_not_shown(name: str) -> None:
    keys = read_keys({"b/ben": (reference(name),)})

    assert keys.jobs == {}
    assert "16 to 128 letters" in keys.troubles["b/ben"]
    assert "0123456789" not in keys.troubles["b/ben"]


def test_a_key_that_two_jobs_have_is_taken_for_neither() -> None:
    keys = read_keys({"b/ben": (reference("GOOD"),), "b/planning": (reference("SAME"),)})

    assert keys.job_of(GOOD) is None
    assert set(keys.troubles) == {"b/ben", "b/planning"}


def test_a_key_that_cannot_be_read_leaves_the_others() -> None:
    keys = read_keys({"b/ben": (reference("GOOD"),), "b/planning": (reference("NOBODY_SET_THIS"),)})

    assert keys.job_of(GOOD) == "b/ben"
    assert "NOBODY_SET_THIS is not set" in keys.troubles["b/planning"]


@pytest.mark.parametrize(
    "text", ["{}", "sent to {}.", "{}…", "of {}.log", "a/{}/0", "_{}_", "--{}--", "to ping+{}@b.example"]
)
def test_a_key_is_found_in_a_text_whatever_stands_beside_it(text: str) -> None:
    keys = read_keys({"b/ben": (reference("GOOD"),)})

    assert keys_in(text.format(GOOD), keys.job_of) == [GOOD]
    assert keys_in(text.format(OTHER), keys.job_of) == []


def test_keys_print_as_nothing() -> None:
    keys = read_keys({"b/ben": (reference("GOOD"),)})

    assert GOOD not in repr(keys)
