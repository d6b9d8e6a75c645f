"""Sections of configurations that real ASAs showed, put together to a whole one: every line of them is watched.

Each line is changed by itself; what is not noticed is a missed fault, and has to be a secret. Each line is also read
again as it is, which must be no drift: a false alarm.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks.firewall_config.answers import Reading
from checks.firewall_config.normal import normalised
from checks.firewall_config.secrets import GONE, without_secrets
from checks.firewall_config.statements import Cut
from config.configurations import load, search_path
from testbeds.firewalls import folder

pytestmark = pytest.mark.truth

ASA = load("asa", search_path())


def sections() -> list[Path]:
    there = folder()
    if there is None:
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    found = sorted((there / "ntc" / "cisco_asa").glob("show_running-config_*/*.raw"))
    assert len(found) >= 9
    return found


def lines_of(path: Path) -> list[str]:
    return [line.rstrip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]


def read(lines: list[str]) -> Reading:
    return normalised(ASA, "\n".join(["ASA Version 9.16(4)", *lines, ": end"]))


def test_a_section_by_itself_is_not_taken_for_a_configuration() -> None:
    for path in sections():
        with pytest.raises(Cut):
            normalised(ASA, path.read_text("utf-8", "replace"))


def test_every_line_of_real_configurations_is_watched_and_none_raises_a_false_alarm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows, missed = [], []
    for path in sections():
        lines = lines_of(path)
        before = read(lines)
        noticed = secret = 0
        for number, line in enumerate(lines):
            changed = read([*lines[:number], _another(line), *lines[number + 1 :]])
            gone = read([*lines[:number], *lines[number + 1 :]])
            hidden = without_secrets(line.strip()).endswith(GONE)
            noticed += changed != before
            secret += hidden
            if (changed == before and not hidden) or gone == before:
                missed.append(f"{path.parent.name}: {number}")
        assert read([*lines]) == before
        rows.append((path.parent.name, len(lines), noticed, secret))
    with capsys.disabled():
        print("\nsection, lines, changes noticed, secrets")
        for row in rows:
            print(*row, sep=" · ")

    assert missed == []
    assert sum(row[2] for row in rows) > 200


def _another(line: str) -> str:
    """The line with its last word changed."""
    return re.sub(r"\S+$", lambda found: f"{found[0]}7", line)
