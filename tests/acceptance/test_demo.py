"""`ridgeway demo --once` as a newcomer sees it: story, feed and pages, and every ticket that closes."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from testbeds.agent import RIDGEWAY
from testbeds.apart import apart, page
from testbeds.peers import need, wait_until

pytestmark = pytest.mark.acceptance

CUT, PAIR, BRANCH = "link-berkhamsted", "fw-forum", "fw-berkhamsted"
ENDING, DISK = "portal-aylesbury", "backup-forum"
PRIMARY, SECONDARY = "pbx-forum", "pbx-aylesbury"
VAULT = "vault-forum"
EVERYTHING = "every incident is resolved, every ticket closed"
THREADS = (
    (
        "A digger cuts the line to Berkhamsted",
        f"opened P1 {CUT}",
        f"hides P1 {CUT}: 5 causes hide behind it",
        "The line to Berkhamsted is mended",
        f"recovering P1 {CUT}",
        f"resolved P1 {CUT}",
        EVERYTHING,
    ),
    (
        "The first unit of the councils' firewall loses its power",
        f"opened P3 {PAIR}: resilience gone: the next fault is an outage; fw-forum-a does not answer",
        f"ticket P3 {PAIR}: Ticket # opened in shared-ict",
        "The first unit is back",
        f"recovering P3 {PAIR}: fw-forum-a is standby",
        f"opened P3 {PAIR}: resilience going: the configuration is not the same on all: fw-forum-a is out of sync",
        "The units of the councils' firewall are synchronised",
        f"recovering P3 {PAIR}: the members have the same configuration",
        "switched back to its first unit, as planned",
        EVERYTHING,
    ),
    (
        "Telephone controller A loses its power",
        f"opened P1 {PRIMARY}: {PRIMARY} (127.20.0.3) cannot be reached by any check",
        f"ticket P1 {PRIMARY}: Ticket",
        "Controller A has power again",
        f"recovering P1 {PRIMARY}: {PRIMARY} answers again",
        f"resolved P1 {PRIMARY}",
        "The phones are back on controller A",
        f"recovering P3 {SECONDARY}: the phones of {PRIMARY} are at home",
        f"resolved P3 {SECONDARY}",
        EVERYTHING,
    ),
    (
        "Telephone controller A loses its power",
        f"opened P3 {SECONDARY}: redundancy lost: phones of {PRIMARY} run on this controller, their backup",
        f"ticket P3 {SECONDARY}: Ticket",
        "Controller A has power again",
    ),
    (
        "The line between the councils loses every eighth packet",
        f"opened P3 {SECONDARY}: R ",
        "The line between the councils loses nothing any more",
        f"recovering P3 {SECONDARY}: R ",
        EVERYTHING,
    ),
    (
        "support contract of Berkhamsted's firewall nears its end",
        f"opened P4 {BRANCH}: FortiCare: licence: ends on",
        f"ticket P4 {BRANCH}: Ticket",
        "contract is renewed",
        f"resolved P4 {BRANCH}",
        EVERYTHING,
    ),
    (
        "certificate of the council tax portal nears its end",
        f"opened P4 {ENDING}: port 18443: the certificate expires in 12 days",
        "The portal gets a new certificate",
        f"resolved P4 {ENDING}",
        EVERYTHING,
    ),
    (
        "disk of the backup server fills up",
        f"opened P2 {DISK}: space used: 97.0 %",
        "makes room on the backup server's disk",
        f"resolved P2 {DISK}",
        EVERYTHING,
    ),
    (
        "The backups of this play are in restic",
        "A restore drill of the benefits data: canary passed",
        "samples passed",
        "One octet in a backup of the benefits data changes. The job list stays green: restic lists 2 snapshots",
        "A restore drill of the benefits data: canary passed",
        "samples failed",
        f"opened P2 {VAULT}: ",
        f"ticket P2 {VAULT}: Ticket # opened in shared-ict",
        "A sound copy of the damaged part is put back.",
        f"recovering P2 {VAULT}: ",
        f"resolved P2 {VAULT}: ",
        EVERYTHING,
    ),
    (f"opened P1 {CUT}", f"ticket P1 {CUT}: Ticket 1 opened in dacorum-ict", f"ticket P1 {CUT}: Ticket 1 resolved"),
    (f"opened P4 {ENDING}", f"ticket P4 {ENDING}: Ticket # opened in aylesbury-vale-ict", EVERYTHING),
    (f"opened P2 {DISK}", f"ticket P2 {DISK}: Ticket", EVERYTHING),
)
"""What the console says, in order; the threads of the story may run beside one another."""
DESK = "http://127.20.0.250:16180/"
PAGES = "http://127.0.0.1:10190"


@pytest.mark.timeout(240)
def test_the_demo_tells_its_story_and_ends_well(tmp_path: Path) -> None:
    need("restic")
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
        wait_until(lambda: _resolved(heard) >= 5 or demo.poll() is not None, "five tickets are closed", 150)
        desk = page(demo.pid, DESK)
        status = demo.wait(90)
    finally:
        demo.kill()
        demo.wait(10)

    told = " ".join(heard.read_text().split())
    assert status == 0, told
    assert "need" in problems and CUT in problems
    assert CUT in incidents
    assert _open_in(metrics, "dacorum", "P1") == 1
    for thread in THREADS:
        place = 0
        for line in thread:
            place = _place(told, line, place)
    assert desk.count("resolved") >= 5 and all(name in desk for name in (CUT, PAIR, BRANCH, ENDING))
    feed = re.findall(r"feed #(\d+) +(\S+) +P\d (\S+):", heard.read_text())
    assert [int(number) for number, _, _ in feed] == list(range(1, len(feed) + 1))
    opened = [subject for _, kind, subject in feed if kind == "opened"]
    story = Counter([CUT, PAIR, PAIR, PRIMARY, SECONDARY, SECONDARY, BRANCH, ENDING, DISK, VAULT])
    # Where the machine itself is late, so are questions and sound: that is told, too, and is over at the end.
    assert not story - Counter(opened)
    assert (Counter(opened) - story).total() <= 4


def _resolved(heard: Path) -> int:
    return len(re.findall(r"Ticket \d+ resolved", heard.read_text()))


def _place(told: str, line: str, after: int) -> int:
    """Where a line ends that begins after a place; `#` stands for any number."""
    found = re.compile(re.escape(line).replace(r"\#", r"\d+")).search(told, after)
    assert found, f"nobody said {line!r} after {told[:after][-200:]!r}:\n{told}"
    return found.end()


def _open_in(metrics: str, council: str, priority: str) -> float:
    found = [
        line
        for line in metrics.splitlines()
        if line.startswith("ridgeway_incidents_open{") and f'"{council}"' in line and f'"{priority}"' in line
    ]
    return float(found[0].rpartition(" ")[2])
