"""What answers mean by a profile. Pure: every case is a few values in and the findings out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import Assessment, Finding, Memory, State, covered
from checks.network.answers import SnmpAnswers
from checks.network.judgement import assessed
from checks.network.note import unpacked
from checks.network.plan import Override, Plan, PlanError, compiled
from checks.network.transform import Answer
from config.profiles import Limit, ProfileModel

AT = 1_700_000_000.0
UPTIME = "1.3.6.1.2.1.1.3.0"


def plan(values: Mapping[str, Any] | None = None, tables: Mapping[str, Any] | None = None, **options: Any) -> Plan:
    """A profile written as the YAML would say it; titles are the names unless given."""
    profile = {
        "profile": "test",
        "title": "test",
        "source": "this test",
        "values": {name: {"title": name} | value for name, value in (values or {}).items()},
        "tables": {
            name: {"title": name} | table | {"columns": {c: {"title": c} | v for c, v in table["columns"].items()}}
            for name, table in (tables or {}).items()
        },
    }
    return compiled(ProfileModel.model_validate(profile), options.get("thresholds", {}), options.get("rows", {}))


def judge(of: Plan, values: Mapping[str, Answer] | None = None, **more: Any) -> Assessment:
    answers = SnmpAnswers(dict(values or {}), more.get("table", {}), more.get("errors", []), more.get("cut", []))
    return assessed(
        of,
        answers,
        more.get("whole", True),
        more.get("memory"),
        more.get("at", AT),
        more.get("may_be_empty", frozenset()),
    )


def states(assessment: Assessment) -> dict[str, State]:
    return {finding.key: finding.state for finding in assessment.findings}


def only(assessment: Assessment) -> Finding:
    (finding,) = assessment.findings
    return finding


MEMORY = {
    "memory": {
        "oid": "1.3.6.1.4.1.1.0", "scale": 0.01, "title": "memory in use",
        "warning": {"above": 0.8}, "critical": {"above": 0.9},
        "metric": {"name": "ridgeway_memory_used_ratio", "help": "m", "unit": "ratio"},
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "state"),
    [(0, State.OK), (80, State.OK), (81, State.WARNING), (90, State.WARNING), (91, State.CRITICAL)],
)
def test_a_limit_is_exclusive_and_the_worse_one_counts(raw: int, state: State) -> None:
    finding = only(judge(plan(MEMORY), {"1.3.6.1.4.1.1.0": raw}))

    assert (finding.key, finding.state) == ("snmp/memory", state)


def test_a_bad_value_says_what_it_is_and_where_the_limit_lies() -> None:
    finding = only(judge(plan(MEMORY), {"1.3.6.1.4.1.1.0": 97}))

    assert finding.summary == "memory in use: 97.0 %, above 90.0 %"
    assert finding.evidence == {"value": "97.0 %", "oid": "1.3.6.1.4.1.1.0"}


def test_a_value_that_is_well_costs_no_new_finding() -> None:
    of = plan(MEMORY)

    first = only(judge(of, {"1.3.6.1.4.1.1.0": 10}))
    second = only(judge(of, {"1.3.6.1.4.1.1.0": 20}))

    assert first is second


def test_the_estate_may_set_other_limits() -> None:
    of = plan(MEMORY, thresholds={"memory": Override(critical=Limit(above=0.5))})

    assert only(judge(of, {"1.3.6.1.4.1.1.0": 60})).state is State.CRITICAL


@pytest.mark.parametrize("raw", ["97", "much", "0xff"])
def test_text_where_a_number_belongs_is_unknown_and_no_reading(raw: str) -> None:
    assessment = judge(plan(MEMORY), {"1.3.6.1.4.1.1.0": raw})

    assert only(assessment).state is State.UNKNOWN
    assert assessment.readings == ()


def test_a_required_value_that_is_absent_is_unknown() -> None:
    assessment = judge(plan(MEMORY), {"1.3.6.1.4.1.1.0": None})

    assert states(assessment)["snmp/memory"] is State.UNKNOWN
    assert assessment.readings == ()


def test_a_value_that_was_not_answered_keeps_its_state() -> None:
    assessment = judge(plan(MEMORY), {}, whole=False)

    assert assessment.findings == ()
    assert not covered(assessment.covers, "snmp/memory")


def test_a_value_answered_with_an_error_is_unknown() -> None:
    assessment = judge(plan(MEMORY), {}, errors=["1.3.6.1.4.1.1.0"])

    assert states(assessment)["snmp/memory"] is State.UNKNOWN
    assert covered(assessment.covers, "snmp/memory")


def test_what_is_not_required_may_be_absent_silently() -> None:
    of = plan(MEMORY | {"fan": {"oid": "1.3.6.1.4.1.2.0", "required": False, "warning": {"below": 100}}})

    assessment = judge(of, {"1.3.6.1.4.1.1.0": 10, "1.3.6.1.4.1.2.0": None})

    assert states(assessment) == {"snmp/memory": State.OK}
    assert "snmp/fan" in assessment.covers and "snmp/fan" in assessment.may_go


def test_a_device_that_answers_nothing_of_its_profile_is_the_wrong_product() -> None:
    of = plan({"fan": {"oid": "1.3.6.1.4.1.2.0", "required": False}})

    finding = only(judge(of, {"1.3.6.1.4.1.2.0": None}))

    assert (finding.key, finding.state) == ("snmp/profile", State.UNKNOWN)


ENUM = {
    "mode": {
        "oid": "1.3.6.1.4.1.3.0",
        "enum": {
            1: {"name": "active"},
            2: {"name": "standby", "state": "warning"},
            9: {"name": "lost", "state": "critical"},
        },
        "no_value": [0],
        "not_known": [7],
    }
}


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (1, State.OK), (2, State.WARNING), (9, State.CRITICAL), (3, State.UNKNOWN), (-1, State.UNKNOWN),
        ("1", State.UNKNOWN), (7, State.UNKNOWN), (None, State.UNKNOWN),
    ],
)  # fmt: skip
def test_an_enumeration_knows_what_it_lists_and_nothing_else(raw: Answer, state: State) -> None:
    assert states(judge(plan(ENUM), {"1.3.6.1.4.1.3.0": raw}))["snmp/mode"] is state


def test_an_unlisted_value_is_shown_raw() -> None:
    finding = only(judge(plan(ENUM), {"1.3.6.1.4.1.3.0": 42}))

    assert "42" in finding.summary and finding.evidence["value"] == "42"


def test_a_sentinel_for_none_makes_neither_finding_nor_reading_and_may_go() -> None:
    assessment = judge(plan(ENUM | MEMORY), {"1.3.6.1.4.1.3.0": 0, "1.3.6.1.4.1.1.0": 1})

    assert "snmp/mode" not in states(assessment)
    assert covered(assessment.may_go, "snmp/mode")


RATIO = {
    "used": {"oid": "1.3.6.1.4.1.4.0"},
    "limit_of": {"oid": "1.3.6.1.4.1.5.0"},
    "sessions": {"ratio": {"of": ["used"], "to": "limit_of", "zero": "none"}, "critical": {"above": 0.9}},
}


@pytest.mark.parametrize(
    ("used", "limit", "state"),
    [(10, 100, State.OK), (95, 100, State.CRITICAL), (0, 100, State.OK), (95, 0, None), ("x", 100, State.UNKNOWN)],
)
def test_a_ratio_of_two_values(used: Answer, limit: Answer, state: State | None) -> None:
    found = states(judge(plan(RATIO), {"1.3.6.1.4.1.4.0": used, "1.3.6.1.4.1.5.0": limit}))

    assert found.get("snmp/sessions") is state


def test_a_ratio_of_what_was_not_read_is_not_covered() -> None:
    assessment = judge(plan(RATIO), {"1.3.6.1.4.1.5.0": 100}, whole=False)

    assert "snmp/sessions" not in states(assessment)
    assert not covered(assessment.covers, "snmp/sessions")


BOOT = {
    "boot": {
        "oid": "1.3.6.1.2.1.25.1.1.0", "or_else": [UPTIME], "transform": "boot_time",
        "metric": {"name": "ridgeway_boot_timestamp_seconds", "help": "b", "unit": "seconds"},
    }
}  # fmt: skip


def boot_of(assessment: Assessment) -> float:
    (reading,) = assessment.readings
    return reading.value


def test_a_start_time_does_not_tremble_and_writes_its_note_once() -> None:
    of = plan(BOOT)
    first = judge(of, {UPTIME: 100_000, "1.3.6.1.2.1.25.1.1.0": None})
    second = judge(of, {UPTIME: 106_080, "1.3.6.1.2.1.25.1.1.0": None}, at=AT + 61.7, memory=first.memory)

    assert boot_of(first) == boot_of(second) == AT - 1000
    assert first.memory is not None and second.memory is None


def test_the_host_s_own_uptime_goes_before_its_agent_s() -> None:
    assessment = judge(plan(BOOT), {UPTIME: 100, "1.3.6.1.2.1.25.1.1.0": 100_000})

    assert boot_of(assessment) == AT - 1000


def test_a_restart_is_a_new_start_time_and_a_wrapped_uptime_is_not() -> None:
    of = plan(BOOT)
    near_wrap = 2**32 - 3000
    no_host = {"1.3.6.1.2.1.25.1.1.0": None}
    before = judge(of, no_host | {UPTIME: near_wrap})
    wrapped = judge(of, no_host | {UPTIME: 3000}, at=AT + 60, memory=before.memory)
    restarted = judge(of, no_host | {UPTIME: 3000}, at=AT + 86_400, memory=before.memory)

    assert boot_of(wrapped) == boot_of(before)
    assert boot_of(restarted) == AT + 86_400 - 30


RATE = {"errors": {"oid": "1.3.6.1.4.1.6.0", "per_second": 32, "warning": {"above": 10}}}


def rate_state(first: int, then: int, *, uptimes: tuple[int, int] = (500_000, 506_000)) -> State | None:
    of = plan(RATE)
    before = judge(of, {"1.3.6.1.4.1.6.0": first, UPTIME: uptimes[0]})
    after = judge(of, {"1.3.6.1.4.1.6.0": then, UPTIME: uptimes[1]}, at=AT + 60, memory=before.memory)
    return states(after).get("snmp/errors")


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [
        (0, 600, State.OK),
        (0, 601, State.WARNING),
        (2**32 - 100, 200, State.OK),
        (2**32 - 100, 1000, State.WARNING),
        (1000, 10, None),
    ],
    ids=["at-limit", "above", "wrapped", "wrapped-above", "reset"],
)
def test_a_counter_is_judged_by_its_growth_through_a_wrap(first: int, then: int, state: State | None) -> None:
    assert rate_state(first, then) is state


def test_a_counter_says_nothing_across_a_restart() -> None:
    assert rate_state(2**32 - 100, 200, uptimes=(500_000, 100)) is None


def test_a_counter_seen_once_says_nothing_and_is_not_covered() -> None:
    assessment = judge(plan(RATE), {"1.3.6.1.4.1.6.0": 5, UPTIME: 100})

    assert assessment.findings == ()
    assert not covered(assessment.covers, "snmp/errors")


PORTS = {
    "port": {
        "label": "name",
        "label_name": "interface",
        "columns": {
            "name": {"oid": "1.3.6.1.9.1", "transform": "text", "required": False},
            "admin": {"oid": "1.3.6.1.9.2", "enum": {1: {"name": "up"}, 2: {"name": "down"}}, "required": False},
            "link": {
                "oid": "1.3.6.1.9.3",
                "enum": {1: {"name": "up"}, 2: {"name": "down", "state": "critical"}},
                "judge_where": {"column": "admin", "among": ["up"]},
            },
        },
    }
}


def ports(*rows: tuple[str, Answer, Answer, Answer]) -> dict[str, dict[str, Answer]]:
    return {
        "1.3.6.1.9.1": {index: name for index, name, _, _ in rows},
        "1.3.6.1.9.2": {index: admin for index, _, admin, _ in rows},
        "1.3.6.1.9.3": {index: link for index, _, _, link in rows},
    }


def test_rows_are_judged_by_label_and_only_where_they_are_wanted_up() -> None:
    table = ports(("1", "wan1", 1, 2), ("2", "lan", 1, 1), ("3", "spare", 2, 2))

    assessment = judge(plan(tables=PORTS), table=table)

    links = {key: state for key, state in states(assessment).items() if key.startswith("link/")}
    assert links == {"link/wan1": State.CRITICAL, "link/lan": State.OK}
    assert covered(assessment.may_go, "link/spare")
    assert not covered(assessment.may_go, "link/lan")
    assert covered(assessment.covers, "link/gone-since")


def test_a_row_whose_condition_cannot_be_read_is_judged() -> None:
    table = ports(("1", "wan1", 77, 2), ("2", "wan2", None, 2))

    assert states(judge(plan(tables=PORTS), table=table))["link/wan1"] is State.CRITICAL
    assert states(judge(plan(tables=PORTS), table=table))["link/wan2"] is State.CRITICAL


def test_a_missing_cell_in_a_whole_column_is_unknown() -> None:
    table = ports(("1", "wan1", 1, 1), ("2", "wan2", 1, 1))
    del table["1.3.6.1.9.3"]["2"]

    assert states(judge(plan(tables=PORTS), table=table))["link/wan2"] is State.UNKNOWN


def test_a_column_cut_short_covers_the_rows_it_has_and_no_more() -> None:
    table = ports(("1", "wan1", 1, 1), ("2", "wan2", 1, 1))
    del table["1.3.6.1.9.3"]["2"]

    assessment = judge(plan(tables=PORTS), table=table, cut=["1.3.6.1.9.3"], whole=False)

    assert states(assessment)["link/wan1"] is State.OK
    assert "link/wan2" not in states(assessment)
    assert covered(assessment.covers, "link/wan1") and not covered(assessment.covers, "link/wan2")


def test_without_its_names_no_row_of_a_table_is_judged() -> None:
    table = ports(("1", "wan1", 1, 1))

    assessment = judge(plan(tables=PORTS), table=table, cut=["1.3.6.1.9.1"], whole=False)

    assert assessment.findings == () and assessment.readings == ()
    assert not covered(assessment.covers, "link/wan1")


def test_two_rows_of_one_name_stay_two() -> None:
    table = ports(("1", "wan", 1, 1), ("2", "wan", 1, 2))

    links = {k: s for k, s in states(judge(plan(tables=PORTS), table=table)).items() if k.startswith("link/")}

    assert links == {"link/wan": State.OK, "link/wan#2": State.CRITICAL}


def test_an_empty_table_is_unknown_unless_somebody_expects_it() -> None:
    empty = ports()

    surprise = judge(plan(tables=PORTS), table=empty)
    expected = judge(plan(tables=PORTS), table=empty, may_be_empty=frozenset({"port"}))

    assert states(surprise)["snmp/port"] is State.UNKNOWN
    assert states(expected) == {"snmp/port": State.OK}


def test_a_row_the_estate_names_must_be_there_and_others_do_not_count() -> None:
    of = plan(tables=PORTS, rows={"port": ("wan1", "lan*")})

    found = states(judge(of, table=ports(("2", "lan0", 1, 2), ("3", "guest", 1, 2))))

    assert found["port/wan1"] is State.CRITICAL
    assert found["link/lan0"] is State.CRITICAL
    assert "link/guest" not in found


def test_a_misspelt_name_in_the_options_is_refused_with_the_near_one() -> None:
    with pytest.raises(PlanError, match="did you mean 'memory'"):
        plan(MEMORY, thresholds={"memroy": Override(warning=Limit(above=1))})
    with pytest.raises(PlanError, match="did you mean 'port'"):
        plan(tables=PORTS, rows={"ports": ("wan1",)})


def test_a_value_may_not_take_the_key_of_a_fault() -> None:
    with pytest.raises(PlanError, match="a fault's key"):
        plan({"limit": {"oid": "1.3.6.1.4.1.1.0"}})


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"at": "x"}', '{"at": 1, "boots": [], "uptime": 0, "counters": {}}'])
def test_a_damaged_note_is_no_note(text: str) -> None:
    assert unpacked(Memory(1, text)) is None


anything = st.one_of(st.none(), st.integers(-(2**64), 2**64), st.text(max_size=20), st.just("0xff"), st.floats())
EVERYTHING = MEMORY | ENUM | RATIO | BOOT | RATE
OIDS = sorted({oid for value in plan(EVERYTHING, PORTS).scalars for oid in value.oids} | {UPTIME})


@settings(max_examples=300, deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(OIDS), anything),
    rows=st.dictionaries(
        st.sampled_from(["1.3.6.1.9.1", "1.3.6.1.9.2", "1.3.6.1.9.3"]),
        st.dictionaries(st.sampled_from(["1", "2", "3.4"]), anything),
    ),
    cut=st.lists(st.sampled_from(["1.3.6.1.9.1", "1.3.6.1.9.2", "1.3.6.1.9.3"])),
    errors=st.lists(st.sampled_from(OIDS)),
    whole=st.booleans(),
    memory=st.one_of(st.none(), st.builds(Memory, st.just(1), st.text(max_size=60))),
)
def test_whatever_is_answered_nothing_is_ok_that_was_not_read(
    values: dict[str, Answer],
    rows: dict[str, dict[str, Answer]],
    cut: list[str],
    errors: list[str],
    whole: bool,
    memory: Memory | None,
) -> None:
    of = plan(EVERYTHING, PORTS)
    answers = SnmpAnswers(values, rows, [oid for oid in errors if oid not in values], cut)

    assessment = assessed(of, answers, whole, memory, AT, frozenset())
    again = assessed(of, answers, whole, assessment.memory or memory, AT + 60, frozenset())

    for one in (assessment, again):
        found = states(one)
        assert len(found) == len(one.findings)
        for value in of.scalars:
            if value.ratio is None and not any(values.get(oid) is not None for oid in value.oids):
                assert found.get(value.key) is not State.OK
        for key, state in found.items():
            assert covered(one.covers, key), (key, state)
        assert all(isinstance(reading.value, int | float) for reading in one.readings)
        assert one.memory is None or len(one.memory.text) < 65_536
