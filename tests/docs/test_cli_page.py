"""docs/cli.md says of every verb what the program says, no more and no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from agent.cli import answer, ridgeway

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(
    re.findall(r"^## `ridgeway ([^`\[A-Z]+?)(?: [\[A-Z][^`]*)?`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)


def verbs(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield before + name, command


VERBS = dict(verbs(ridgeway))


def test_every_verb_has_its_section_and_no_other_is_there() -> None:
    assert set(SECTIONS) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_section_names_every_option_of_its_verb_and_no_other(verb: str) -> None:
    options = [param for param in VERBS[verb].params if isinstance(param, click.Option)]

    named = set(re.findall(r"`(--?[a-z][a-z.-]*)`", SECTIONS[verb]))

    assert named == {spelling for option in options for spelling in option.opts}


@pytest.mark.parametrize("verb", VERBS)
def test_a_section_shows_every_choice_of_its_verb(verb: str) -> None:
    choices = [
        choice for param in VERBS[verb].params if isinstance(param.type, click.Choice) for choice in param.type.choices
    ]

    assert [choice for choice in choices if f"`{choice}`" not in SECTIONS[verb]] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_word_of_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer([*verb.split(), "--help"])

    assert ended == 0
    assert capsys.readouterr().out.startswith(f"Usage: ridgeway {verb} ")
    assert [p.name for p in VERBS[verb].params if isinstance(p, click.Option) and not p.help] == []
