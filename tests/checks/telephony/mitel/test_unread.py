"""Products whose alarms cannot be read: unsupported in words, never well, and watched as any device is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.contract import State, covered
from checks.network.answers import SnmpAnswers
from checks.network.transform import Answer
from checks.telephony.mitel import MitelAnswers, MitelOptions
from checks.telephony.mitel.product import IDENTITY, profile_for
from testbeds.mitel import NOW, assessed, bad, readings, said

UNREAD = "telephony/unread"
PRODUCTS = {
    "MX-ONE": "11268.1.1", "MiVoice 5000": "416.1", "MiVoice Connect": "5329.1.2", "Office 400": "11268.7",
    "SIP-DECT": "3331.2", "3100": "1027.1.2.4", "SX-2000": "1027.1.2.2", "another of Mitel's": "1027.9.9",
}  # fmt: skip
"""What each says it is; of most nothing but the number of the enterprise is known."""
PORTS = "1.3.6.1.2.1.2.2.1"
STORES = "1.3.6.1.2.1.25.2.3.1"


def unread(object_id: str, errors: int = 0, uptime: float = 86_400, used: int = 10) -> MitelAnswers:
    """A system with two ports, one of which is down, and a disk of a hundred units."""
    plan = MitelOptions().plan_of(UNREAD)
    rows: dict[str, dict[str, Answer]] = {oid: {} for table in plan.tables for oid in table.oids}
    rows["1.3.6.1.2.1.31.1.1.1.1"] = {"1": "lan", "2": "wan"}
    rows[f"{PORTS}.7"], rows[f"{PORTS}.8"] = {"1": 1, "2": 1}, {"1": 1, "2": 2}
    rows[f"{PORTS}.14"] = {"1": errors, "2": 0}
    rows[f"{STORES}.2"], rows[f"{STORES}.3"] = {"1": "1.3.6.1.2.1.25.2.1.4"}, {"1": "/"}
    rows[f"{STORES}.5"], rows[f"{STORES}.6"] = {"1": 100}, {"1": used}
    values: dict[str, Answer] = {
        "1.3.6.1.2.1.1.1.0": "Linux", "1.3.6.1.2.1.1.2.0": f"1.3.6.1.4.1.{object_id}",
        "1.3.6.1.2.1.1.3.0": int(uptime * 100),
    }  # fmt: skip
    return MitelAnswers(UNREAD, SnmpAnswers(dict.fromkeys(plan.oids) | values, rows))


@pytest.mark.parametrize("object_id", PRODUCTS.values(), ids=PRODUCTS.keys())
def test_a_product_says_that_its_alarms_are_unsupported_and_what_else_it_tells_is_read(object_id: str) -> None:
    said_of_itself = dict.fromkeys(IDENTITY) | unread(object_id).snmp.values
    assessment = assessed(unread(object_id))

    assert profile_for(said_of_itself) == UNREAD
    assert bad(assessment) == {"mitel/alarms": State.UNSUPPORTED}
    assert "are not read" in said(assessment, "mitel/alarms")
    shown = {reading.family.name for reading in assessment.readings}
    assert {"ridgeway_boot_timestamp_seconds", "ridgeway_interface_state", "ridgeway_disk_used_ratio"} <= shown
    assert not any(name.startswith(("system_level", "alarm_level")) for name, *_ in readings(assessment))


def test_a_full_disk_and_errors_of_a_port_are_findings_of_such_a_product_too() -> None:
    first = assessed(unread("11268.1"))
    second = assessed(unread("11268.1", errors=6_000, uptime=86_460, used=98), first.memory, NOW + 60)

    assert bad(second) == {
        "mitel/alarms": State.UNSUPPORTED, "mitel/errors_in/lan": State.WARNING, "mitel/disk_used//": State.CRITICAL,
    }  # fmt: skip


def test_one_that_has_neither_ports_nor_disks_to_tell_of_is_no_worse_for_it() -> None:
    answers = unread("3331.2")
    bare = replace(answers, snmp=replace(answers.snmp, rows={oid: {} for oid in answers.snmp.rows}))

    assessment = assessed(bare)

    assert bad(assessment) == {"mitel/alarms": State.UNSUPPORTED}
    assert covered(assessment.may_go, "mitel/disk_used//")
