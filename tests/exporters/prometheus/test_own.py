"""The agent's own families: what can happen is 0 before it does, what is over is gone."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.records import Priority
from exporters.prometheus.own import FOR_EVERYBODY, NOTIFICATIONS, OwnMetrics
from testbeds.pages import NOW


def made() -> OwnMetrics:
    return OwnMetrics("0.1.0", "abcdef", lambda: {"duplicate": 2}, lambda: 5)


def value(own: OwnMetrics, name: str, **labels: str) -> float | None:
    for family in parse_text(own.page(openmetrics=False).decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                found: float = sample.value
                return found
    return None


def test_a_kind_that_has_not_run_yet_counts_zero_runs() -> None:
    own = made()

    own.config_accepted("01", NOW, {"icmp": 4})

    assert value(own, "ridgeway_check_runs_total", kind="icmp") == 0
    assert value(own, "ridgeway_checks_configured", kind="icmp") == 4


def test_a_run_is_counted_by_kind_with_its_lateness_duration_and_reason() -> None:
    own = made()

    own.ran("snmp", -0.5, 0.2, None)
    own.ran("snmp", 0.2, 3.0, "no-answer")

    assert value(own, "ridgeway_check_runs_total", kind="snmp") == 2
    assert value(own, "ridgeway_check_failed_runs_total", kind="snmp", reason="no-answer") == 1
    assert value(own, "ridgeway_scheduler_lateness_seconds_sum") == 0.2
    assert value(own, "ridgeway_check_duration_seconds_bucket", kind="snmp", le="0.5") == 1


def test_every_outcome_of_a_trap_is_zero_before_the_first_comes() -> None:
    own = made()

    own.snmp_notification("prompted")

    counts = {outcome: value(own, "ridgeway_snmp_notifications_total", outcome=outcome) for outcome in NOTIFICATIONS}
    assert counts == {outcome: float(outcome == "prompted") for outcome in NOTIFICATIONS}


def test_the_oldest_wish_has_no_series_while_none_waits() -> None:
    own = made()
    own.desks(["rt"])
    own.outbox("rt", 3, NOW - 60)
    assert value(own, "ridgeway_outbox_oldest_timestamp_seconds", desk="rt") == NOW - 60

    own.outbox("rt", 0, None)

    assert value(own, "ridgeway_outbox_items", desk="rt") == 0
    assert value(own, "ridgeway_outbox_oldest_timestamp_seconds", desk="rt") is None


def test_a_desk_that_left_the_estate_leaves_the_page() -> None:
    own = made()
    own.desks(["rt", "old"])
    own.outbox("old", 2, NOW)

    own.desks(["rt"])

    assert value(own, "ridgeway_outbox_items", desk="old") is None
    assert value(own, "ridgeway_outbox_items", desk="rt") == 0


def test_every_council_shows_every_priority_and_yesterdays_counts_are_gone() -> None:
    own = made()
    own.incidents_open(["dacorum", "shared"], {(Priority.P1, "dacorum"): 2})

    own.incidents_open(["dacorum", "shared"], {(Priority.P2, "shared"): 1})

    assert value(own, "ridgeway_incidents_open", priority="P1", council="dacorum") == 0
    assert value(own, "ridgeway_incidents_open", priority="P2", council="shared") == 1


def test_a_refused_reload_shows_and_keeps_when_the_estate_in_force_was_accepted() -> None:
    own = made()
    own.config_accepted("01", NOW, {})

    own.config_refused()

    assert value(own, "ridgeway_config_last_reload_successful") == 0
    assert value(own, "ridgeway_config_last_reload_success_timestamp_seconds") == NOW
    assert value(own, "ridgeway_config_info", digest="01") == 1


def test_what_the_exposition_left_off_is_asked_at_each_scrape() -> None:
    own = made()

    assert value(own, "ridgeway_exposition_refused_series", reason="duplicate") == 2
    assert value(own, "ridgeway_checks_stale") == 5


def test_the_process_is_on_the_page_and_no_created_series_are() -> None:
    page = made().page(openmetrics=False).decode()

    assert "process_resident_memory_bytes" in page
    assert "_created" not in page


def test_every_family_on_the_page_is_declared_and_the_other_way_round() -> None:
    own = made()
    own.desks(["rt"])
    own.desk_call("rt", "create", "refused", NOW)

    on_page = {family.name for family in parse_text(own.page(openmetrics=False).decode())}

    assert {family.name.removesuffix("_total") for family in own.declared()} == on_page


def test_readers_of_some_councils_see_their_incidents_and_how_the_agent_is_and_nothing_else() -> None:
    own = made()
    own.desks(["desk-of-bierton"])
    own.credential_refusals({"key-of-bierton": 2})
    own.config_accepted("01", NOW, {"icmp": 4})
    own.incidents_open(["ashridge", "bierton", "shared"], {(Priority.P1, "ashridge"): 1, (Priority.P2, "bierton"): 2})

    page = own.page(openmetrics=False, councils=frozenset({"ashridge"})).decode()
    openmetrics = own.page(openmetrics=True, councils=frozenset({"ashridge"})).decode()

    shown = {family.name: family for family in parse_text(page)}
    assert "bierton" not in page + openmetrics
    assert {one.labels["council"] for one in shown["ridgeway_incidents_open"].samples} == {"ashridge"}
    assert {"ridgeway_ledger_healthy", "ridgeway_build_info", "process_resident_memory_bytes"} <= shown.keys()
    assert not {"ridgeway_checks_stale", "ridgeway_checks_configured", "ridgeway_tickets_lost"} & shown.keys()
    assert openmetrics.endswith("# EOF\n")


def test_what_is_shown_to_everybody_exists_and_names_nothing_but_what_is_a_councils() -> None:
    declared = {family.base: family for family in made().declared()}

    labels = {name: set(declared[name].labels) for name in FOR_EVERYBODY}

    assert {name for name, found in labels.items() if found} == {
        "ridgeway_build",
        "ridgeway_config",
        "ridgeway_incidents_open",
        "ridgeway_last_proven_failover_timestamp_seconds",
    }
    assert labels["ridgeway_incidents_open"] == {"priority", "council"}
    assert labels["ridgeway_last_proven_failover_timestamp_seconds"] == {"target", "council"}


def test_the_last_proof_of_a_failover_has_a_series_only_where_there_was_one() -> None:
    own = made()

    own.drills.proven({("forum-firewall", "ashridge"): 100.0, ("gateway-firewall", "bierton"): 200.0})
    own.drills.proven({("forum-firewall", "ashridge"): 300.0})

    shown = {family.name: family for family in parse_text(own.page(openmetrics=False).decode())}
    samples = shown["ridgeway_last_proven_failover_timestamp_seconds"].samples
    assert [(one.labels["target"], one.value) for one in samples] == [("forum-firewall", 300.0)]
