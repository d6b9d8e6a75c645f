"""Webhooks and heartbeats on the metrics page: what the agent tells of its own accord, and whether it is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import Counter, Gauge

from agent.ledger.webhooks import WebhookState
from exporters.outbound import Failure


class OutboundMetrics:
    """Part of `OwnMetrics`. For the event loop's thread."""

    def __init__(self, gauge: Callable[..., Gauge], counter: Callable[..., Counter]) -> None:
        """`gauge` and `counter` make a family of a name, a help text and labels."""
        self._told = counter("ridgeway_webhook_delivered_total", "Events that a webhook took.", ("webhook",))
        self._failed = counter(
            "ridgeway_webhook_failed_attempts_total", "Requests that a webhook did not take.", ("webhook", "reason")
        )
        self._oldest = gauge(
            "ridgeway_webhook_oldest_timestamp_seconds",
            "When the oldest event happened that a webhook has not been told; no series while it knows all.",
            ("webhook",),
        )
        self._dead = gauge("ridgeway_webhook_dead_letters", "Events that a webhook was never told.", ("webhook",))
        self._state = gauge(
            "ridgeway_webhook_state", "1 for the state of a webhook: active, failing or off.", ("webhook", "state")
        )
        self._gaps = counter(
            "ridgeway_webhook_gaps_total",
            "How often events may have been removed for their age before a webhook was told.",
            ("webhook",),
        )
        self._pings = counter("ridgeway_heartbeat_pings_total", "Pings that were answered with 2xx.", ("heartbeat",))
        self._pings_failed = counter(
            "ridgeway_heartbeat_failed_pings_total", "Pings that were not.", ("heartbeat", "reason")
        )
        self._pinged_at = gauge(
            "ridgeway_heartbeat_last_success_timestamp_seconds", "When a ping was last answered.", ("heartbeat",)
        )
        self._held_back = gauge(
            "ridgeway_heartbeat_held_back",
            "1 while no pings are sent, since the agent does not work: no checks, or a ledger that cannot be written.",
            ("heartbeat",),
        )
        self._waiting: set[str] = set()
        self._webhooks: frozenset[str] = frozenset()
        self._heartbeats: frozenset[str] = frozenset()

    def webhooks(self, names: Iterable[str]) -> None:
        """The webhooks of the estate: their series exist from the start, and end with a reload that drops them."""
        before, self._webhooks = self._webhooks, frozenset(names)
        for name in before - self._webhooks:
            self._dead.remove(name)
            for state in WebhookState:
                self._state.remove(name, state.value)
            self._set_oldest(name, None)
        for name in self._webhooks - before:
            self._told.labels(name)
            self._gaps.labels(name)
            for failure in Failure:
                self._failed.labels(name, failure.value)
            self.webhook(name, WebhookState.ACTIVE, None, 0)

    def webhook(self, name: str, state: WebhookState, oldest: float | None, dead: int) -> None:
        """How a webhook stands. `oldest`: when the first event it has not been told happened (Unix seconds)."""
        for one in WebhookState:
            self._state.labels(name, one.value).set(one is state)
        self._dead.labels(name).set(dead)
        self._set_oldest(name, oldest)

    def _set_oldest(self, name: str, at: float | None) -> None:
        if at is not None:
            self._oldest.labels(name).set(at)
            self._waiting.add(name)
        elif name in self._waiting:
            self._oldest.remove(name)
            self._waiting.discard(name)

    def told(self, name: str) -> None:
        self._told.labels(name).inc()

    def not_told(self, name: str, failure: Failure) -> None:
        self._failed.labels(name, failure.value).inc()

    def gap(self, name: str) -> None:
        """Events may be missing between what it was told and what it is told next."""
        self._gaps.labels(name).inc()

    def heartbeats(self, names: Iterable[str]) -> None:
        """The heartbeats of the estate, as `webhooks`."""
        before, self._heartbeats = self._heartbeats, frozenset(names)
        for name in before - self._heartbeats:
            self._held_back.remove(name)
            self._pinged_at.remove(name)
        for name in self._heartbeats - before:
            self._pings.labels(name)
            self._held_back.labels(name).set(0)
            for failure in Failure:
                self._pings_failed.labels(name, failure.value)

    def pinged(self, name: str, at: float) -> None:
        """A ping was answered at this moment (Unix seconds)."""
        self._pings.labels(name).inc()
        self._pinged_at.labels(name).set(at)

    def not_pinged(self, name: str, failure: Failure) -> None:
        self._pings_failed.labels(name, failure.value).inc()

    def held_back(self, name: str, held: bool) -> None:
        self._held_back.labels(name).set(held)
