"""docs/get-started.md followed to the letter, from its second section on, in one shell, with real peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbeds.following import DOCS, Shell, shell_in, steps
from testbeds.peers import need

pytestmark = pytest.mark.acceptance

PAGE = (DOCS / "get-started.md").read_text(encoding="utf-8")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    programs = [need(program) for program in ("snmpd", "prometheus", "curl", "openssl")]
    yield from shell_in(tmp_path, [program.parent for program in programs])


@pytest.mark.timeout(300)
def test_the_page_leads_from_nothing_to_a_ticket_that_is_closed(shell: Shell, tmp_path: Path) -> None:
    followed = steps(PAGE)

    for step in followed:
        shell.follow(step)

    assert sum(1 for step in followed if step.seen) >= 5
    assert not (tmp_path / "first").exists()
