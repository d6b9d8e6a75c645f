"""Every field of every record comes back from the ledger as it was."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import count
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.ledger import codec
from agent.ledger.batch import Batch, MaintenanceWindow
from agent.ledger.jsontext import dumps, plain
from agent.ledger.ledger import Ledger
from agent.records import Acknowledgement, Alert, Cause, Incident, IncidentChange, IncidentState, RoutedDesk
from checks.contract import Assessment, Family, Finding, Memory, Reading, State
from config.estate import MofN, Selector
from testbeds import kept

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=40)
NAME = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
TIME = st.floats(0, 4e9)
EVIDENCE = st.dictionaries(NAME, TEXT, max_size=3)
CAUSE = st.builds(Cause, NAME, NAME, NAME)
WINDOW = st.builds(MofN, st.integers(1, 32), st.integers(1, 32))
HISTORY = st.integers(0, 2**32 - 1)
COUNT = st.integers(0, 2**31 - 1)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    float: TIME,
    int: COUNT,
    str | None: st.none() | TEXT,
    float | None: st.none() | TIME,
}
"""What the columns of both databases hold."""
NUMBERS = count()


def _every_field(shape: type[Any], **given_fields: Any) -> st.SearchStrategy[Any]:
    """All fields, also those with defaults and those that are added later: inferred from their types."""
    hints = get_type_hints(shape)
    inferred = {name: PLAIN.get(hint, ...) for name, hint in hints.items() if name not in given_fields}
    return st.builds(shape, **inferred, **given_fields)


ALERTS = _every_field(
    Alert,
    cause=CAUSE,
    evidence=EVIDENCE,
    history=HISTORY,
    open_after=WINDOW,
    clear_after=WINDOW,
    suppressed_by=st.none() | CAUSE,
)
INCIDENTS = _every_field(
    Incident,
    cause=CAUSE,
    evidence=EVIDENCE,
    title=NAME,
    acknowledged=st.none() | _every_field(Acknowledgement),
    suppressed_by=st.none() | CAUSE,
    desks=st.lists(_every_field(RoutedDesk), max_size=3).map(tuple),
)
FAMILY = _every_field(Family, name=NAME, labels=st.lists(NAME, max_size=3).map(tuple))
READING = st.builds(
    Reading, FAMILY, st.floats(allow_nan=False, allow_infinity=True), st.lists(TEXT, max_size=3).map(tuple)
)
ASSESSMENTS = st.builds(
    Assessment,
    findings=st.lists(_every_field(Finding, evidence=EVIDENCE), max_size=4).map(tuple),
    readings=st.lists(READING, max_size=4, unique_by=lambda reading: reading.family.name).map(tuple),
    covers=st.frozensets(TEXT, max_size=3),
    may_go=st.frozensets(TEXT, max_size=3),
)


@settings(deadline=None)
@given(ALERTS)
def test_an_alert_comes_back_with_every_field(alert: Alert) -> None:
    row = codec.alert_row(alert)

    assert codec.alert_of(_as_stored(row)) == alert


@settings(deadline=None)
@given(INCIDENTS)
def test_an_incident_comes_back_with_every_field(incident: Incident) -> None:
    row = codec.incident_row(incident)

    assert codec.incident_of(_as_stored(row)) == incident


@settings(deadline=None)
@given(ASSESSMENTS)
def test_an_assessment_comes_back_with_its_readings_and_their_families(assessment: Assessment) -> None:
    families = {reading.family.name: reading.family for reading in assessment.readings}
    stored = {name: codec.family_of(_as_stored(codec.family_row(family))) for name, family in families.items()}

    again = codec.assessment_of(codec.assessment_bytes(assessment), stored)

    assert again == assessment


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alert=ALERTS, incident=INCIDENTS, assessment=ASSESSMENTS, memory=st.none() | st.builds(Memory, COUNT, TEXT))
def test_the_database_gives_back_what_it_was_given(
    ledger: Ledger, alert: Alert, incident: Incident, assessment: Assessment, memory: Memory | None
) -> None:
    incident = replace(incident, id=f"RWY-{incident.cause.digest}", title=incident.title[:50])
    record = kept.check_record(f"check/{next(NUMBERS)}", assessment=assessment, memory=memory)
    batch = Batch(alerts=(alert,), incident_changes=(IncidentChange(incident),), checks=(record,))

    ledger.writer.submit(batch).result(30)

    state = ledger.load(0.0)
    assert replace(state.alerts[alert.cause], last_result=alert.last_result, fresh_until=alert.fresh_until) == alert
    file = ledger.reader.incident(incident.id)
    assert file is not None
    assert file.incident == incident
    assert state.checks[record.check_id, "hemel"] == record
    ended = replace(incident, state=IncidentState.CLOSED)
    ledger.writer.submit(Batch(incident_changes=(IncidentChange(ended),), alerts_gone=(alert.cause,))).result(30)


def test_a_value_that_is_not_a_number_stays_one() -> None:
    assessment = Assessment((), (Reading(kept.MEMORY, math.nan),))

    again = codec.assessment_of(codec.assessment_bytes(assessment), {kept.MEMORY.name: kept.MEMORY})

    assert math.isnan(again.readings[0].value)


def test_a_reading_whose_family_is_not_kept_is_absent() -> None:
    body = codec.assessment_bytes(kept.assessment())

    again = codec.assessment_of(body, {})

    assert again.readings == ()
    assert again.findings == kept.assessment().findings


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\udfff and \ud83d", "é\udc80"])
def test_characters_that_no_database_takes_are_replaced_and_refuse_nothing(ledger: Ledger, text: str) -> None:
    change = kept.opening()
    hostile = replace(change.incident, title=text, summary=text, evidence={text: text})
    finding = Finding("snmp/x", State.OK, text, {"value": text})
    record = kept.check_record(assessment=Assessment((finding,)), memory=Memory(1, text))
    batch = Batch(
        alerts=(kept.alert(summary=text, evidence={"e": text}),),
        incident_changes=(IncidentChange(hostile, (kept.event(text=text),)),),
        checks=(record,),
    )

    ledger.writer.submit(batch).result(30)

    file = ledger.reader.incident("RWY-1")
    assert file is not None
    assert "\ufffd" in file.incident.title
    assert file.timeline[0].event.text == plain(text)


def test_numbers_that_json_lacks_are_kept_by_name() -> None:
    assert dumps({"a": [math.inf, math.nan, 1.5]}) == '{"a":["inf","nan",1.5]}'


def test_a_body_of_an_unknown_version_is_refused_by_name() -> None:
    row = codec.incident_row(kept.incident())
    row["body"]["v"] = 99

    with pytest.raises(codec.Unreadable, match="the incident RWY-1 has a body of version 99"):
        codec.incident_of(row)


def test_a_title_longer_than_its_column_is_cut_visibly() -> None:
    row = codec.incident_row(kept.incident(title="x" * 300))

    assert row["title"] == "x" * 199 + "…"


@settings(deadline=None)
@given(st.builds(Selector, st.lists(TEXT).map(tuple), st.lists(TEXT).map(tuple), kinds=st.lists(TEXT).map(tuple)))
def test_a_maintenance_window_comes_back_with_its_selector(selector: Selector) -> None:
    window = MaintenanceWindow("MNT-1", 1.0, 2.0, "jo", "upgrade", selector)

    assert codec.maintenance_of(_as_stored(codec.maintenance_row(window))) == window


def _as_stored(row: dict[str, Any]) -> dict[str, Any]:
    """The row after its JSON columns went to text and back."""
    return {name: json.loads(dumps(value)) if isinstance(value, dict) else value for name, value in row.items()}
