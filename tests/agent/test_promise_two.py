"""One cause, one ticket, closed when it is over: through any faults, restarts, reloads and clock jumps."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.judge.core import MAINTENANCE_EVERY
from agent.records import OPEN_LEVELS, AlertLevel, Cause, Incident, IncidentState, WishKind
from checks.contract import REACH, State
from config.estate import SHARED
from testbeds.judging import Stage
from testbeds.small_world import GATE, HAS_SNMP, NAMES, World, estate_of, needs_of, run

names = st.sampled_from(NAMES)
VALID = 2.5 * 90.0 + 5.0 + 15.0
"""Seconds for which the slowest check's result counts, and a little for the agent to notice."""
seconds = st.floats(min_value=0.5, max_value=45.0)


class AnyHistory(RuleBasedStateMachine):
    """The judge and the incident machine against the world's truth."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.there = frozenset(NAMES)
        self.called: dict[str, str] = {}
        self.stage = Stage(estate_of(self.there, self.called))
        self.elapsed = 0.0
        self.failing_since: dict[str, float] = {}
        self.asked: dict[str, float] = {}
        self.good: dict[Cause, bool] = {}
        self.heard: dict[str, float] = {}
        self.over: set[tuple[str, int]] = set()
        self.open: set[Cause] = set()
        self.probes_seen = 0

    # The world

    @rule(name=names)
    def dies(self, name: str) -> None:
        self.world.dead.add(name)

    @rule(name=names)
    def lives(self, name: str) -> None:
        self.world.dead.discard(name)

    @rule(name=st.sampled_from(HAS_SNMP), mute=st.booleans())
    def protocol(self, name: str, mute: bool) -> None:
        (self.world.mute.add if mute else self.world.mute.discard)(name)

    @rule(name=st.sampled_from(HAS_SNMP), state=st.sampled_from([State.OK, State.WARNING, State.UNKNOWN]))
    def memory(self, name: str, state: State) -> None:
        self.world.memory[name] = state

    # The agent

    @rule(name=names, after=seconds, times=st.integers(min_value=1, max_value=3))
    def one_target_is_probed(self, name: str, after: float, times: int) -> None:
        for _ in range(times):
            self.pass_time(after)
            self.run_check(name, "icmp")
            self.run_check(name, "snmp")

    @rule(name=st.sampled_from(HAS_SNMP), after=seconds)
    def one_check_runs(self, name: str, after: float) -> None:
        self.pass_time(after)
        self.run_check(name, "snmp")

    @rule(after=seconds)
    def every_check_runs(self, after: float) -> None:
        self.pass_time(after)
        self.run_all()

    @precondition(lambda self: self.stage.probes[self.probes_seen :])
    @rule(after=st.floats(min_value=0.01, max_value=3.0))
    def a_wish_is_granted(self, after: float) -> None:
        wish = self.stage.probes[self.probes_seen]
        self.probes_seen += 1
        self.pass_time(after)
        for name in self.there:
            if self.called.get(name, name) == wish.target:
                self.run_check(name, "icmp")
                self.run_check(name, "snmp")

    @rule()
    def all_is_well_for_a_quarter_of_an_hour(self) -> None:
        self.world = World()
        for _ in range(30):
            self.pass_time(30.0)
            self.run_all()
            self.stage.tick()
        self.observe()

    @rule(length=st.floats(min_value=1.0, max_value=1_500.0))
    def time_passes(self, length: float) -> None:
        self.elapsed += length
        self.stage.wait(length, step=20)
        self.observe()

    @rule(name=names, on=st.booleans())
    def maintenance(self, name: str, on: bool) -> None:
        called = self.called.get(name, name)
        if on:
            self.stage.windows[called] = "MNT-1"
        else:
            self.stage.windows.pop(called, None)

    @rule()
    def crash(self) -> None:
        self.time_passes(MAINTENANCE_EVERY)  # so that what is due anyway is not taken for a verdict of the restart
        before = {cause: (alert.level, alert.state) for cause, alert in self.stage.alerts.items()}

        self.stage.crash()
        self.stage.tick()

        after = {cause: (alert.level, alert.state) for cause, alert in self.stage.judge.alerts.items()}
        assert after == before

    @rule(jump=st.sampled_from([-86_400.0, -3_600.0, 3_600.0, 86_400.0]))
    def the_clock_jumps(self, jump: float) -> None:
        self.time_passes(0.37)  # off every round deadline: adding a jump to it rounds in the last digit
        before = {one.id: one.state for one in self.stage.incidents.values()}

        self.stage.now += jump
        self.heard = {name: at + jump for name, at in self.heard.items()}
        self.stage.tick()

        assert {one.id: one.state for one in self.stage.incidents.values()} == before

    @rule(name=st.sampled_from(["a", "b", "phone", "desk"]))
    def leaves_the_estate(self, name: str) -> None:
        if name in self.there:
            self.reload(self.there - {name})
            subject = self.called.get(name, name)
            assert all(one.cause.subject != subject for one in self.stage.live())

    @rule(name=st.sampled_from(["a", "b", "phone", "desk"]))
    def joins_the_estate(self, name: str) -> None:
        self.reload(self.there | {name})

    @rule(name=st.sampled_from(["link", "pbx", "phone"]))
    def is_renamed(self, name: str) -> None:
        self.time_passes(MAINTENANCE_EVERY)  # as before a crash
        before = len(self.stage.live())
        old = self.called.get(name, name)
        new = name if name in self.called else f"{name}-2"
        self.called = {key: value for key, value in self.called.items() if key != name}
        if new != name:
            self.called[name] = new
        for known in list(self.good):
            if known.subject == old:
                self.good[Cause(known.council, new, known.condition)] = self.good.pop(known)
        self.open = {Cause(one.council, new, one.condition) if one.subject == old else one for one in self.open}
        if old in self.stage.windows:
            self.stage.windows[new] = self.stage.windows.pop(old)

        self.reload(self.there)

        assert len(self.stage.live()) == before

    # What must hold

    @invariant()
    def one_live_incident_per_cause(self) -> None:
        live = Counter(one.cause for one in self.stage.live())

        assert all(count == 1 for count in live.values()), live

    @invariant()
    def what_may_be_reopened_is_reopened(self) -> None:
        live = {one.cause for one in self.stage.live()}
        for one in self.stage.incidents.values():
            if one.state is IncidentState.RESOLVED and one.reopen_until is not None and one.resolution == "recovered":
                assert one.cause not in live or one.reopen_until <= self.stage.now

    @invariant()
    def wishes_make_sense_to_the_desk(self) -> None:
        numbers = Counter((one.incident, one.desk, one.kind, one.number) for one in self.stage.wishes)
        assert all(count == 1 for count in numbers.values())
        for incident in {one.incident for one in self.stage.wishes}:
            kinds = self.stage.kinds(self.stage.incidents[incident])
            assert kinds[0] == WishKind.ENSURE
            assert kinds.count(WishKind.ENSURE) == 1
            turns = [kind for kind in kinds if kind in (WishKind.RESOLVE, WishKind.REOPEN)]
            assert turns == [WishKind.RESOLVE if at % 2 == 0 else WishKind.REOPEN for at in range(len(turns))]

    @invariant()
    def an_open_alert_has_an_open_incident(self) -> None:
        live = {one.cause: one.state for one in self.stage.live()}
        for cause, alert in self.stage.judge.alerts.items():
            if alert.level in OPEN_LEVELS:
                assert live.get(cause) is IncidentState.OPEN

    def teardown(self) -> None:
        """When all is well for long enough, nothing is open any more, and every ticket's last word is resolve."""
        self.world = World()
        self.stage.windows.clear()
        for _ in range(90):
            self.pass_time(30.0)
            self.run_all()
            self.stage.tick()
        assert not self.stage.live()
        assert all(alert.level is AlertLevel.CLEAR for alert in self.stage.judge.alerts.values())
        for incident in {one.incident for one in self.stage.wishes}:
            turns = [
                kind
                for kind in self.stage.kinds(self.stage.incidents[incident])
                if kind in (WishKind.RESOLVE, WishKind.REOPEN)
            ]
            assert turns[-1] == WishKind.RESOLVE

    # How it is told

    def run_all(self) -> None:
        for name in NAMES:
            self.run_check(name, "icmp")
            self.run_check(name, "snmp")

    def run_check(self, name: str, which: str) -> None:
        if name not in self.there or (which == "snmp" and name not in HAS_SNMP):
            return
        called = self.called.get(name, name)
        self.asked[name] = self.elapsed
        self.heard[name] = self.stage.now
        reached = self.world.path(name) and not (which == "snmp" and name in self.world.mute)
        if reached:
            self.failing_since.pop(name, None)
        else:
            self.failing_since.setdefault(name, self.elapsed)
        self.good[Cause("dacorum", called, REACH)] = self.world.path(name)
        if reached and which == "snmp":
            self.good[Cause("dacorum", called, "snmp/memory")] = self.world.memory.get(name, State.OK) is State.OK
        run(self.stage, self.world, name, called, which)
        self.observe()

    def pass_time(self, length: float) -> None:
        self.elapsed += length
        self.stage.now += length

    def reload(self, there: frozenset[str]) -> None:
        for name in self.there - there:
            self.failing_since.pop(name, None)
        self.there = there
        self.stage.reload(estate_of(there, self.called))
        self.observe()

    def observe(self) -> None:
        """After each step: judge every opening and every closing by what was true when it happened."""
        for wish in self.stage.probes[self.probes_seen :]:
            for name in NAMES:
                if self.called.get(name, name) == wish.target:
                    self.asked[name] = self.elapsed
        alerts = self.stage.judge.alerts
        now_open = {cause for cause, alert in alerts.items() if alert.level in OPEN_LEVELS}
        for cause in now_open - self.open:
            self.judge_opening(cause)
        self.open = now_open
        for one in self.stage.incidents.values():
            if one.state is IncidentState.RESOLVED and (one.id, one.reopened) not in self.over:
                self.over.add((one.id, one.reopened))
                self.judge_closing(one)

    def judge_closing(self, incident: Incident) -> None:
        """Nothing recovers that was last seen bad, or that nobody has heard of for too long."""
        cause = incident.cause
        if incident.resolution != "recovered" or cause.council == SHARED:
            return
        assert self.good.get(cause, True), f"{cause} was resolved while it was last seen bad"
        heard = self.heard[cause.subject.removesuffix("-2")]
        assert incident.resolved_at is not None
        assert incident.resolved_at - heard <= VALID, f"{cause} was resolved in silence"

    def judge_opening(self, cause: Cause) -> None:
        """A child never opens while all its ways are known to be down, nor before its parents were asked."""
        if cause.condition not in (REACH, "snmp/no-answer"):
            return
        name = cause.subject.removesuffix("-2")
        mode, parents = needs_of(name)
        parents = tuple(parent for parent in parents if parent in self.there)
        if not parents or name == GATE:
            return
        down = [self.stage.level(Cause("dacorum", self.called.get(one, one), REACH)) in OPEN_LEVELS for one in parents]
        assert not (all(down) if mode == "any" else any(down)), f"{cause} opened behind {parents}"
        since = self.failing_since.get(name, self.elapsed)
        asked = [self.asked.get(one, -1.0) >= since for one in parents]
        assert any(asked) if mode == "any" else all(asked), f"{cause} opened before {parents} were asked"


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(
    max_examples=250,
    stateful_step_count=60,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
