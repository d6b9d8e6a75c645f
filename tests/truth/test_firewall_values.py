"""What Ridgeway reads of recorded firewalls, beside what LibreNMS reads of the same: the values are the same.

A value is compared where both take it from the same object. How one becomes the other is written in `MEANS`; what is
rightly different is in `EXCEPTIONS`, each with its reason. LibreNMS says what it extracts, not whether a firewall is
well.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.firewall.options import Reader
from checks.network.answers import SnmpAnswers
from checks.network.plan import ValuePlan
from checks.network.rows import rows_of
from testbeds.firewalls import Replayed, files, folder, name_of, replayed

pytestmark = pytest.mark.truth

AT = 1_768_435_200.0
"""15 January 2026: licences and signatures are not compared here."""
ENOUGH = 0.95
MOST_EXCEPTIONS = 10

MEANS: dict[str, tuple[str, float]] = {
    "ridgeway_firewall_cpu_ratio": ("processor_usage, per cent", 100.0),
    "ridgeway_firewall_memory_used_ratio": ("mempool_perc, per cent", 100.0),
    "ridgeway_firewall_disk_used_ratio": ("storage_perc, per cent", 100.0),
    "ridgeway_firewall_sessions": ("sensor `count`", 1.0),
    "ridgeway_firewall_session_setup_rate": ("sensor `count` per second", 1.0),
    "ridgeway_firewall_sensor_celsius": ("sensor `temperature`", 1.0),
    "ridgeway_firewall_sensor_volts": ("sensor `voltage`", 1.0),
    "ridgeway_firewall_fan_rpm": ("sensor `fanspeed`", 1.0),
    "ridgeway_firewall_link_monitor_latency_seconds": ("sensor `count`, milliseconds", 1000.0),
    "ridgeway_firewall_link_monitor_loss_ratio": ("sensor `count`, per cent", 100.0),
    "ridgeway_firewall_link_monitor_up": ("sensor `state`: alive 0, dead 1", -1.0),
    "ridgeway_firewall_ha_member_in_sync": ("sensor `state`: synchronised 1", 1.0),
    "ridgeway_firewall_vpn_tunnel_up": ("sensor `state`: active 3", 3.0),
    "ridgeway_interface_up": ("ifOperStatus", 1.0),
    "ridgeway_interface_receive_bytes_total": ("ifInOctets", 1.0),
    "ridgeway_interface_transmit_bytes_total": ("ifOutOctets", 1.0),
    "ridgeway_interface_receive_errors_total": ("ifInErrors", 1.0),
    "ridgeway_interface_transmit_errors_total": ("ifOutErrors", 1.0),
}
"""By family: what of LibreNMS' means the same, and by what ours is multiplied to be compared."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("gaia_logserver", "1.3.6.1.4.1.2620.1.6.7.8.2.1.3"): (
        "A server of another maker lists duty cycles in per cent and presences as fans: no turns a minute."
    ),
}
"""By recording and object, or column: why the two rightly differ."""

_PORTS = {
    "1.3.6.1.2.1.31.1.1.1.6": "ifInOctets", "1.3.6.1.2.1.31.1.1.1.10": "ifOutOctets",
    "1.3.6.1.2.1.2.2.1.14": "ifInErrors", "1.3.6.1.2.1.2.2.1.20": "ifOutErrors",
}  # fmt: skip


def answered() -> list[Path]:
    """The recordings that have an expected answer."""
    there = folder()
    return [f for f in files() if there is not None and (there / "librenms/data" / f"{name_of(f)}.json").is_file()]


def theirs(file: Path) -> Iterator[tuple[str, float]]:
    """LibreNMS' values by object, in its own units."""
    there = folder()
    assert there is not None
    said = json.loads((there / "librenms/data" / f"{name_of(file)}.json").read_text())
    for row in _rows(said, "sensors", "sensors"):
        if row["sensor_current"] is not None:
            yield row["sensor_oid"].lstrip("."), float(row["sensor_current"])
    for row in _rows(said, "processors", "processors"):
        yield row["processor_oid"].lstrip("."), float(row.get("processor_usage") or 0)
    for row in _rows(said, "mempools", "mempools"):
        oid = row.get("mempool_perc_oid") or row.get("mempool_used_oid")
        if oid:
            yield oid.lstrip("."), float(row.get("mempool_perc") or 0)
    for row in _rows(said, "storage", "storage"):
        if row.get("storage_used_oid"):
            yield row["storage_used_oid"].lstrip("."), float(row.get("storage_perc") or 0)
    for row in _rows(said, "ports", "ports"):
        if row.get("deleted") or row.get("disabled") or row.get("ignore"):
            continue
        if row.get("ifOperStatus") in ("up", "down", "lowerLayerDown", "notPresent", "dormant"):
            yield f"1.3.6.1.2.1.2.2.1.8.{row['ifIndex']}", float(row["ifOperStatus"] == "up")
        for column, word in _PORTS.items():
            if row.get(word) is not None:
                yield f"{column}.{row['ifIndex']}", float(row[word])


def _rows(said: dict[str, Any], module: str, name: str) -> list[dict[str, Any]]:
    """A module's rows; what it polled goes before what it discovered."""
    parts = said.get(module, {})
    found = parts.get("poller") if isinstance(parts.get("poller"), dict) else parts.get("discovery")
    rows = found.get(name, []) if isinstance(found, dict) else []
    return rows if isinstance(rows, list) else []


def ours(of: Replayed) -> dict[str, tuple[str, float | None]]:
    """Our readings by the object each comes from: its family, and its value, or None where we have none."""
    reader = of.spec.options.reader_of(of.answers.profile)  # type: ignore[attr-defined]
    values = {(r.family.name, r.labels): r.value for r in of.assessment.readings}
    found: dict[str, tuple[str, float | None]] = {}
    for oid, plan, labels in _objects(reader, of.answers.snmp):
        assert plan.family is not None  # `_objects` gives no other
        found[oid] = (plan.family.name, values.get((plan.family.name, labels)))
    return found


def _objects(reader: Reader, said: SnmpAnswers) -> Iterator[tuple[str, ValuePlan, tuple[str, ...]]]:
    plan = reader.plan
    for value in plan.scalars:
        if value.family is not None:
            source = plan.by_name[value.ratio.of[0]] if value.ratio is not None else value
            yield from ((oid, value, value.labels or ()) for oid in source.oids if said.values.get(oid) is not None)
    for table in plan.tables:
        for row in rows_of(table, said).rows:
            for column in table.columns:
                if column.family is None or not all(_holds(row.said(w.column), w) for w in column.only_where):
                    continue
                source = table.by_name[column.ratio.of[0]] if column.ratio is not None else column
                labels = (row.label,)
                if column.labelled is not None:
                    labels = tuple(
                        fixed or (row.text(name)[:64] if name else row.label) for fixed, name in column.labelled
                    )
                for oid in source.oids:
                    if said.rows.get(oid, {}).get(row.index) is not None:
                        yield f"{oid}.{row.index}", column, labels


def _holds(said: object, where: Any) -> bool:
    from checks.network.raw import fits

    return said is not None and fits(where, said)


def column_of(oid: str) -> str:
    """The column of a cell whose index has two parts, as Check Point's have."""
    return oid.rsplit(".", 2)[0]


def same(family: str, mine: float, other: float) -> bool:
    """Whether two values mean the same: LibreNMS rounds per cents to whole ones."""
    factor = MEANS[family][1]
    if family == "ridgeway_firewall_link_monitor_up":
        return mine == 1 - other
    if family == "ridgeway_firewall_vpn_tunnel_up":
        return mine == float(other == factor)
    scaled = mine * factor
    return abs(scaled - other) <= (1.0 if factor == 100.0 else 0.01 * max(1.0, abs(other)) ** 0.5)


def compared() -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """How often each product's values were right, wrong or absent, and every one that was not right."""
    counts: Counter[tuple[str, str, str]] = Counter()
    wrong = []
    for file in answered():
        of = replayed(file, AT)
        if of.check.kind != "firewall":
            continue
        product, mine = of.check.name.removeprefix("firewall/"), ours(of)
        for oid, other in theirs(file):
            family, value = mine.get(oid, ("", None))
            if family not in MEANS or any((name_of(file), part) in EXCEPTIONS for part in (oid, column_of(oid))):
                continue
            verdict = "absent" if value is None else "right" if same(family, value, other) else "wrong"
            counts[product, family, verdict] += 1
            if verdict != "right":
                wrong.append(f"{name_of(file)} {oid} {family}: ours {value}, theirs {other}")
    return counts, wrong


def table(counts: Counter[tuple[str, str, str]]) -> str:
    """Product, value, and how many recordings' values were right, wrong, absent."""
    lines = [f"{'product':14} {'value':48} {'right':>6} {'wrong':>6} {'absent':>6}"]
    for product, family in sorted({(product, family) for product, family, _ in counts}):
        right, bad, absent = (counts[product, family, verdict] for verdict in ("right", "wrong", "absent"))
        lines.append(f"{product:14} {family:48} {right:6} {bad:6} {absent:6}")
    return "\n".join(lines)


def test_values_are_those_that_librenms_reads_of_the_same_objects(capsys: pytest.CaptureFixture[str]) -> None:
    if not answered():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")

    counts, wrong = compared()

    with capsys.disabled():
        print("\n" + table(counts))
        print("\n".join(wrong[:40]))
    assert sum(counts.values()) > 1_000
    for product in {product for product, _, _ in counts}:
        of_it = {verdict: sum(n for (p, _, v), n in counts.items() if p == product and v == verdict)
                 for verdict in ("right", "wrong", "absent")}  # fmt: skip
        assert of_it["right"] >= ENOUGH * sum(of_it.values()), (product, of_it)


def test_exceptions_are_few_and_each_has_a_reason() -> None:
    assert len(EXCEPTIONS) <= MOST_EXCEPTIONS
    assert all(reason for reason in EXCEPTIONS.values())
