"""What a user would run instead, as processes of Debian's packages, and a client that asks them as Prometheus would."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.recordings.recording import Recorded
from checks.transports.snmp.tags import TAG_ADDRESS, TAG_OCTETS, TAG_OID
from testbeds.peers import find, free_port
from tests.benchmarks.estates import TEN
from tests.benchmarks.figures import Void
from tests.benchmarks.meter import children_cpu_of, cpu_of
from tests.benchmarks.world import own_network

_CLIENTS = 8


class PeerMissing(Exception):
    """The program is not installed; the message names Debian's package."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer and the paths that make it probe, one per target."""

    process: int
    port: int
    paths: Sequence[str]
    sign: bytes
    """What an answer holds when the probe went well."""

    def cpu(self) -> float:
        return cpu_of(self.process) + children_cpu_of(self.process)


class Asker:
    """Asks a peer at a steady rate from a few kept-alive connections until the block ends; counts the answers."""

    def __init__(self, peer: Peer, rate: float) -> None:
        self._peer = peer
        self._between = _CLIENTS / rate
        self._stop = threading.Event()
        self._asked = [0] * _CLIENTS
        self._failed = [0] * _CLIENTS
        self._threads = [threading.Thread(target=self._ask, args=(number,), daemon=True) for number in range(_CLIENTS)]

    def __enter__(self) -> Asker:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    @property
    def asked(self) -> int:
        """Answers so far. Raises Void when the peer's own probes fail: its figure would mean nothing."""
        if sum(self._failed) > 0.01 * sum(self._asked) + 3:
            raise Void(f"the peer's probes fail: {self._peer.paths[0]}")
        return sum(self._asked)

    def _ask(self, number: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", self._peer.port, timeout=10)
        due = time.monotonic() + self._between * number / _CLIENTS
        turn = number
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            link.request("GET", self._peer.paths[turn % len(self._peer.paths)])
            if self._peer.sign not in link.getresponse().read():
                self._failed[number] += 1
            self._asked[number] += 1
            turn += _CLIENTS
            due += self._between


@contextlib.contextmanager
def snmpd() -> Iterator[int]:
    """A real agent of net-snmp; gives its port. In a network of our own it has every address of loopback."""
    port = free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory() as scratch:
        configuration = Path(scratch) / "snmpd.conf"
        configuration.write_text("rocommunity public 127.0.0.0/8\n")
        where = "0.0.0.0" if own_network() else "127.0.0.1"
        command = ["-C", "-c", str(configuration), "-Lo", "-f", "-p", f"{scratch}/pid", f"udp:{where}:{port}"]
        with _running("snmpd", "snmpd", *command):
            time.sleep(1.0)
            yield port


@contextlib.contextmanager
def snmp_exporter(targets: Sequence[str]) -> Iterator[Peer]:
    """snmp_exporter with a module of the same ten objects."""
    port = free_port()
    lines = [
        "ten:", f"  get: [{', '.join(TEN.values())}]", "  version: 2", "  auth: {community: public}", "  metrics:",
        *(f"    - {{name: {name}, oid: {oid.removesuffix('.0')}, type: gauge, help: x}}" for name, oid in TEN.items()),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        configuration = Path(scratch) / "snmp.yml"
        configuration.write_text("\n".join(lines) + "\n")
        options = (f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}")
        with _running("prometheus-snmp-exporter", "prometheus-snmp-exporter", *options) as process:
            _wait_for(port)
            yield Peer(process, port, [f"/snmp?target={target}&module=ten" for target in targets], b"\nprocesses ")


@contextlib.contextmanager
def snmp_exporter_of(device: Mapping[str, Recorded], targets: Sequence[str]) -> Iterator[Peer]:
    """snmp_exporter with a module of the same scalars, and the same columns as subtrees, as its generator has it."""
    port = free_port()
    scalars = [oid for oid in device if oid.endswith(".0")]
    columns = list(dict.fromkeys(oid.rpartition(".")[0] for oid in device if not oid.endswith(".0")))
    lines = [
        "device:", f"  walk: [{', '.join(columns)}]", f"  get: [{', '.join(scalars)}]", "  version: 2",
        "  auth: {community: public}", "  metrics:",
    ]  # fmt: skip
    for number, (oid, recorded) in enumerate((oid, device[oid]) for oid in scalars):
        lines.append(
            f"    - {{name: scalar{number}, oid: {oid.removesuffix('.0')}, type: {_typed(recorded)}, help: x}}"
        )
    index = "indexes: [{labelname: index, type: gauge}]"
    for number, column in enumerate(columns):
        recorded = next(device[oid] for oid in device if oid.startswith(f"{column}."))
        lines.append(f"    - {{name: column{number}, oid: {column}, type: {_typed(recorded)}, help: x, {index}}}")
    with tempfile.TemporaryDirectory() as scratch:
        configuration = Path(scratch) / "snmp.yml"
        configuration.write_text("\n".join(lines) + "\n")
        options = (f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}")
        with _running("prometheus-snmp-exporter", "prometheus-snmp-exporter", *options) as process:
            _wait_for(port)
            yield Peer(process, port, [f"/snmp?target={target}&module=device" for target in targets], b"\ncolumn0")


def _typed(recorded: Recorded) -> str:
    if recorded.tag in (TAG_OCTETS, TAG_OID):
        return "DisplayString"
    return "InetAddressIPv4" if recorded.tag == TAG_ADDRESS else "gauge"


@contextlib.contextmanager
def blackbox_exporter(module: str, targets: Sequence[str], modules: str = "") -> Iterator[Peer]:
    """blackbox_exporter; `module` is tcp, icmp, or one of `modules`, which are lines of its configuration."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        configuration = Path(scratch) / "blackbox.yml"
        configuration.write_text(
            "modules:\n  tcp: {prober: tcp, timeout: 5s}\n"
            "  icmp: {prober: icmp, timeout: 5s, icmp: {preferred_ip_protocol: ip4}}\n" + modules
        )
        options = (f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}")
        with _running("prometheus-blackbox-exporter", "prometheus-blackbox-exporter", *options) as process:
            _wait_for(port)
            yield Peer(
                process, port, [f"/probe?target={target}&module={module}" for target in targets], b"\nprobe_success 1"
            )


@contextlib.contextmanager
def tcp_service() -> Iterator[int]:
    """A service in its own process that takes connections and hangs up; gives its port."""
    port = free_port()
    where = "0.0.0.0" if own_network() else "127.0.0.1"
    code = (
        "import socket\n"
        f"listening = socket.create_server(({where!r}, {port}), backlog=1024)\n"
        "while True:\n    listening.accept()[0].close()\n"
    )
    with _running(sys.executable, "", "-c", code):
        _wait_for(port)
        yield port


@contextlib.contextmanager
def _running(program: str, package: str, *options: str) -> Iterator[int]:
    found = find(program)
    if found is None:
        raise PeerMissing(f"{program} is missing; on Debian: apt-get install {package}")
    process = subprocess.Popen([found, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise Void(f"nothing listens on port {port} after 10 s")
