"""The text of snmpwalk: by what Net-SNMP really prints, and by every form it has for a value."""

from __future__ import annotations

import contextlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.recordings import walktext
from checks.recordings.reading import recording
from checks.recordings.recording import Recorded, RecordingError
from checks.transports.snmp import SnmpTransport
from testbeds.peers import need
from testbeds.snmpd import community, running, soon


@pytest.mark.acceptance
@pytest.mark.parametrize("form", ["-One", "-On", "-Onx"])
async def test_what_snmpwalk_prints_of_a_real_agent_is_what_is_asked_of_it(form: str) -> None:
    transport = SnmpTransport()
    with running() as agent:
        walked = await transport.walk(agent.device(community()), "1.3.6.1.2.1.1.9", soon())
        printed = subprocess.run(
            [need("snmpwalk"), "-v2c", "-cpublic", form, "-m", "", f"127.0.0.1:{agent.port}", "1.3.6.1.2.1.1.9"],
            capture_output=True, check=True, timeout=20,
        ).stdout  # fmt: skip
    await transport.close()

    read = recording(printed, "walk.txt")

    assert {oid: recorded.value for oid, recorded in read.values.items()} == walked.values
    assert read.cut_after is None and read.oddities == ()


def test_every_form_of_a_value_is_read() -> None:
    text = [
        "$ snmpwalk -v2c -c public -On 192.0.2.1",
        ".1.3.6.1.1 = INTEGER: up(1)",
        ".1.3.6.1.2 = INTEGER: -5 seconds",
        ".1.3.6.1.3 = Counter32: 4294967295",
        ".1.3.6.1.4 = Timeticks: (12345) 0:02:03.45",
        ".1.3.6.1.5 = Timeticks: 12345",
        '.1.3.6.1.6 = STRING: "say \\"hi\\""',
        ".1.3.6.1.7 = STRING: without quotes",
        '.1.3.6.1.8 = ""',
        '.1.3.6.1.9 = STRING: "first line',
        'second line"',
        ".1.3.6.1.10 = Hex-STRING: 00 1A ",
        "FF ",
        ".1.3.6.1.11 = IpAddress: 192.0.2.7",
        ".1.3.6.1.12 = OID: .1.3.6.1.4.1.9",
        ".1.3.6.1.13 = NULL",
        ".1.3.6.1.14 = No Such Instance currently exists at this OID",
        ".1.3.6.1.15 = Wrong Type (should be INTEGER): Gauge32: 7",
        "iso.3.6.1.16 = Counter64: 18446744073709551615",
        ".1.3.6.1.17 = No more variables left in this MIB View (It is past the end of the MIB tree)",
    ]

    read = walktext.read(text)

    assert read.values == {
        "1.3.6.1.1": Recorded(2, 1), "1.3.6.1.2": Recorded(2, -5), "1.3.6.1.3": Recorded(65, 4294967295),
        "1.3.6.1.4": Recorded(67, 12345), "1.3.6.1.5": Recorded(67, 12345), "1.3.6.1.6": Recorded(4, b'say "hi"'),
        "1.3.6.1.7": Recorded(4, b"without quotes"), "1.3.6.1.8": Recorded(4, b""),
        "1.3.6.1.9": Recorded(4, b"first line\nsecond line"), "1.3.6.1.10": Recorded(4, b"\x00\x1a\xff"),
        "1.3.6.1.11": Recorded(64, "192.0.2.7"), "1.3.6.1.12": Recorded(6, "1.3.6.1.4.1.9"),
        "1.3.6.1.13": Recorded(5, None), "1.3.6.1.15": Recorded(66, 7), "1.3.6.1.16": Recorded(70, 2**64 - 1),
    }  # fmt: skip


def test_a_walk_that_broke_off_says_after_which_value() -> None:
    read = walktext.read([".1.3.6.1.2.1 = INTEGER: 1", "Timeout: No Response from 192.0.2.1"])

    assert read.cut_after == "1.3.6.1.2.1"


def test_names_in_the_place_of_numbers_are_refused_with_the_option_that_mends_it() -> None:
    with pytest.raises(RecordingError, match="snmpwalk -One"):
        recording(b"IF-MIB::ifDescr.1 = STRING: lo\n", "walk.txt")


@pytest.mark.parametrize("value", ["STRING", "Unknown: 7", "Timeticks: soon", "INTEGER: up", "IpAddress: 1.2.3", "5"])
def test_a_value_that_cannot_be_read_is_named(value: str) -> None:
    read = walktext.read([".1.3.6.1.1 = INTEGER: 1", f".1.3.6.1.2 = {value}"])

    assert list(read.values) == ["1.3.6.1.1"]
    assert read.oddities[0].startswith("line 2: ")


@given(st.lists(st.text(max_size=40) | st.sampled_from([".1.3.6.1 = Hex-STRING: 0", "iso.3 = OID: iso", '.1.3 = "'])))
def test_no_text_does_more_than_to_be_refused(lines: list[str]) -> None:
    with contextlib.suppress(RecordingError):
        walktext.read(lines)


@pytest.mark.parametrize("line", [".1.3 = " + "a " * 60_000, ".1.3 = Hex-STRING: " + "00 " * 40_000, ".1" * 60_000])
def test_a_text_made_to_be_slow_is_not(line: str) -> None:
    with contextlib.suppress(RecordingError):
        walktext.read([line])
