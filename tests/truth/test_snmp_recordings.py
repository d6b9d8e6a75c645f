"""Recordings of real devices, played by the simulation and read by the shipped profiles: what was recorded is read.

The recordings are not part of the project; RIDGEWAY_RECORDINGS names the directory in which they lie.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from agent.demo.devices import SimulatedDevices, Typed
from checks.contract import Assessment, Context, Observation, State, Subject
from checks.network.snmp import CHECK, SnmpAnswers, SnmpOptions
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import CheckSpec, Every, MofN, Target, WakeClass
from testbeds.snmpd import community

pytestmark = pytest.mark.truth

LARGEST = 150_000
"""Octets of a recording: the simulation needs a fifth of a millisecond for each value it is asked for."""
UPTIMES = ("1.3.6.1.2.1.25.1.1.0", "1.3.6.1.2.1.1.3.0")
STATE = "1.3.6.1.2.1.2.2.1.8."
OCTETS = "1.3.6.1.2.1.31.1.1.1.6."
_TYPES = {
    "2": "integer", "4": "octets", "6": "oid", "64": "address", "65": "counter", "66": "gauge", "67": "ticks",
    "68": "opaque", "70": "counter64",
}  # fmt: skip


def recordings() -> list[Path]:
    directory = os.environ.get("RIDGEWAY_RECORDINGS")
    if not directory or not Path(directory).is_dir():
        return []
    return sorted(file for file in Path(directory).rglob("*.snmprec") if file.stat().st_size <= LARGEST)


def recorded(file: Path) -> Iterator[tuple[str, Typed]]:
    """The values of a recording (`OID|type|value`, type with `x` for hexadecimal); its oddities are left out."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        oid, _, rest = line.partition("|")
        tag, _, text = rest.partition("|")
        kind = _TYPES.get(tag.removesuffix("x"))
        if kind is None or not oid:
            continue
        try:
            if kind in ("octets", "opaque"):
                value: object = bytes.fromhex(text) if tag.endswith("x") else text.encode()
            elif kind == "address":
                value = bytes.fromhex(text) if tag.endswith("x") else text
            elif kind == "oid":
                value = text
            else:
                value = int(text)
            yield oid, (kind, value)  # type: ignore[misc]
        except ValueError:
            continue


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    class OnlySnmp:
        snmp = SnmpTransport()

    yield Context("here", cast("Transports", OnlySnmp()), time.time)
    await OnlySnmp.snmp.close()


def subject(profile: str, port: int) -> Subject:
    options = SnmpOptions(profile=profile, port=port)
    one = MofN(1, 1)
    spec = CheckSpec("d/s", "d", "s", "snmp", options, Every(60), 30, one, one, 0, 0, WakeClass.NOW, False, ("here",))
    target = Target("d", "127.0.0.1", "c", "s", ("here",), (spec,), credentials={"snmp": community()})
    return Subject("d", "c", "s", spec, (target,))


async def run(profile: str, port: int, context: Context) -> tuple[Observation, Assessment]:
    of = subject(profile, port)
    context.deadline = asyncio.get_running_loop().time() + 30
    observation = await CHECK.collect(of.targets[0], of.check.options, context)
    return observation, CHECK.assess(of, [observation], None, time.time())


def test_there_are_recordings_to_read() -> None:
    if not recordings():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")

    assert len(recordings()) > 20


@pytest.mark.parametrize("file", recordings(), ids=lambda file: file.stem)
async def test_what_was_recorded_is_read(file: Path, context: Context) -> None:
    values = dict(recorded(file))
    devices = SimulatedDevices()
    played = devices.add(file.stem, values)
    await devices.start()
    try:
        generic, said = await run("generic", played.port, context)
        interfaces, table = await run("interfaces", played.port, context)
    finally:
        await devices.stop()

    assert generic.fault is None and interfaces.fault is None
    has_uptime = any(values.get(oid, ("", 0))[0] in ("ticks", "integer", "gauge") for oid in UPTIMES)
    boots = [reading for reading in said.readings if reading.family.name == "ridgeway_boot_timestamp_seconds"]
    assert len(boots) == has_uptime
    assert {finding.state for finding in said.findings} <= {State.OK if has_uptime else State.UNKNOWN}
    assert isinstance(interfaces.answers, SnmpAnswers)
    read = interfaces.answers.rows.get(STATE[:-1], {})
    assert read == {oid.removeprefix(STATE): value for oid, (_, value) in values.items() if oid.startswith(STATE)}
    octets = sorted(r.value for r in table.readings if r.family.name == "ridgeway_interface_receive_bytes_total")
    assert octets == sorted(float(value) for oid, (_, value) in values.items() if oid.startswith(OCTETS))
    if not any(oid.startswith(("1.3.6.1.2.1.2.2.1.", "1.3.6.1.2.1.31.1.1.1.")) for oid in values):
        assert any(finding.key == "snmp/interface" and finding.state is State.UNKNOWN for finding in table.findings)
