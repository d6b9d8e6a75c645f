"""Drills on the metrics page: how long ago the last proof is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import Gauge

PROVEN = "ridgeway_last_proven_failover_timestamp_seconds"


class DrillMetrics:
    """Part of `OwnMetrics`. For the event loop's thread."""

    def __init__(self, gauge: Callable[..., Gauge]) -> None:
        """`gauge` makes a family of a name, a help text and labels."""
        self._proven = gauge(
            PROVEN,
            "When a drill last proved a failover of the target; no series for one that was never proven.",
            ("target", "council"),
        )

    def proven(self, at: Mapping[tuple[str, str], float]) -> None:
        """Moments by target and council; the others have no series."""
        self._proven.clear()
        for (target, council), moment in at.items():
            self._proven.labels(target, council).set(moment)
