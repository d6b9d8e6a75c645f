"""How the agent itself is: lateness, queues, the ledger, the desks, its configuration and its process.

These are few, so prometheus-client keeps them, on a registry of their own. Nothing here has a target label: a histogram
per target is the usual way to drown a Prometheus. The composition root passes values in through small methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest as text_of
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_of
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from agent.records import Councils, Priority
from exporters.prometheus.access import DECLARED as OF_ACCESS
from exporters.prometheus.access import AccessMetrics
from exporters.prometheus.drills import PROVEN, DrillMetrics
from exporters.prometheus.families import Declared
from exporters.prometheus.outbound import OutboundMetrics

LATENESS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
DURATION_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
HOLD_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0)
NOTIFICATIONS = (
    "prompted", "coalesced", "limited", "ignored", "unknown_sender", "unauthentic", "malformed", "dropped",
)  # fmt: skip
PUSHED = ("taken", "unknown", "limited", "unfit", "not_kept")
DROPPED = ("taken", "unfit", "not_kept")
MAILED = ("taken", "ignored", "unknown", "limited", "unfit", "not_kept")
DESK_OPERATIONS = ("look-up", "create", "read", "note", "priority", "resolve", "reopen", "counts", "sweep")

FOR_EVERYBODY = frozenset(
    {
        "ridgeway_build", "ridgeway_config", "ridgeway_config_last_reload_successful",
        "ridgeway_config_last_reload_success_timestamp_seconds", "ridgeway_agent_isolated",
        "ridgeway_event_loop_hold_seconds", "ridgeway_scheduler_progress_timestamp_seconds",
        "ridgeway_scheduler_lateness_seconds", "ridgeway_ledger_queue_writes", "ridgeway_ledger_healthy",
        "ridgeway_ledger_last_commit_timestamp_seconds", "ridgeway_incidents_open", PROVEN, "process_cpu_seconds",
        "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_start_time_seconds",
        "process_open_fds", "process_max_fds",
    }
)  # fmt: skip
"""Families, by base name, that a reader of some councils sees too: how the agent is, and what has a `council` label.

All others count or name what belongs to everybody: desks, credentials, kinds of check, checks of whichever council.
"""

_REFUSED = Declared(
    "ridgeway_exposition_refused_series",
    "Series that are left off this page: given by two checks, undeclared, or unfit for it. The log names them.",
    labels=("reason",),
)
_STALE = Declared("ridgeway_checks_stale", "Checks without a result that is recent enough.")
_ELSEWHERE = (
    _REFUSED,
    _STALE,
    Declared("process_cpu_seconds_total", "CPU time of the agent.", "counter", unit="seconds"),
    Declared("process_resident_memory_bytes", "Resident memory of the agent.", unit="bytes"),
    Declared("process_virtual_memory_bytes", "Virtual memory of the agent.", unit="bytes"),
    Declared("process_start_time_seconds", "When the agent started.", unit="seconds"),
    Declared("process_open_fds", "Open file descriptors."),
    Declared("process_max_fds", "Most file descriptors the agent may open."),
)


class OwnMetrics:
    """The agent's own families. Every method is cheap enough for each run of a check."""

    def __init__(self, version: str, revision: str, refused: Callable[[], Mapping[str, int]], stale: Callable[[], int]):
        """`refused` and `stale` are `Exposition.counts` and `Exposition.checks_stale`, asked at each scrape."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # else every counter brings an extra gauge
        self.registry = CollectorRegistry()
        self._declared = [*_ELSEWHERE, *OF_ACCESS]
        self.access = AccessMetrics(self.registry)
        self._agent(version, revision)
        self._runs()
        self._keeping()
        self._desks()
        self.outbound = OutboundMetrics(self._gauge, self._counter)
        self.drills = DrillMetrics(self._gauge)
        self.registry.register(_OfExposition(refused, stale))
        ProcessCollector(registry=self.registry)
        self._waiting: set[str] = set()
        self._runs_of: dict[str, tuple[Counter, Histogram]] = {}

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        self._declared.append(Declared(name, text, "gauge", labels))
        return Gauge(name, text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        self._declared.append(Declared(name, text, "counter", labels))
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> Histogram:
        self._declared.append(Declared(name, text, "histogram", labels))
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def _info(self, name: str, text: str, labels: tuple[str, ...]) -> Info:
        self._declared.append(Declared(f"{name}_info", text, "info", labels))
        return Info(name, text, registry=self.registry)

    def _agent(self, version: str, revision: str) -> None:
        build = self._info("ridgeway_build", "Version of the agent.", ("version", "revision"))
        build.info({"version": version, "revision": revision})
        self._config = self._info("ridgeway_config", "Digest of the estate in force.", ("digest",))
        self._config_ok = self._gauge(
            "ridgeway_config_last_reload_successful", "1 when the estate was accepted the last time it was read."
        )
        self._config_at = self._gauge(
            "ridgeway_config_last_reload_success_timestamp_seconds", "When the estate in force was accepted."
        )
        self._checks = self._gauge("ridgeway_checks_configured", "Checks of the estate, by kind.", ("kind",))
        self._isolated = self._gauge(
            "ridgeway_agent_isolated", "1 while the agent cannot reach its own gateway and judges nothing behind it."
        )
        self._hold = self._histogram(
            "ridgeway_event_loop_hold_seconds", "How long the event loop was held at a time, sampled.", HOLD_BUCKETS
        )

    def _runs(self) -> None:
        self._progress = self._gauge(
            "ridgeway_scheduler_progress_timestamp_seconds", "When the scheduler last started what was due."
        )
        self._lateness = self._histogram(
            "ridgeway_scheduler_lateness_seconds", "How long after its due time a check started.", LATENESS_BUCKETS
        )
        self._run_count = self._counter("ridgeway_check_runs_total", "Runs of checks that ended, by kind.", ("kind",))
        self._run_failed = self._counter(
            "ridgeway_check_failed_runs_total",
            "Runs that did not get all their answers, by kind and reason; bad news from a device is no failure.",
            ("kind", "reason"),
        )
        self._run_skipped = self._counter(
            "ridgeway_check_skipped_runs_total", "Runs left out since the one before had not ended or still waited."
        )
        self._under_way = self._gauge("ridgeway_check_runs_under_way", "Runs of checks that have not ended.")
        self._hanging = self._gauge(
            "ridgeway_check_runs_hanging",
            "Runs, and calls of theirs in threads, that outlived their deadline and have not ended.",
        )
        self._credential_refusals = self._gauge(
            "ridgeway_credential_refusals",
            "Targets that refused a credential the last time it was tried.",
            ("credential",),
        )
        self._duration = self._histogram(
            "ridgeway_check_duration_seconds", "How long runs took, by kind.", DURATION_BUCKETS, ("kind",)
        )

        self._notifications = self._counter(
            "ridgeway_snmp_notifications_total",
            "SNMP traps and informs that came in, by what became of them; the poll they prompt decides everything.",
            ("outcome",),
        )
        for outcome in NOTIFICATIONS:
            self._notifications.labels(outcome)
        self._traps = self._counter(
            "ridgeway_snmp_traps_total",
            "SNMP traps and informs of targets, by their name in its MIB; `other` are those that nobody understands.",
            ("trap",),
        )
        self._pushed = self._counter(
            "ridgeway_push_requests_total", "Pings of backup jobs that came in, by what became of them.", ("outcome",)
        )
        for outcome in PUSHED:
            self._pushed.labels(outcome)
        self._mailed = self._counter(
            "ridgeway_push_mails_total",
            "Mails of backup jobs that came in, by what became of them; recipients that were refused count one by one.",
            ("outcome",),
        )
        for outcome in MAILED:
            self._mailed.labels(outcome)
        self._dropped = self._counter(
            "ridgeway_push_files_total", "Files in the drop directory, by what became of them.", ("outcome",)
        )
        for outcome in DROPPED:
            self._dropped.labels(outcome)

    def _keeping(self) -> None:
        self._queue = self._gauge("ridgeway_ledger_queue_writes", "Writes waiting for the ledger.")
        self._ledger_ok = self._gauge("ridgeway_ledger_healthy", "1 when the last write to the ledger was kept.")
        self._ledger_at = self._gauge(
            "ridgeway_ledger_last_commit_timestamp_seconds", "When the ledger last kept something."
        )
        self._ledger_refused = self._gauge(
            "ridgeway_ledger_refused_batches",
            "Batches that the database refused for good since the start: a defect; each is in the log.",
        )
        self._ledger_given_up = self._gauge(
            "ridgeway_ledger_given_up_rows",
            "Rows of history dropped since the start while the ledger was away for long.",
        )
        self._ledger_left_out = self._gauge(
            "ridgeway_ledger_peak_series_left_out",
            "Series of which no daily peaks are kept, because there are too many.",
        )
        self._incidents = self._gauge(
            "ridgeway_incidents_open", "Open incidents, recovering ones included.", ("priority", "council")
        )
        self._sequence = self._gauge(
            "ridgeway_feed_sequence", "Number of the newest event of the feed; a restore lets it jump."
        )
        self._feed_readers = self._gauge("ridgeway_feed_readers", "Readers that follow the feed now.")
        self._feed_dropped = self._counter(
            "ridgeway_feed_dropped_readers_total", "Readers that went while they did not take what was sent to them."
        )
        self._log_dropped = self._counter(
            "ridgeway_log_repeated_lines_total", "Log lines left out because they only repeated one another."
        )

    def _desks(self) -> None:
        self._outbox = self._gauge("ridgeway_outbox_items", "Wishes waiting for a desk.", ("desk",))
        self._outbox_at = self._gauge(
            "ridgeway_outbox_oldest_timestamp_seconds",
            "When the oldest wish waiting for a desk was made; no series while none waits.",
            ("desk",),
        )
        self._requests = self._counter(
            "ridgeway_desk_requests_total", "Calls to a desk that ended, by operation.", ("desk", "operation")
        )
        self._requests_failed = self._counter(
            "ridgeway_desk_failed_requests_total",
            "Calls to a desk that ended without a plain yes: refused, not done or uncertain.",
            ("desk", "operation", "outcome"),
        )
        self._desk_at = self._gauge(
            "ridgeway_desk_last_success_timestamp_seconds", "When a desk last answered as it should.", ("desk",)
        )
        self._tickets = self._counter(
            "ridgeway_tickets_total", "Tickets created, adopted, resolved or reopened.", ("desk", "action")
        )
        self._tickets_blocked = self._gauge(
            "ridgeway_tickets_blocked", "Incidents whose ticket waits for a person.", ("desk",)
        )
        self._tickets_lost = self._gauge(
            "ridgeway_tickets_lost", "Incidents whose ticket was deleted in the desk; a person decides.", ("desk",)
        )
        self._capped = self._gauge(
            "ridgeway_desk_capped", "1 while new tickets wait because the desk's daily cap is reached.", ("desk",)
        )
        self._repaired = self._counter(
            "ridgeway_tickets_repaired_total", "Second tickets of an incident that were merged or closed.", ("desk",)
        )
        self._uncertain = self._counter(
            "ridgeway_ticket_creations_uncertain_total",
            "New tickets asked for without an answer that could be believed; each is looked for before another try.",
            ("desk",),
        )
        self._desk_queue = self._gauge(
            "ridgeway_desk_queue_tickets",
            "Tickets in a queue of a desk, by whoever they are, open or pending.",
            ("desk", "queue", "state"),
        )

    # The agent

    def config_accepted(self, revision: str, at: float, checks: Mapping[str, int]) -> None:
        """An estate came into force; `checks` counts its checks by kind."""
        self._config.info({"digest": revision})
        self._config_ok.set(1)
        self._config_at.set(at)
        self._checks.clear()
        for kind, count in checks.items():
            self._checks.labels(kind).set(count)
            self._of(kind)  # 0 for what can run but has not yet

    def config_refused(self) -> None:
        """A reload was refused; the estate before it stays in force."""
        self._config_ok.set(0)

    def isolated(self, isolated: bool) -> None:
        self._isolated.set(isolated)

    def loop_held(self, seconds: float) -> None:
        self._hold.observe(seconds)

    # Runs

    def progress(self, at: float) -> None:
        """The scheduler handed out what was due at this moment (Unix seconds)."""
        self._progress.set(at)

    def ran(self, kind: str, lateness: float, duration: float, reason: str | None) -> None:
        """A run ended, in seconds; `reason` is its fault's (`checks.contract.Reason`), or None."""
        self._lateness.observe(max(0.0, lateness))
        runs, durations = self._of(kind)
        runs.inc()
        durations.observe(duration)
        if reason is not None:
            self._run_failed.labels(kind, reason).inc()

    def skipped(self, runs: int) -> None:
        """So many more runs were left out."""
        self._run_skipped.inc(runs)

    def under_way(self, runs: int, hanging: int) -> None:
        """How many runs have not ended, and how many of them, and of their threads, should have."""
        self._under_way.set(runs)
        self._hanging.set(hanging)

    def credential_refusals(self, refusals: Mapping[str, int]) -> None:
        """Credentials that are refused, and by how many targets."""
        self._credential_refusals.clear()
        for credential, targets in refusals.items():
            self._credential_refusals.labels(credential).set(targets)

    def snmp_notification(self, outcome: str) -> None:
        """A trap or an inform came in. `outcome` is one of NOTIFICATIONS."""
        self._notifications.labels(outcome).inc()

    def snmp_trap(self, name: str) -> None:
        """A target sent a notification of this name; names are a closed set."""
        self._traps.labels(name).inc()

    def push(self, outcome: str) -> None:
        """A request came to the listener for pings. `outcome` is one of PUSHED."""
        self._pushed.labels(outcome).inc()

    def drop(self, outcome: str) -> None:
        """A file lay in the drop directory. `outcome` is one of DROPPED."""
        self._dropped.labels(outcome).inc()

    def mail(self, outcome: str) -> None:
        """A mail came to the listener for them. `outcome` is one of MAILED."""
        self._mailed.labels(outcome).inc()

    def _of(self, kind: str) -> tuple[Counter, Histogram]:
        found = self._runs_of.get(kind)
        if found is None:
            found = self._runs_of[kind] = (self._run_count.labels(kind), self._duration.labels(kind))
        return found

    # Ledger and incidents

    def ledger(
        self, *, waiting: int, healthy: bool, last_commit: float | None, refused: int, given_up: int, left_out: int
    ) -> None:
        """How writing goes. `refused`, `given_up` and `left_out` count since the start."""
        self._ledger_refused.set(refused)
        self._ledger_given_up.set(given_up)
        self._ledger_left_out.set(left_out)
        self._queue.set(waiting)
        self._ledger_ok.set(healthy)
        if last_commit is not None:
            self._ledger_at.set(last_commit)

    def incidents_open(self, councils: Iterable[str], counts: Mapping[tuple[Priority, str], int]) -> None:
        """Open incidents by priority and council; every council shows every priority, 0 included."""
        self._incidents.clear()
        everywhere = {(priority, council): 0 for council in councils for priority in Priority}
        for (priority, council), count in {**everywhere, **counts}.items():
            self._incidents.labels(priority, council).set(count)

    def feed(self, *, sequence: int, readers: int, dropped: int) -> None:
        """How the incident feed stands; `dropped` counts those since the last call."""
        self._sequence.set(sequence)
        self._feed_readers.set(readers)
        self._feed_dropped.inc(dropped)

    def log_dropped(self, lines: int) -> None:
        self._log_dropped.inc(lines)

    # Desks

    def desks(self, names: Sequence[str]) -> None:
        """The desks of the estate: their series exist from the start and end with a reload that drops the desk."""
        for metric in (
            self._outbox, self._outbox_at, self._tickets_blocked, self._tickets_lost, self._capped, self._desk_queue
        ):  # fmt: skip
            metric.clear()
        self._waiting.clear()
        for name in names:
            self._outbox.labels(name).set(0)
            self._tickets_blocked.labels(name).set(0)
            self.desk_state(name, lost=0, capped=False, repaired=0, uncertain=0)
            for operation in DESK_OPERATIONS:
                self._requests.labels(name, operation)

    def outbox(self, desk: str, waiting: int, oldest: float | None) -> None:
        """Wishes waiting for this desk, and when the oldest was made (Unix seconds)."""
        self._outbox.labels(desk).set(waiting)
        if oldest is not None:
            self._outbox_at.labels(desk).set(oldest)
            self._waiting.add(desk)
        elif desk in self._waiting:
            self._outbox_at.remove(desk)
            self._waiting.discard(desk)

    def desk_call(
        self, desk: str, operation: str, outcome: Literal["done", "refused", "not-done", "uncertain"], at: float
    ) -> None:
        """A call to a desk ended. `operation` is one of DESK_OPERATIONS."""
        self._requests.labels(desk, operation).inc()
        if outcome == "done":
            self._desk_at.labels(desk).set(at)
        else:
            self._requests_failed.labels(desk, operation, outcome).inc()

    def ticket(self, desk: str, action: Literal["created", "adopted", "resolved", "reopened"]) -> None:
        self._tickets.labels(desk, action).inc()

    def tickets_blocked(self, desk: str, count: int) -> None:
        self._tickets_blocked.labels(desk).set(count)

    def desk_state(self, desk: str, *, lost: int, capped: bool, repaired: int, uncertain: int) -> None:
        """How a desk stands; `repaired` and `uncertain` count those since the last call."""
        self._tickets_lost.labels(desk).set(lost)
        self._capped.labels(desk).set(capped)
        self._repaired.labels(desk).inc(repaired)
        self._uncertain.labels(desk).inc(uncertain)

    def desk_queue(self, desk: str, queue: str, *, open_: int, pending: int) -> None:
        """What a queue of the desk holds, whoever made the tickets."""
        self._desk_queue.labels(desk, queue, "open").set(open_)
        self._desk_queue.labels(desk, queue, "pending").set(pending)

    # Pages

    def page(self, *, openmetrics: bool, councils: Councils = None) -> bytes:
        """The own families in the format asked for; OpenMetrics ends with `# EOF`, so this comes last.

        `councils`: only `FOR_EVERYBODY`, and of what has a label `council` only theirs.
        """
        registry = self.registry if councils is None else _Restricted(self.registry, councils)
        if openmetrics:
            page: bytes = openmetrics_of(registry)  # type: ignore[no-untyped-call]
            return page
        return text_of(registry)

    def bases(self) -> set[str]:
        """The names taken on the page, as OpenMetrics counts them."""
        return {family.base for family in self.declared()}

    def declared(self) -> list[Declared]:
        """Every own family, for the catalogue page."""
        return sorted(self._declared, key=lambda family: family.name)


class _Restricted(Collector):
    """What readers of some councils may see of a registry."""

    def __init__(self, registry: CollectorRegistry, councils: frozenset[str]) -> None:
        self._registry = registry
        self._councils = councils

    def collect(self) -> Iterable[Metric]:
        for family in self._registry.collect():
            if family.name in FOR_EVERYBODY:
                told = Metric(family.name, family.documentation, family.type, family.unit)
                told.samples = [one for one in family.samples if one.labels.get("council", "") in {"", *self._councils}]
                yield told


class _OfExposition(Collector):
    """What the exposition knows of itself, asked at each scrape instead of kept twice."""

    def __init__(self, refused: Callable[[], Mapping[str, int]], stale: Callable[[], int]) -> None:
        self._refused = refused
        self._stale = stale

    def collect(self) -> Iterable[Metric]:
        series = GaugeMetricFamily(_REFUSED.name, _REFUSED.help, labels=_REFUSED.labels)
        for reason, count in self._refused().items():
            series.add_metric([reason], count)
        yield series
        yield GaugeMetricFamily(_STALE.name, _STALE.help, value=self._stale())
