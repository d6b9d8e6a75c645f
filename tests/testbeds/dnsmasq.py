"""A real dnsmasq on loopback: authoritative for what it is told, and a filter for what it must not know."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbeds.peers import free_port, need, wait_until

RECORDS = (
    "--host-record=www.forum.test,192.0.2.10,2001:db8::10",
    "--address=/pool.forum.test/192.0.2.21",
    "--mx-host=forum.test,mail.forum.test,10",
    "--txt-record=forum.test,v=spf1 mx -all",
    "--srv-host=_sip._udp.forum.test,sip.forum.test,5060,0,5",
    "--host-record=sip.forum.test,192.0.2.30",
    "--cname=alias.forum.test,www.forum.test",
    "--ptr-record=10.2.0.192.in-addr.arpa,www.forum.test",
    "--address=/blocked.test/",
    *(f"--txt-record=long.forum.test,{letter * 200}" for letter in "abcdefghij"),
)
"""What the tests know of; `blocked.test` and all below it does not exist for this server."""


@dataclass(slots=True)
class Dnsmasq:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int

    def freeze(self) -> None:
        """From now on it takes questions and answers none."""
        self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """From now on nobody listens there."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(records: Sequence[str] = RECORDS) -> Iterator[Dnsmasq]:
    """A server with these records, without a file, a forwarder or a cache."""
    process, port = _started(records)
    server = Dnsmasq(process, port)
    try:
        yield server
    finally:
        server.stop()


def _started(records: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):
        port = free_port()
        command = [
            str(need("dnsmasq")), "--keep-in-foreground", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
            "--no-hosts", "--no-poll", "--user=root", f"--port={port}", "--listen-address=127.0.0.1",
            "--bind-interfaces", "--pid-file=", "--local=/test/", "--cache-size=0", *records,
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: process.poll() is not None or _listens(port), "dnsmasq listens")  # noqa: B023 - at once
        if process.poll() is None:
            return process, port
    raise AssertionError("dnsmasq ended at once, five times: was another quicker at each port?")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
