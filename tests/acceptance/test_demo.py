"""`ridgeway demo --once` as a newcomer sees it: the story in order, the pages, two tickets that close."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbeds.agent import RIDGEWAY
from testbeds.apart import apart, page
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance

CUT, FULL = "link-berkhamsted", "fw-forum"
THREADS = (
    (
        "A digger cuts the line to Berkhamsted",
        f"OPEN P1 {CUT}",
        f"hides P1 {CUT}: 5 causes hide behind it",
        "The line to Berkhamsted is mended",
        f"recovering P1 {CUT}",
        f"RESOLVED P1 {CUT}",
        "every incident is resolved, every ticket closed",
    ),
    (
        "memory of the councils' firewall fills up",
        f"OPEN P1 {FULL}",
        "The firewall's memory is free again",
        f"recovering P1 {FULL}",
        f"RESOLVED P1 {FULL}",
        "every incident is resolved, every ticket closed",
    ),
    (f"OPEN P1 {CUT}", "Ticket 1 opened in dacorum-ict", f"RESOLVED P1 {CUT}", "Ticket 1 resolved"),
    (f"OPEN P1 {FULL}", "Ticket 2 opened in shared-ict", f"RESOLVED P1 {FULL}", "Ticket 2 resolved"),
)
"""What the console says, in order; the threads of the story may run beside one another."""
DESK = "http://127.20.0.250:16180/"
PAGES = "http://127.0.0.1:10190"


@pytest.mark.timeout(240)
def test_the_demo_tells_its_story_and_ends_well(tmp_path: Path) -> None:
    heard = tmp_path / "console"
    with heard.open("wb") as console:
        demo = subprocess.Popen(
            apart([RIDGEWAY, "demo", "--once", "--speed", "2"]),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
    try:
        wait_until(lambda: "5 causes hide" in heard.read_text() or demo.poll() is not None, "the line is cut", 90)
        problems = page(demo.pid, f"{PAGES}/")
        incidents = page(demo.pid, f"{PAGES}/incidents")
        metrics = page(demo.pid, f"{PAGES}/metrics")
        wait_until(lambda: "Ticket 2 resolved" in heard.read_text() or demo.poll() is not None, "it closes", 120)
        desk = page(demo.pid, DESK)
        status = demo.wait(90)
    finally:
        demo.kill()
        demo.wait(10)

    told = heard.read_text()
    assert status == 0, told
    assert "need" in problems and CUT in problems
    assert CUT in incidents and "sw-berkhamsted-1" not in incidents
    assert _open_in(metrics, "dacorum", "P1") == 1
    for thread in THREADS:
        places = [_place(told, line) for line in thread]
        assert places == sorted(places), told
    incident_lines = [line for line in told.splitlines() if line.split()[1:2] == ["incident"]]
    assert [line for line in incident_lines if CUT not in line and FULL not in line] == []
    assert desk.count("resolved") >= 2 and CUT in desk and FULL in desk


def _place(told: str, line: str) -> int:
    assert line in told, f"nobody said {line!r}:\n{told}"
    return told.index(line)


def _open_in(metrics: str, council: str, priority: str) -> float:
    found = [
        line
        for line in metrics.splitlines()
        if line.startswith("ridgeway_incidents_open{") and f'"{council}"' in line and f'"{priority}"' in line
    ]
    return float(found[0].rpartition(" ")[2])
