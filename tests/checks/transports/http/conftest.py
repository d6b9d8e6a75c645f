"""Peers that behave as no web server should, each connection by a script."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

import checks.transports.http.exchange  # noqa: F401  # now: importing requests is no part of any question's time

Script = Callable[[socket.socket], None]


class Scripted:
    """Serves every connection with the script, each in a thread, until the test is over."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.connections = 0

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listening.accept()
                self.connections += 1
                self._open.append(link)
                thread = threading.Thread(target=self._serve, args=(link,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError), link:
            self._script(link)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for link in self._open:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def scripted() -> Iterator[Callable[[Script], Scripted]]:
    """Makes servers of scripts; all are gone with the test."""
    made: list[Scripted] = []

    def make(script: Script) -> Scripted:
        made.append(Scripted(script))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """After every test no connection of ours is open, however it ended."""
    before = open_sockets()
    yield
    assert open_sockets() <= before


def open_sockets() -> set[str]:
    """Our TCP sockets of clients, by inode: those that a peer of the test accepted or listens on are its own."""
    with open("/proc/self/net/tcp") as lines:
        rows = [line.split() for line in lines][1:]
    ports = {row[1].split(":")[1] for row in rows if row[3] == "0A"}
    ours = {row[9] for row in rows if row[1].split(":")[1] not in ports and row[9] != "0"}
    held = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            held.add(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
    return {inode for inode in ours if f"socket:[{inode}]" in held}
