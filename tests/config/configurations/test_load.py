"""Syntaxes of configurations as data: every shipped one is sound, and what could do harm is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.commands import EXEC, dialect
from config.commands import SHIPPED as DIALECTS
from config.commands import search_path as commands_path
from config.configurations import FOLDER, SHIPPED, SyntaxFileError, load, names, search_path

OWN = """syntax: own
title: a file
source: the test
run: {run}
changes: nothing
harmless: reads a file.
grammar: xml
{more}
"""


def own(tmp_path: Path, run: str = "cat /etc/own.xml", more: str = "depth: 1") -> tuple[Path, ...]:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "own.yaml").write_text(OWN.format(run=run, more=more))
    return search_path({"RIDGEWAY_COMMANDS": str(tmp_path)})


@pytest.mark.parametrize("name", names((SHIPPED,)))
def test_a_shipped_syntax_says_how_it_is_read_and_how_a_stranger_is_told(name: str) -> None:
    syntax = load(name, (SHIPPED,))

    assert syntax.begins
    assert syntax.source
    assert syntax.command().run == syntax.run
    assert syntax.shell == EXEC or dialect(syntax.shell, commands_path()).refusals


@pytest.mark.parametrize("name", names((SHIPPED,)))
def test_a_shipped_syntax_runs_nothing_but_what_shows(name: str) -> None:
    words = load(name, (SHIPPED,)).run.split()

    assert words[0] in ("show", "cat") or words[:3] == ["nft", "-s", "list"] or words[1] == "show"


def test_one_s_own_syntax_lies_beside_one_s_own_commands(tmp_path: Path) -> None:
    path = own(tmp_path)

    assert load("own", path).run == "cat /etc/own.xml"
    assert "own" in names(path)
    assert DIALECTS not in path


@pytest.mark.parametrize(
    ("run", "more", "why"),
    [
        ("cat /etc/x; reboot", "depth: 1", "pipes, redirections and lists are refused"),
        ("cat {file}", "depth: 1", "has no parameters"),
        ("reload", "shell: fortios", "with the dialect fortios a command begins with get or show"),
        ("cat x", "verbs: [set]", "verbs: belong to the grammar `lines`"),
        ("cat x", "begins: '('", "no regular expression"),
        ("cat x", "named: ['a b']", "is not a word"),
        ("cat x", "secret: [x]", "'secret' is not a key that may stand here"),
        ("cat x", "depth: 99", "less than or equal to 6"),
    ],
)
def test_a_syntax_that_cannot_be_is_refused(tmp_path: Path, run: str, more: str, why: str) -> None:
    with pytest.raises(SyntaxFileError, match=str(tmp_path)) as refused:
        load("own", own(tmp_path, run, more))

    assert why in str(refused.value)


def test_a_syntax_under_another_name_than_its_file_s_is_refused(tmp_path: Path) -> None:
    path = own(tmp_path)
    (tmp_path / FOLDER / "own.yaml").rename(tmp_path / FOLDER / "mine.yaml")

    with pytest.raises(SyntaxFileError, match="stands in a file for 'mine'"):
        load("mine", path)
