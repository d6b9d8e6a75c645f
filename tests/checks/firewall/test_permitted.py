"""What a profile of one's own may ask a firewall by command: what a parser is for, word for word, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.profiles import problems
from checks.firewall import FirewallOptions
from checks.firewall.permitted import line_of
from config.profiles import SEARCH_VARIABLE, load, search_path
from config.profiles.asks import Command

TEXT = """
profile: firewall/own-ssh
title: Our own
source: us
asks:
  ssh:
    dialect: fortios
    commands:
      status: {{run: {run}, parser: {parser}, read: every_run}}
firewall: {{vendor: Fortinet}}
values:
  version: {{title: version, at: "status#/version", transform: text}}
"""


NAME = "firewall/own-ssh"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the profile of one's own lies."""
    (tmp_path / "firewall").mkdir()
    monkeypatch.setenv(SEARCH_VARIABLE, str(tmp_path))
    return tmp_path / "firewall" / "own-ssh.yaml"


def test_a_command_that_a_parser_is_for_is_sent_as_the_parser_spells_it(own: Path) -> None:
    own.write_text(TEXT.format(run="get system status", parser="fortios/system-status"))

    assert FirewallOptions(profile=NAME).reader.profile.title == "Our own"
    assert line_of(Command(run="get system status", parser="fortios/system-status")) == "get system status"


@pytest.mark.parametrize(
    ("run", "parser", "says"),
    [
        ("execute reboot", "fortios/system-status", "'execute reboot' is never sent"),
        ("get system status | grep x", "fortios/system-status", "is never sent"),
        ("get  system status", "fortios/system-status", "is never sent"),
        ("get system status", "fortios/ha-status", "is for 'get system ha status'"),
        ("get system status", "fortios/anything", "there is no parser 'fortios/anything'"),
    ],
)
def test_any_other_is_refused_with_the_estate_and_by_lint(own: Path, run: str, parser: str, says: str) -> None:
    own.write_text(TEXT.format(run=run, parser=parser))

    with pytest.raises(ValidationError, match=says):
        FirewallOptions(profile=NAME)
    assert any(says in problem for problem in problems(NAME, load(NAME, search_path())))
