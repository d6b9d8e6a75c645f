"""What systemd hears, on a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.notify import Notifier


@dataclass
class Manager:
    """A service manager's end of the socket, and the agent's clock."""

    address: str
    inbox: socket.socket
    now: float = 100.0
    environ: dict[str, str] = field(default_factory=dict)

    def notifier(self, **environ: str) -> Notifier:
        values = {"NOTIFY_SOCKET": self.address, **environ}
        return Notifier.from_environment(values, lambda: self.now, lambda: int(self.now * 1e6), pid=42)

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self.inbox.recv(4096).decode())
            except BlockingIOError:
                return messages


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@ridgeway-test-{tmp_path.name}-{id(request)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind("\0" + address[1:] if address.startswith("@") else address)
        inbox.setblocking(False)
        yield Manager(address, inbox)


def test_ready_status_and_stopping_are_sent_as_systemd_spells_them(manager: Manager) -> None:
    notifier = manager.notifier()

    notifier.ready("212 checks,\n2 problems")
    notifier.status("212 checks")
    notifier.stopping()

    assert manager.heard() == ["READY=1\nSTATUS=212 checks, 2 problems", "STATUS=212 checks", "STOPPING=1"]


def test_a_reload_carries_the_monotonic_time_that_notify_reload_waits_for(manager: Manager) -> None:
    manager.notifier().reloading()

    assert manager.heard() == ["RELOADING=1\nMONOTONIC_USEC=100000000"]


def test_the_watchdog_is_fed_only_when_the_scheduler_moved_on(manager: Manager) -> None:
    notifier = manager.notifier(WATCHDOG_USEC="60000000")
    assert notifier.watchdog == 60

    assert notifier.progress(1) is True
    manager.now += 100
    assert notifier.progress(1) is False
    assert notifier.progress(2) is True

    assert manager.heard() == ["WATCHDOG=1", "WATCHDOG=1"]


def test_the_watchdog_is_fed_at_most_four_times_per_interval(manager: Manager) -> None:
    notifier = manager.notifier(WATCHDOG_USEC="60000000")

    for stamp in range(60):
        notifier.progress(stamp)
        manager.now += 1

    assert manager.heard() == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize("environ", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}])
def test_nobody_is_fed_when_systemd_does_not_watch_this_process(manager: Manager, environ: dict[str, str]) -> None:
    notifier = manager.notifier(**environ)

    assert notifier.progress(1) is False
    assert manager.heard() == []


def test_without_a_service_manager_every_call_does_nothing() -> None:
    notifier = Notifier.from_environment({}, lambda: 0.0, lambda: 0)

    assert [notifier.ready("x"), notifier.status("x"), notifier.reloading(), notifier.stopping()] == [False] * 4


def test_a_manager_that_went_away_does_not_stop_the_agent(manager: Manager) -> None:
    notifier = manager.notifier(WATCHDOG_USEC="60000000")
    manager.inbox.close()

    assert notifier.ready("x") is False
    assert notifier.progress(1) is False
