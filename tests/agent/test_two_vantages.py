"""Two vantages, any history: what opens is true, nothing opens twice, and all is closed when all is well."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.isolation import AWAY, PATH
from agent.judge.vantages import ends
from agent.records import LIVE, OPEN_LEVELS, AlertLevel, Cause, IncidentState, WishKind
from checks.contract import REACH, Fault, Finding, Reason, State
from config.estate import SHARED, Site, Vantage
from testbeds.judging import NO_ANSWER, Stage, check, estate, finding, target

VANTAGES = ("here", "there")
SITE_OF = {"web": "gateway", "mail": "gateway", "phone": "forum"}
ALONE = "door"
"""A target that only `there` looks at."""
NAMES = (*SITE_OF, ALONE)
SITES = ("forum", "gateway")
TRIED = Fault(Reason.LOCAL, "the prober at there does not answer", AWAY)
NOT_TRIED = Fault(Reason.WITHHELD, "the prober at there does not answer", AWAY)
names = st.sampled_from(NAMES)
seconds = st.floats(min_value=0.5, max_value=45.0)


def small_estate():
    seen = dict.fromkeys(SITE_OF, VANTAGES) | {ALONE: ("there",)}
    targets = [
        target(name, check(name, vantages=places), site=SITE_OF.get(name, "gateway")) for name, places in seen.items()
    ]
    return estate(
        *targets,
        vantages=(Vantage("there", "gateway"),),
        sites=(Site("gateway", "The Gateway", "aylesbury-vale"),),
    )


class TwoVantages(RuleBasedStateMachine):
    """The judge and the incident machine against the world's truth."""

    @initialize()
    def begin(self) -> None:
        self.stage = Stage(small_estate())
        self.well()
        self.open: set[Cause] = set()
        self.reached: dict[tuple[str, str], bool] = {}
        """What each vantage was last told of each target."""
        self.lossy: dict[tuple[str, str], State] = {}
        self.probes_seen = 0

    def well(self) -> None:
        self.dead: set[str] = set()
        self.cut: set[tuple[str, str]] = set()
        self.prober = True
        self.loss: dict[tuple[str, str], State] = {}

    # The world

    @rule(name=names, dead=st.booleans())
    def target_changes(self, name: str, dead: bool) -> None:
        (self.dead.add if dead else self.dead.discard)(name)

    @rule(vantage=st.sampled_from(VANTAGES), site=st.sampled_from(SITES), cut=st.booleans())
    def way_changes(self, vantage: str, site: str, cut: bool) -> None:
        (self.cut.add if cut else self.cut.discard)((vantage, site))

    @rule(up=st.booleans())
    def prober_changes(self, up: bool) -> None:
        self.prober = up

    @rule(name=names, vantage=st.sampled_from(VANTAGES), state=st.sampled_from([State.OK, State.WARNING]))
    def loss_changes(self, name: str, vantage: str, state: State) -> None:
        self.loss[name, vantage] = state

    # The agent

    @rule(name=names, after=seconds, times=st.integers(min_value=1, max_value=3))
    def one_target_is_probed(self, name: str, after: float, times: int) -> None:
        for _ in range(times):
            self.stage.now += after
            self.probe(name)

    @rule(after=seconds)
    def every_check_runs(self, after: float) -> None:
        self.stage.now += after
        self.probe_all()

    @rule(after=st.floats(min_value=0.01, max_value=3.0))
    def wishes_are_granted(self, after: float) -> None:
        wishes, self.probes_seen = self.stage.probes[self.probes_seen :], len(self.stage.probes)
        self.stage.now += after
        for wish in wishes:
            self.probe(wish.target)

    @rule(length=st.floats(min_value=1.0, max_value=900.0))
    def time_passes(self, length: float) -> None:
        self.stage.wait(length, step=20)
        self.observe()

    @rule()
    def crash(self) -> None:
        self.stage.wait(16, step=16)
        before = {cause: (alert.level, alert.state) for cause, alert in self.stage.alerts.items()}

        self.stage.crash()
        self.stage.tick()

        after = {cause: (alert.level, alert.state) for cause, alert in self.stage.judge.alerts.items()}
        assert after == before

    # What must hold

    @invariant()
    def one_live_incident_per_cause(self) -> None:
        counts = Counter(one.cause for one in self.stage.incidents.values() if one.state in LIVE)
        assert all(count == 1 for count in counts.values())

    @invariant()
    def an_open_alert_has_an_open_incident(self) -> None:
        live = {one.cause: one.state for one in self.stage.live()}
        for cause, alert in self.stage.judge.alerts.items():
            if alert.level in OPEN_LEVELS:
                assert live.get(cause) is IncidentState.OPEN

    def observe(self) -> None:
        alerts = self.stage.judge.alerts
        now_open = {cause for cause, alert in alerts.items() if alert.level in OPEN_LEVELS}
        for cause in now_open - self.open:
            self.judge_opening(cause)
        for cause in self.open - now_open:
            self.judge_closing(cause)
        self.open = now_open

    def judge_opening(self, cause: Cause) -> None:
        if cause.condition == REACH:
            said = [self.reached.get((cause.subject, place)) for place in VANTAGES]
            assert True not in said or cause.subject == ALONE, f"{cause} opened while one vantage reaches it: {said}"
            assert False in said
        elif cause.condition == PATH:
            vantage, site = ends(cause)
            other = VANTAGES[1 - VANTAGES.index(vantage)]
            assert any(
                self.reached.get((name, vantage)) is False and self.reached.get((name, other)) is not None
                for name, at in SITE_OF.items()
                if at == site
            ), f"{cause} opened without a target that is not reached"
        elif cause == Cause(SHARED, "there", AWAY):
            assert not self.prober or self.last_away, "away although it answers"

    def judge_closing(self, cause: Cause) -> None:
        """Nothing turns green that was last seen bad by whoever looks at it."""
        if cause.condition == REACH:
            said = [self.reached.get((cause.subject, place)) for place in VANTAGES]
            assert True in said, f"{cause} closed while nobody reaches it: {said}"
        elif cause.condition == PATH:
            vantage, site = ends(cause)
            bad = [name for name, at in SITE_OF.items() if at == site and self.reached.get((name, vantage)) is False]
            dead = [name for name in bad if self.stage.level(self.reach(name)) is not AlertLevel.CLEAR]
            assert bad == dead, f"{cause} closed while {bad} are not reached from there"
        elif cause.condition == "icmp/loss":
            said_loss = [self.lossy.get((cause.subject, place), State.OK) for place in VANTAGES]
            assert not any(state.bad for state in said_loss), f"{cause} closed while {said_loss}"

    def reach(self, name: str) -> Cause:
        return Cause("dacorum", name, REACH)

    # How it is told

    last_away = False

    def probe_all(self) -> None:
        for name in NAMES:
            self.probe(name)

    def probe(self, name: str) -> None:
        for place in VANTAGES:
            if name == ALONE and place == "here":
                continue
            self.run_check(name, place)

    def run_check(self, name: str, place: str) -> None:
        if place == "there" and not self.prober:
            counts = self.stage.now >= getattr(self, "tried", 0.0) + 5.0
            if counts:
                self.tried = self.stage.now
            self.last_away = True
            self.reached.pop((name, place), None)  # nobody knows now
            self.stage.result(f"{name}/icmp", fault=TRIED if counts else NOT_TRIED, at=place)
            self.observe()
            return
        if place == "there":
            self.last_away = False
        reached = name not in self.dead and (place, SITE_OF.get(name, "gateway")) not in self.cut
        self.reached[name, place] = reached
        if reached:
            self.lossy[name, place] = self.loss.get((name, place), State.OK)
            self.stage.result(f"{name}/icmp", self.found(name, place), at=place)
        else:
            self.stage.result(f"{name}/icmp", fault=NO_ANSWER, at=place)
        self.observe()

    def found(self, name: str, place: str) -> Finding:
        return finding("icmp/loss", self.loss.get((name, place), State.OK))

    def teardown(self) -> None:
        """When all is well for long enough, nothing is open any more, and every ticket's last word is resolve."""
        self.well()
        for _ in range(90):
            self.stage.now += 30
            self.probe_all()
            self.stage.tick()
        assert not self.stage.live(), [one.cause for one in self.stage.live()]
        assert all(alert.level is AlertLevel.CLEAR for alert in self.stage.judge.alerts.values())
        for incident in {one.incident for one in self.stage.wishes}:
            kinds = self.stage.kinds(self.stage.incidents[incident])
            turns = [kind for kind in kinds if kind in (WishKind.RESOLVE, WishKind.REOPEN)]
            assert turns[-1] == WishKind.RESOLVE


TestTwoVantages = TwoVantages.TestCase
TestTwoVantages.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
