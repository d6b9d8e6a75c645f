"""What was announced for a time that is over: windows of the estate, of people, ended early, and after a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.ledger.batch import MaintenanceWindow
from agent.windows import Windows
from checks.contract import Planned
from config.estate import Cron, Maintenance, Selector
from testbeds.single import check, estate, target

NOW = datetime(2026, 11, 6, 18, 0, tzinfo=UTC).timestamp()
HOUR = 3_600.0
FIREWALL = target(check("tcp", object()))  # type: ignore[arg-type]
OURS = Selector(targets=("fw-a",))


def window(
    id: str, start: float, end: float, *, selector: Selector = OURS, ended: float | None = None
) -> MaintenanceWindow:
    return MaintenanceWindow(id, NOW + start * HOUR, NOW + end * HOUR, "ops", "work", selector, ended)


def asked(windows: Windows, after: float, until: float) -> list[str]:
    found = windows.announced(FIREWALL, "tcp", "tcp/x", NOW + after * HOUR, NOW + until * HOUR)
    return [one.id for one in found]


@pytest.mark.parametrize(
    ("after", "until", "found"),
    [(-1, 0.5, True), (0, 1, True), (1.5, 2, True), (2, 3, True), (2.1, 3, False), (-3, -0.1, False)],
)
def test_a_window_that_was_open_at_some_moment_counts(after: float, until: float, found: bool) -> None:
    windows = Windows(estate(FIREWALL), [window("MNT-1", 0, 2)])

    assert asked(windows, after, until) == (["MNT-1"] if found else [])


def test_a_window_that_was_ended_early_counts_until_then_and_no_longer() -> None:
    windows = Windows(estate(FIREWALL), [window("MNT-1", 0, 8)])
    windows.remove("MNT-1", window("MNT-1", 0, 8, ended=NOW + HOUR))

    assert asked(windows, 0.5, 0.6) == ["MNT-1"]
    assert asked(windows, 1.5, 2) == []
    assert windows.added == {}


def test_one_that_had_ended_before_a_restart_is_known_and_not_open() -> None:
    windows = Windows(estate(FIREWALL), [window("MNT-1", 0, 8, ended=NOW + HOUR)])

    assert asked(windows, 0, 1) == ["MNT-1"]
    assert windows.covering(FIREWALL, "tcp", "tcp/x", NOW + HOUR / 2) is None
    assert windows.coming(NOW) == []


def test_one_that_was_taken_back_before_it_began_announces_nothing() -> None:
    windows = Windows(estate(FIREWALL), [window("MNT-1", 2, 8)])
    windows.remove("MNT-1", window("MNT-1", 2, 8, ended=NOW + HOUR))

    assert asked(windows, 0, 9) == []


def test_a_recurring_window_counts_at_each_of_its_times() -> None:
    nightly = Maintenance("patches", OURS, "patches", "ops", cron=Cron("0 22 * * *", "Europe/London"), duration=HOUR)
    windows = Windows(replace(estate(FIREWALL), maintenance=(nightly,)))

    found = windows.announced(FIREWALL, "tcp", "tcp/x", NOW, NOW + 30 * HOUR)

    assert found == [
        Planned("patches", NOW + 4 * HOUR, NOW + 5 * HOUR),
        Planned("patches", NOW + 28 * HOUR, NOW + 29 * HOUR),
    ]
    assert windows.announced(FIREWALL, "tcp", "tcp/x", NOW + 4.5 * HOUR, NOW + 4.6 * HOUR) == found[:1]
    assert windows.announced(FIREWALL, "tcp", "tcp/x", NOW + 6 * HOUR, NOW + 7 * HOUR) == []


def test_a_window_of_something_else_is_none_of_ours() -> None:
    windows = Windows(estate(FIREWALL), [window("MNT-1", 0, 2, selector=Selector(targets=("fw-z",)))])

    assert asked(windows, 0, 2) == []
