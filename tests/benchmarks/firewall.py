"""What a firewall costs: a poll of sixty values beside snmp_exporter, the datagrams of a quick one, 500 firewalls, and
the replay of every recording.

The device is a FortiGate of a pair, played by a lean agent of the tests in a process of its own. For
the poll of sixty values everything of the shipped profile is asked at every run, as the peer asks it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from checks.recordings.recording import Recorded
from checks.transports.snmp.tags import (
    TAG_ADDRESS,
    TAG_COUNTER64,
    TAG_GAUGE,
    TAG_INTEGER,
    TAG_OCTETS,
    TAG_OID,
    TAG_TICKS,
)
from config.profiles import SHIPPED
from testbeds.peers import free_port
from tests.benchmarks import estates, peer
from tests.benchmarks.cost import Pace, scraped, windows
from tests.benchmarks.figures import Figure, at_most, not_measured
from tests.benchmarks.meter import agent, settle

FORTI = "1.3.6.1.4.1.12356.101"
MANY, SHARE = 500, 3.0
BOUND, STRETCH = 0.8, 0.5
_QUICK = Pace(20, 1.0, 2, 3.0)
_FULL = Pace(200, 2.0, 5, 8.0)
_DATAGRAMS = 8
_REPLAY_SECONDS = 60.0


def device() -> dict[str, Recorded]:
    """The FortiGate: 60 values that the profile has a use for, and the texts that name them."""
    number, text, gauge = TAG_INTEGER, TAG_OCTETS, TAG_GAUGE
    values: dict[str, tuple[int, int | str | bytes]] = {
        "1.3.6.1.2.1.1.1.0": (text, b"a firewall"), "1.3.6.1.2.1.1.2.0": (TAG_OID, f"{FORTI}.1.644"),
        "1.3.6.1.2.1.1.3.0": (TAG_TICKS, 864_000), "1.3.6.1.2.1.1.5.0": (text, b"fw-1"),
        "1.3.6.1.4.1.12356.100.1.1.1.0": (text, b"FGT60F1"), f"{FORTI}.4.1.1.0": (text, b"v7.2.10"),
        f"{FORTI}.4.1.3.0": (gauge, 12), f"{FORTI}.4.1.4.0": (gauge, 50), f"{FORTI}.4.1.6.0": (gauge, 200),
        f"{FORTI}.4.1.7.0": (gauge, 9_000), f"{FORTI}.4.1.8.0": (gauge, 4_321), f"{FORTI}.4.1.11.0": (gauge, 17),
        f"{FORTI}.4.1.20.0": (TAG_COUNTER64, 864_000), f"{FORTI}.13.1.1.0": (number, 3),
    }  # fmt: skip
    for row in (1, 2):
        member = f"{FORTI}.13.2.1.1"
        values |= {
            f"{member}.1.{row}": (number, row), f"{member}.2.{row}": (text, f"FGT60F{row}".encode()),
            f"{member}.11.{row}": (text, f"fw-{row}".encode()), f"{member}.12.{row}": (number, 1),
            f"{member}.15.{row}": (text, b"EE98"), f"{member}.16.{row}": (text, b"FGT60F1"),
        }  # fmt: skip
        values |= {
            f"1.3.6.1.2.1.31.1.1.1.1.{row}": (text, f"wan{row}".encode()), f"1.3.6.1.2.1.2.2.1.8.{row}": (number, 1),
            f"1.3.6.1.2.1.31.1.1.1.15.{row}": (gauge, 1_000), f"1.3.6.1.2.1.31.1.1.1.6.{row}": (TAG_COUNTER64, 10**12),
            f"1.3.6.1.2.1.31.1.1.1.10.{row}": (TAG_COUNTER64, 10**12),
        }  # fmt: skip
        tunnel = f"{FORTI}.12.2.2.1"
        values |= {
            f"{tunnel}.2.{row}": (text, b"site"), f"{tunnel}.3.{row}": (text, f"site{row}".encode()),
            f"{tunnel}.4.{row}": (TAG_ADDRESS, f"192.0.2.{row}"), f"{tunnel}.20.{row}": (number, 2),
        }  # fmt: skip
    for row in range(1, 6):
        sensor = f"{FORTI}.4.3.2.1"
        values |= {
            f"{sensor}.2.{row}": (text, f"CPU {row} Temperature".encode()), f"{sensor}.3.{row}": (text, b"41.5"),
            f"{sensor}.4.{row}": (number, 0),
        }  # fmt: skip
    values[f"{FORTI}.4.6.3.1.2.1.1.1"] = (text, b"FortiCare")
    return {oid: Recorded(tag, value) for oid, (tag, value) in values.items()}


def measure(quick: bool) -> Iterable[Figure]:
    """Every figure of the issue's list that concerns one member."""
    with playing() as port:
        yield _beside_the_peer(_QUICK if quick else _FULL, port)
        yield at_most("quick poll of one member", asyncio.run(_datagrams()), "datagrams", _DATAGRAMS)
        yield _many(20 if quick else MANY, 5.0 if quick else 60.0, port)
    yield _replayed()


def _beside_the_peer(pace: Pace, port: int) -> Figure:
    name = f"CPU per FortiGate poll of {len(device())} values, {pace.rate:,.0f} a second"
    hosts = [f"127.0.0.1:{port}"]
    options = f"profile: bench/fortigate, port: {port}, every: {pace.every:g}s"
    with tempfile.TemporaryDirectory() as directory:
        _unhurried(Path(directory))
        estate = estates.firewalls(pace.targets, options)
        try:
            with (
                peer.snmp_exporter_of(device(), hosts) as other,
                agent(estate, profiles=Path(directory)) as one,
                peer.Asker(other, pace.rate) as asker,
            ):
                settle(one, "firewall", 2 * pace.targets)
                ours, theirs, ran, asked = windows(one, "firewall", other, asker, pace)
        except peer.PeerMissing as error:
            return not_measured(name, "µs", f"≤ {BOUND} × peer", str(error))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    ratio, time_ = statistics.median(ratios), pace.windows * pace.seconds
    note = (
        f"ratio {min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} windows, stretch {STRETCH}; "
        f"{ran / time_:.0f} and {asked / time_:.0f} polls/s"
    )
    return Figure(
        name, statistics.median(ours), "µs", f"≤ {BOUND} × peer", "snmp_exporter", statistics.median(theirs), ratio,
        ratio <= BOUND, note,
    )  # fmt: skip


def _many(targets: int, every: float, port: int) -> Figure:
    """The share of a core that so many firewalls take at their own pace."""
    with agent(estates.firewalls(targets, f"port: {port}, every: {every:g}s")) as one, scraped(one):
        settle(one, "firewall", targets)
        cpu, began = one.cpu(), time.monotonic()
        time.sleep(every)
        share = (one.cpu() - cpu) / (time.monotonic() - began) * 100
    name = f"{targets} firewalls, quick poll every {every:g} s"
    return at_most(name, share, "% of a core", SHARE, note="the agent's whole CPU, its idle share included")


async def _datagrams() -> float:
    from checks.transports.snmp import SnmpTransport
    from testbeds.fortigate import Watched
    from testbeds.player import Player

    player, snmp = Player(device()), SnmpTransport()
    await player.start()
    try:
        watched = Watched(player, snmp)  # type: ignore[arg-type]
        await watched.observed()
        before = player.questions
        watched.clock.now += 60
        await watched.observed()
        return float(2 * (player.questions - before))
    finally:
        await snmp.close()
        await player.stop()


def _replayed() -> Figure:
    from testbeds.firewalls import files, moment, name_of, replayed

    if not files():
        return not_measured(
            "all recordings of firewalls replayed", "s", f"≤ {_REPLAY_SECONDS:g} s", "RIDGEWAY_RECORDINGS names none"
        )
    began = time.monotonic()
    for file in files():
        replayed(file, moment(name_of(file)))
    return at_most(
        "all recordings of firewalls replayed", time.monotonic() - began, "s", _REPLAY_SECONDS,
        note=f"{len(files())} of them, one with 454,490 values",
    )  # fmt: skip


def _unhurried(directory: Path) -> None:
    """The shipped profile with everything asked at every run."""
    (directory / "bench").mkdir(parents=True)
    for name in ("common", "fortigate"):
        text = (SHIPPED / "firewall" / f"{name}.yaml").read_text(encoding="utf-8")
        text = re.sub(r",? *read: (slowly|daily)(?=[,}])|^ *read: (slowly|daily)\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"^match:\n(  .*\n)+", "", text, flags=re.MULTILINE)
        text = re.sub(r"^also:.*\n", "", text, flags=re.MULTILINE)
        (directory / "bench" / f"{name}.yaml").write_text(text.replace("firewall/", "bench/"), encoding="utf-8")


@contextlib.contextmanager
def playing() -> Iterator[int]:
    """The device in a process of its own; gives its port."""
    port = free_port(socket.SOCK_DGRAM)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, ("tests", os.environ.get("PYTHONPATH"))))}
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.firewall", str(port)], env=environment)
    try:
        time.sleep(2.0)
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def _play(port: int) -> None:
    from testbeds.player import Player

    await Player(device()).start(port=port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_play(int(sys.argv[1])))
