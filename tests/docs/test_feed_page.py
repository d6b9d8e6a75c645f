"""docs/feed.md followed to the letter: its reader misses and doubles nothing, and its curl lines are answered."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from testbeds.feed_world import World
from testbeds.peers import wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "feed.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:10190"

pytestmark = pytest.mark.acceptance


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(str(tmp_path / "ledger.sqlite3"), tmp_path)
    made.start()
    yield made
    made.kill()


def test_the_reader_of_the_page_has_every_event_once_over_kills_of_both_sides(world: World, tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "reader.py").write_text(program.replace(ADDRESS, world.url))
    heard = tmp_path / "heard"

    def reading() -> subprocess.Popen[bytes]:
        with heard.open("ab") as out:
            return subprocess.Popen([sys.executable, "reader.py"], cwd=tmp_path, stdout=out, stderr=out)

    def ids() -> list[str]:
        return [line.split()[0] for line in heard.read_text().splitlines()]

    reader = reading()
    try:
        wait_until(lambda: len(ids()) > 50, "it reads")
        world.kill()
        world.start()
        world.grow(50)
        reader.kill()
        reader.wait(20)
        reader = reading()
        world.write_to_the_end()
        written = [id for id, _ in world.take_down().values()]
        wait_until(lambda: ids()[-1:] == written[-1:], "it has read to the end")
    finally:
        reader.kill()
        reader.wait(20)

    again = len(ids()) - len(set(ids()))
    assert sorted(set(ids())) == sorted(written)
    assert again <= 100, "only the page under way when it was killed may be done twice"


@pytest.mark.parametrize("line", re.findall(r"^ {4}(curl .*)$", PAGE, re.MULTILINE))
def test_every_curl_line_of_the_page_is_answered(world: World, line: str) -> None:
    words = shlex.split(line)
    headers = dict(words[at + 1].split(": ") for at, word in enumerate(words) if word == "-H")

    answer = requests.get(words[-1].replace(ADDRESS, world.url), headers=headers, stream=True, timeout=20)

    with answer:
        assert answer.status_code == 200
        assert next(answer.iter_content(100))
        if "-i" in words:
            assert 'rel="next"' in answer.headers["link"]
