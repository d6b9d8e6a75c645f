"""The metrics of a prober: what it was asked and how it is. What the checks read is on the judge's page."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, disable_created_metrics
from prometheus_client.exposition import generate_latest as text_of
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_of
from prometheus_client.process_collector import ProcessCollector

from exporters.prometheus.access import AccessMetrics
from exporters.prometheus.families import Declared

ANSWERS = Declared(
    "ridgeway_prober_answers_total",
    "Questions of the judge that were answered, by HTTP status.",
    "counter",
    ("status",),
)
_STATUSES = (200, 400, 401, 404, 413, 503, 504)


class ProberMetrics:
    """On a registry of their own."""

    def __init__(self, version: str, revision: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # else every counter brings an extra gauge
        self._registry = CollectorRegistry()
        build = Info("ridgeway_build", "Version of the agent.", registry=self._registry)
        build.info({"version": version, "revision": revision})
        self._config = Info("ridgeway_config", "Digest of the estate in force.", registry=self._registry)
        self._config_ok = Gauge(
            "ridgeway_config_last_reload_successful",
            "1 when the estate was accepted the last time it was read.",
            registry=self._registry,
        )
        self.config_accepted(revision)
        self._answers = Counter(
            ANSWERS.name.removesuffix("_total"), ANSWERS.help, ANSWERS.labels, registry=self._registry
        )
        for status in _STATUSES:
            self._answers.labels(str(status))
        self.access = AccessMetrics(self._registry)
        ProcessCollector(registry=self._registry)

    def config_accepted(self, revision: str) -> None:
        """An estate came into force."""
        self._config.info({"digest": revision})
        self._config_ok.set(1)

    def config_refused(self) -> None:
        """A reload was refused; the estate before it stays in force."""
        self._config_ok.set(0)

    def answered(self, status: int) -> None:
        """A question got this status."""
        self._answers.labels(str(status)).inc()

    def page(self, *, openmetrics: bool) -> bytes:
        """The whole page."""
        made: bytes = openmetrics_of(self._registry) if openmetrics else text_of(self._registry)  # type: ignore[no-untyped-call]
        return made
