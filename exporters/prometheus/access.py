"""The metrics of the access control, on the registry of an agent or of a prober."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from exporters.prometheus.families import Declared

REASONS = (
    "no_credentials", "malformed", "password", "token", "certificate", "proxy", "ambiguous", "not_listed", "busy",
)  # fmt: skip

REFUSED = Declared(
    "ridgeway_web_requests_refused_total",
    "Requests, and connections with a certificate that is not listed, that the access control did not let in.",
    "counter",
    ("reason",),
)
SUCCESSFUL = Declared(
    "ridgeway_web_config_last_reload_successful",
    "1 when the web configuration file, and those it points at, were accepted when last read, or there is none.",
)
AT = Declared(
    "ridgeway_web_config_last_reload_success_timestamp_seconds",
    "When the web configuration in force was accepted.",
)
NOT_AFTER = Declared(
    "ridgeway_web_certificate_not_after_timestamp_seconds",
    "When the certificate that the listener shows ends; no series without TLS.",
    labels=("listener",),
)
TOKENS = Declared("ridgeway_web_tokens_unreadable", "Tokens of the estate that let nobody in; the log says why.")
DECLARED = (REFUSED, SUCCESSFUL, AT, NOT_AFTER, TOKENS)


class AccessMetrics:
    """What the access control counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        name = REFUSED.name.removesuffix("_total")
        self._refused = Counter(name, REFUSED.help, REFUSED.labels, registry=registry)
        for reason in REASONS:
            self._refused.labels(reason)
        self._successful = Gauge(SUCCESSFUL.name, SUCCESSFUL.help, registry=registry)
        self._at = Gauge(AT.name, AT.help, registry=registry)
        self._not_after = Gauge(NOT_AFTER.name, NOT_AFTER.help, NOT_AFTER.labels, registry=registry)
        self._tokens = Gauge(TOKENS.name, TOKENS.help, registry=registry)

    def refused(self, reason: str) -> None:
        """A request was not let in. `reason` is one of REASONS."""
        self._refused.labels(reason).inc()

    def accepted(self, at: float, not_after: float | None) -> None:
        """What the files say is in force since `at`; the certificate that is shown, if any, ends at `not_after`."""
        self._successful.set(1)
        self._at.set(at)
        if not_after is not None:
            self._not_after.labels("web").set(not_after)

    def not_accepted(self) -> None:
        """What the files say now is refused."""
        self._successful.set(0)

    def tokens_unreadable(self, count: int) -> None:
        """So many tokens let nobody in."""
        self._tokens.set(count)
