"""What the pages for people say is there: links lead somewhere, commands are understood, the README's estate works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from agent.cli import answer, ridgeway
from checks.transports.rtp.transport import PORTS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MADE = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
README = (ROOT / "README.md").read_text(encoding="utf-8")


SOUND = f"{PORTS.start} to {PORTS.stop - 1}"
"""UDP ports that a firewall must let in for test calls."""


def without_blocks(text: str) -> str:
    """The text without fenced and indented code, in which `[a](b)` is no link."""
    return re.sub(r"^```.*?^```|^    .*?$", "", text, flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> Iterator[list[str]]:
    """Every command line of ours in code, fenced, indented or in a sentence."""
    lines = re.findall(r"^(?: {4}|\$ )(.*)$", text, re.MULTILINE) + re.findall(r"`([^`\n]+)`", text)
    for line in lines:
        for part in re.split(r"\s&&\s|\s>\s|\s;\s", re.sub(r"\s#\s.*$|\s{2,}#.*$", "", line)):
            found = re.match(r"(?:env \S+ )?(?:[\w./]*/)?ridgeway ((?!incidents list\|).*)$", part.strip())
            if found and found[1].split()[0].islower():
                yield shlex.split(found[1].replace("…", "X"))


def test_every_page_that_opens_a_firewall_for_the_sound_of_calls_names_the_ports_that_are_used() -> None:
    told = [re.findall(r"UDP (\d+ to \d+)", page.read_text(encoding="utf-8")) for page in PAGES]

    ranges = [one for page in told for one in page]
    assert len(ranges) >= 3 and set(ranges) == {SOUND}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", without_blocks(page.read_text(encoding="utf-8")))
    local = [link for link in links if "://" not in link]

    # The runbooks are also served, where a page has no suffix.
    lost = [link for link in local if not ((page.parent / link).exists() or (page.parent / f"{link}.md").exists())]

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_one_that_the_program_understands(page: Path) -> None:
    misunderstood = [line for line in commands(page.read_text(encoding="utf-8")) if not understood(line)]

    assert misunderstood == []


def understood(words: list[str]) -> bool:
    """Whether verb and options exist. Pages may leave out what is required."""
    command: click.Command = ridgeway
    context = click.Context(command)
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return words in (["--version"], ["--help"], [])
        found = command.get_command(context, words.pop(0))
        if found is None:
            return False
        command = found
    known = {spelling for param in command.params if isinstance(param, click.Option) for spelling in param.opts}
    return all(word.split("=")[0] in known | {"--help"} for word in words if word.startswith("-"))


def test_a_wrong_command_would_be_seen() -> None:
    lines = list(
        commands("    .venv/bin/ridgeway chekc x\n    sudo x && ridgeway run --no-such\n`ridgeway explain A/B`\n")
    )

    assert lines == [["chekc", "x"], ["run", "--no-such"], ["explain", "A/B"]]
    assert [understood(line) for line in lines] == [False, False, True]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_everything_a_page_says_can_be_made_is_in_the_makefile(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    said = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", text, re.MULTILINE))

    assert said <= MADE


def test_the_readme_shows_what_the_demo_prints() -> None:
    from agent.demo.story import ACTS

    assert ACTS[0].text in README
    assert ACTS[1].text in README


@pytest.fixture
def estate(tmp_path: Path) -> str:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    path = tmp_path / "estate.yaml"
    path.write_text(block, encoding="utf-8")
    return str(path)


def test_the_estate_of_the_readme_is_one(estate: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(["validate", "--config.file", estate])

    assert ended == 0
    assert capsys.readouterr().out.startswith("first: 2 targets, 3 checks")


def test_the_machine_of_the_readme_can_be_asked(estate: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(["check", "agent", "--config.file", estate])

    said = capsys.readouterr().out
    assert ended in (0, 1, 2)
    assert "host/memory" in said


def test_every_page_is_on_the_map() -> None:
    listed = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

    missing = [page.name for page in ROOT.glob("docs/*.md") if page.name not in listed and page.name != "index.md"]
    missing += [page.name for page in ROOT.glob("docs/decisions/[0-9]*.md")
                if page.name not in (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")]  # fmt: skip
    missing += [page.name for page in ROOT.glob("docs/runbooks/[A-Za-z]*.md")
                if page.name not in (ROOT / "docs/runbooks/README.md").read_text(encoding="utf-8")
                and page.name != "README.md"]  # fmt: skip

    assert missing == []
