"""The whole page as others read it: the strict OpenMetrics parser, promtool, and any label a device can think of."""

from __future__ import annotations

import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.records import Priority
from checks.contract import Finding, Reading, State
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.prometheus.page import gzipped, pages
from testbeds.pages import FAMILIES, NOW, PACKETS, SESSIONS, TEMPERATURE, result, subject
from testbeds.peers import need


def busy() -> tuple[Exposition, OwnMetrics]:
    """An agent's page with something of every family on it."""
    exposition = Exposition(FAMILIES)
    own = OwnMetrics("0.1.0", "abcdef", exposition.counts, exposition.checks_stale)
    subjects = [subject(f"target-{number}", council=council) for number in range(3) for council in ("dacorum",)]
    exposition.configure(subjects, "forum", NOW)
    for one in subjects[:2]:
        readings = [Reading(SESSIONS, 1.0), Reading(PACKETS, 2.0), Reading(TEMPERATURE, 3.5, ('in"let\\\n',))]
        findings = [Finding("snmp/fan", State.CRITICAL, "The fan stands.")]
        exposition.update(result(one, readings, findings=findings), State.CRITICAL)
    own.config_accepted("0123", NOW, {"snmp": 3})
    own.progress(NOW)
    own.ran("snmp", 0.01, 0.2, "no-answer")
    own.skipped(1)
    own.isolated(False)
    own.loop_held(0.002)
    own.ledger(waiting=2, healthy=True, last_commit=NOW, refused=1, given_up=0, left_out=0)
    own.incidents_open(["dacorum", "shared"], {(Priority.P1, "dacorum"): 1})
    own.desks(["rt"])
    own.outbox("rt", 1, NOW - 5)
    own.desk_call("rt", "create", "done", NOW)
    own.desk_call("rt", "create", "uncertain", NOW)
    own.ticket("rt", "created")
    own.tickets_blocked("rt", 0)
    own.desk_queue("rt", "Networks", open_=4, pending=1)
    own.log_dropped(3)
    return exposition, own


async def whole(exposition: Exposition, own: OwnMetrics, *, openmetrics: bool) -> str:
    return b"".join([piece async for piece in pages(exposition, own, openmetrics=openmetrics, now=NOW)]).decode()


async def test_the_page_passes_the_strict_openmetrics_parser_and_says_where_it_ends() -> None:
    text = await whole(*busy(), openmetrics=True)

    families = {family.name: family for family in parse_openmetrics(text)}

    assert text.endswith("\n# EOF\n")
    assert families["ridgeway_target"].type == "info"
    assert families["ridgeway_test_packets"].type == "counter"
    assert families["ridgeway_check_last_run_timestamp_seconds"].unit == "seconds"
    assert families["ridgeway_build"].samples[0].labels == {"version": "0.1.0", "revision": "abcdef"}


async def test_both_formats_hold_the_same_samples() -> None:
    exposition, own = busy()
    text = await whole(exposition, own, openmetrics=False)
    openmetrics = await whole(exposition, own, openmetrics=True)

    def of(families: object) -> set[tuple[str, frozenset[tuple[str, str]], float]]:
        return {
            (sample.name, frozenset(sample.labels.items()), sample.value)
            for family in families  # type: ignore[attr-defined]
            for sample in family.samples
            if not sample.name.startswith("process_")
        }

    assert of(parse_text(text)) == of(parse_openmetrics(openmetrics))


async def test_no_sample_carries_a_timestamp() -> None:
    text = await whole(*busy(), openmetrics=False)

    assert {sample.timestamp for family in parse_text(text) for sample in family.samples} == {None}


@pytest.mark.acceptance
@pytest.mark.parametrize("openmetrics", [False])
async def test_promtool_finds_nothing_to_complain_about(openmetrics: bool) -> None:
    page = await whole(*busy(), openmetrics=openmetrics)

    done = subprocess.run(
        [need("promtool"), "check", "metrics"], input=page, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


async def test_a_compressed_page_is_the_same_page() -> None:
    exposition, own = busy()
    plain = await whole(exposition, own, openmetrics=True)

    packed = b"".join([p async for p in gzipped(pages(exposition, own, openmetrics=True, now=NOW))])

    def lines(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("process_")]

    assert lines(zlib.decompress(packed, 16 + zlib.MAX_WBITS).decode()) == lines(plain)


@given(sensor=st.text(max_size=60), value=st.floats(), counter=st.floats(), key=st.text(min_size=1, max_size=60))
def test_nothing_a_device_says_breaks_the_page_or_is_read_back_as_something_else(
    sensor: str, value: float, counter: float, key: str
) -> None:
    exposition = Exposition(FAMILIES)
    readings = [Reading(TEMPERATURE, value, (sensor,)), Reading(PACKETS, counter), Reading(SESSIONS, 7.0)]

    exposition.update(result(subject(), readings, findings=[Finding(key, State.WARNING, "")]), State.WARNING)

    text = b"".join(exposition.page(openmetrics=True, now=NOW)).decode() + "# EOF\n"
    found = {sample.name: sample for family in parse_openmetrics(text) for sample in family.samples}
    assert found["ridgeway_test_sessions"].value == 7
    shown = found.get("ridgeway_test_temperature_celsius")
    refused = exposition.counts()
    assert (shown is None) == bool(refused["label"])
    if shown is not None:
        assert shown.labels["sensor"] == sensor
        assert repr(float(shown.value)) == repr(value)
    assert ("ridgeway_test_packets_total" in found) == (not refused["value"])


async def test_a_family_stands_on_the_page_once_and_together() -> None:
    text = await whole(*busy(), openmetrics=False)

    types = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]

    assert len(types) == len(set(types))
