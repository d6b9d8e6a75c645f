"""Webhooks and heartbeats on the page: what can happen is 0 before it does; a reload hides nothing that is wrong."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.ledger.webhooks import WebhookState
from exporters.outbound import Failure
from exporters.prometheus.own import OwnMetrics
from testbeds.pages import NOW


def series(own: OwnMetrics, label: str, name: str) -> dict[str, float]:
    """Every series that has this label with this value, as it stands on the page without that label."""
    return {
        sample.name + "".join(f" {value}" for key, value in sample.labels.items() if key != label): sample.value
        for family in parse_text(own.page(openmetrics=False).decode())
        for sample in family.samples
        if sample.labels.get(label) == name
    }


def made() -> OwnMetrics:
    own = OwnMetrics("", "", dict, lambda: 0)
    own.outbound.webhooks(["hub", "other"])
    own.outbound.heartbeats(["outside", "other"])
    return own


def test_before_anything_happens_everything_is_zero_and_nothing_waits() -> None:
    hub = series(made(), "webhook", "hub")

    assert hub.pop("ridgeway_webhook_state active") == 1
    assert set(hub.values()) == {0.0}
    assert {f"ridgeway_webhook_failed_attempts_total {failure.value}" for failure in Failure} <= set(hub)
    assert "ridgeway_webhook_oldest_timestamp_seconds" not in hub


def test_a_reload_keeps_what_is_known_of_those_that_stay_and_ends_the_others() -> None:
    own = made()
    for name in ("hub", "other"):
        own.outbound.webhook(name, WebhookState.FAILING, NOW, 3)
    for name in ("outside", "other"):
        own.outbound.pinged(name, NOW)
        own.outbound.held_back(name, True)
    before = series(own, "webhook", "hub"), series(own, "heartbeat", "outside")

    own.outbound.webhooks(["hub"])
    own.outbound.heartbeats(["outside"])

    assert (series(own, "webhook", "hub"), series(own, "heartbeat", "outside")) == before
    gone = {*series(own, "webhook", "other"), *series(own, "heartbeat", "other")}
    assert {name for name in gone if "_total" not in name} == set()


def test_one_that_was_never_pinged_can_be_dropped() -> None:
    own = made()

    own.outbound.heartbeats([])

    assert "ridgeway_heartbeat_held_back" not in series(own, "heartbeat", "outside")
