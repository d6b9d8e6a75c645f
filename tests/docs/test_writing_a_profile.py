"""docs/writing-a-profile.md followed to the letter, with the device that docs/get-started.md makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbeds.following import DOCS, Shell, shell_in, steps
from testbeds.peers import need

pytestmark = pytest.mark.acceptance

PAGE = (DOCS / "writing-a-profile.md").read_text(encoding="utf-8")
DEVICE = steps((DOCS / "get-started.md").read_text(encoding="utf-8"))[0]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    yield from shell_in(tmp_path, [need("snmpd").parent])


def test_the_page_leads_to_a_profile_that_judges_a_real_device_and_its_recording(shell: Shell) -> None:
    followed = steps(PAGE)

    for step in (DEVICE, *followed):
        shell.follow(step)

    assert sum(1 for step in followed if step.seen) == 4
