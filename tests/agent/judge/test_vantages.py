"""Two vantages look at the same targets: a way that is at fault, a target that is away, a vantage that is away."""

from agent.isolation import AWAY, DIFFERS, ISOLATED, PATH
from agent.records import AlertLevel, Cause, IncidentState
from checks.contract import Fault, Reason, State
from config.estate import SHARED, Estate, Need, Site, Target, Vantage
from testbeds.judging import ISOLATED as HERE_ISOLATED
from testbeds.judging import SILENT, Stage, all_of, check, estate, finding, reach, target

BOTH = ("here", "there")
SITES = (Site("gateway", "The Gateway", "aylesbury-vale"),)
FROM_HERE = Cause(SHARED, "here to gateway", PATH)
FROM_THERE = Cause("aylesbury-vale", "there to gateway", PATH)
THERE_AWAY = Cause(SHARED, "there", AWAY)
TRIED = Fault(Reason.LOCAL, "the prober at there does not answer", AWAY)
NOT_TRIED = Fault(Reason.WITHHELD, "the prober at there does not answer", AWAY)
DIFFERENT = Fault(Reason.LOCAL, "the prober at there reads another revision of the estate", DIFFERS)
WEB, MAIL = reach("web"), reach("mail")


def seen_by_both(name: str, *more: str, needs: Need | None = None, vantages: tuple[str, ...] = BOTH) -> Target:
    """A target at the gateway with a ping, and further checks."""
    checks = [check(name, kind, vantages=vantages) for kind in ("icmp", *more)]
    return target(name, *checks, needs=needs, site="gateway")


def two(*targets: Target, gateway: str | None = None, need: Need | None = None) -> Estate:
    return estate(
        *(targets or (seen_by_both("web"),)),
        vantages=(Vantage("there", "gateway", gateway),),
        sites=(Site("gateway", "The Gateway", "aylesbury-vale", need),),
    )


def away(stage: Stage, name: str = "web/icmp", fault: Fault = TRIED, after: float = 0.0, times: int = 1) -> None:
    for _ in range(times):
        stage.result(name, fault=fault, after=after, at="there")


def quiet(stage: Stage, *names: str) -> None:
    """Both vantages reach everything for a quarter of an hour."""
    for _ in range(30):
        stage.now += 30
        for name in names or ("web/icmp",):
            stage.good(name)
            stage.good(name, at="there")
        stage.tick()


def test_before_a_target_counts_as_unreachable_the_other_vantage_is_asked() -> None:
    stage = Stage(two())
    stage.good("web/icmp", at="there")

    stage.lost("web/icmp", after=30, times=2)

    assert stage.level(WEB) is AlertLevel.HELD
    assert [wish.target for wish in stage.probes] == ["web"]
    assert not stage.incidents


def test_if_the_other_vantage_reaches_it_the_way_is_at_fault_at_once() -> None:
    stage = Stage(two())
    stage.good("web/icmp", at="there")
    stage.lost("web/icmp", after=30, times=2)

    stage.good("web/icmp", after=1, at="there")

    assert stage.level(FROM_HERE) is AlertLevel.FIRING
    assert stage.level(WEB) is not AlertLevel.FIRING
    assert [one.cause for one in stage.incidents.values()] == [FROM_HERE]
    incident = stage.incident(FROM_HERE)
    assert incident.severity is State.WARNING
    assert incident.summary == (
        "web (192.0.2.1) answers there but not here: the way between is at fault, not the target."
    )


def test_it_is_told_of_the_other_vantage_in_the_same_words() -> None:
    stage = Stage(two())
    stage.lost("web/icmp", after=30, at="there")
    stage.good("web/icmp", after=1)
    stage.lost("web/icmp", after=30, at="there")

    assert stage.level(FROM_THERE) is AlertLevel.FIRING
    assert "answers here but not there" in stage.incident(FROM_THERE).summary
    assert not stage.all_incidents(WEB)


def test_if_nobody_reaches_it_the_target_is_unreachable_once() -> None:
    stage = Stage(two())
    stage.lost("web/icmp", after=30, times=2)

    stage.lost("web/icmp", after=1, at="there")
    stage.lost("web/icmp", after=1, at="there")

    assert [one.cause for one in stage.incidents.values()] == [WEB]
    assert set(stage.judge.alerts[WEB].contributions) == {"web/icmp", "web/icmp@there"}


def test_an_unreachable_target_that_one_vantage_reaches_again_is_over_and_the_way_is_at_fault_instead() -> None:
    stage = Stage(two())
    for _ in range(3):
        stage.lost("web/icmp", after=30)
        stage.lost("web/icmp", at="there")

    stage.good("web/icmp", after=30, at="there", times=2)

    assert stage.level(WEB) is AlertLevel.CLEAR
    assert stage.level(FROM_HERE) is AlertLevel.FIRING


def test_a_way_at_fault_is_one_cause_for_all_targets_behind_it_and_over_when_all_are_reached_again() -> None:
    stage = Stage(two(seen_by_both("web"), seen_by_both("mail")))
    for _ in range(3):
        for name in ("web/icmp", "mail/icmp"):
            stage.lost(name, after=20)
            stage.good(name, at="there", after=1)
    opened = [one.cause for one in stage.live()]
    told = stage.judge.alerts[FROM_HERE].summary

    stage.good("web/icmp", after=20, times=4)
    while_mail_is_cut_off = stage.level(FROM_HERE)
    stage.good("mail/icmp", after=20, times=2)

    assert opened == [FROM_HERE]
    assert "so do 1 more at gateway" in told
    assert while_mail_is_cut_off is AlertLevel.FIRING
    assert stage.level(FROM_HERE) is AlertLevel.CLEAR
    assert stage.incident(FROM_HERE).state is IncidentState.RECOVERING


def test_single_losses_of_different_targets_are_no_fault_of_the_way() -> None:
    names = [f"phone-{number}" for number in range(12)]
    stage = Stage(two(*(seen_by_both(name) for name in names)))

    for unlucky in names:
        for name in names:
            stage.good(f"{name}/icmp", at="there")
            (stage.lost if name == unlucky else stage.good)(f"{name}/icmp", after=1)

    assert not stage.incidents


def test_a_neighbour_from_the_same_vantage_makes_it_the_protocols_fault_and_not_the_ways() -> None:
    stage = Stage(two(seen_by_both("web", "snmp")))

    for _ in range(4):
        stage.lost("web/snmp", after=20)
        stage.good("web/icmp", after=1)
        stage.good("web/snmp", after=1, at="there")

    assert [one.cause.condition for one in stage.live()] == ["snmp/no-answer"]


def test_a_vantage_without_its_own_gateway_is_isolated_whoever_else_reaches_that() -> None:
    stage = Stage(two(seen_by_both("core"), seen_by_both("web"), gateway="core"))
    for name in ("core", "web", "core", "web", "core"):
        stage.lost(f"{name}/icmp", after=10, at="there")
        stage.good(f"{name}/icmp", after=1)

    assert [one.cause for one in stage.live()] == [Cause(SHARED, "there", ISOLATED)]
    assert "at there may be cut off" in stage.incident(Cause(SHARED, "there", ISOLATED)).summary


def test_a_dead_gateway_of_the_judge_is_one_cause_also_when_the_other_vantage_misses_it() -> None:
    gate = target("gate", check("gate", vantages=BOTH))
    stage = Stage(estate(gate, gateway="gate", vantages=(Vantage("there", "gateway"),), sites=SITES))

    for _ in range(3):
        stage.lost("gate/icmp", after=10, at="there")
        stage.lost("gate/icmp", after=1)
    stage.wait(30, step=1)

    assert [one.cause for one in stage.live()] == [HERE_ISOLATED]


def test_what_lies_behind_a_line_that_one_vantage_does_not_reach_hides_behind_the_way_to_it() -> None:
    line = seen_by_both("line")
    phone = target("phone", check("phone"), needs=all_of("line"))
    stage = Stage(two(line, phone))
    for _ in range(4):
        stage.lost("line/icmp", after=10)
        stage.good("line/icmp", after=1, at="there")
        stage.lost("phone/icmp", after=1)
    stage.wait(30, step=1)

    assert [one.cause for one in stage.live()] == [FROM_HERE]
    assert stage.judge.alerts[reach("phone")].suppressed_by == FROM_HERE


def test_a_target_whose_way_is_down_from_here_only_is_unreachable_when_the_other_vantage_misses_it_too() -> None:
    line = seen_by_both("line")
    phone = seen_by_both("phone", needs=all_of("line"))
    stage = Stage(two(line, phone))
    for _ in range(4):
        stage.lost("line/icmp", after=10)
        stage.good("line/icmp", after=1, at="there")
        stage.lost("phone/icmp", after=1)
        stage.lost("phone/icmp", after=1, at="there")
    stage.wait(60, step=1)

    assert {one.cause for one in stage.live()} == {FROM_HERE, reach("phone")}


def test_a_finding_that_differs_by_vantage_takes_the_worst_and_names_where_it_is_seen() -> None:
    stage = Stage(two())
    bad = finding("icmp/loss", State.WARNING, "40 % lost")
    for _ in range(2):
        stage.result("web/icmp", finding("icmp/loss"), after=30)
        stage.result("web/icmp", bad, at="there")
    cause = Cause("dacorum", "web", "icmp/loss")
    opened = stage.incident(cause)

    stage.result("web/icmp", finding("icmp/loss"), after=30)
    while_bad_from_there = stage.level(cause)
    for _ in range(2):
        stage.result("web/icmp", finding("icmp/loss"), after=30, at="there")

    assert opened.summary == "40 % lost (seen from there)"
    assert while_bad_from_there is AlertLevel.FIRING
    assert stage.level(cause) is AlertLevel.CLEAR


def test_a_vantage_that_is_away_is_one_cause_after_two_tries_however_many_checks_it_has() -> None:
    stage = Stage(two(seen_by_both("web", "snmp", "http")))

    away(stage)
    for name in ("web/snmp", "web/http", "web/icmp"):
        away(stage, name, NOT_TRIED, after=1)
    after_one_try = stage.live()
    away(stage, "web/snmp", after=5)

    assert not [one for one in after_one_try if one.state is IncidentState.OPEN]
    assert [one.cause for one in stage.live()] == [THERE_AWAY]
    assert stage.incident(THERE_AWAY).severity is State.UNKNOWN
    assert stage.incident(THERE_AWAY).summary == TRIED.message


def test_it_is_over_when_its_checks_are_answered_again() -> None:
    stage = Stage(two())
    away(stage, after=5, times=3)

    stage.good("web/icmp", after=5, times=2, at="there")
    recovering = stage.incident(THERE_AWAY).state
    for _ in range(11):
        stage.now += 60
        stage.good("web/icmp", at="there")
        stage.good("web/icmp")
        stage.tick()

    assert recovering is IncidentState.RECOVERING
    assert stage.incident(THERE_AWAY).state is IncidentState.RESOLVED
    assert stage.incident(THERE_AWAY).resolution == "recovered"


def test_while_it_is_away_the_judge_decides_alone_and_at_once() -> None:
    stage = Stage(two())
    stage.good("web/icmp", at="there")
    away(stage, after=5, times=2)

    stage.lost("web/icmp", after=30, times=2)

    assert stage.level(WEB) is AlertLevel.FIRING


def test_an_opening_that_waits_for_a_vantage_is_let_go_when_that_turns_out_to_be_away() -> None:
    stage = Stage(two())
    stage.good("web/icmp", at="there")
    stage.lost("web/icmp", after=30, times=2)
    held = stage.level(WEB)

    away(stage)

    assert held is AlertLevel.HELD
    assert stage.level(WEB) is AlertLevel.FIRING


def test_nothing_that_was_seen_from_there_turns_green_while_it_is_away_and_it_grows_stale_without_an_incident() -> None:
    stage = Stage(two())
    cause = Cause("dacorum", "web", "icmp/loss")
    for _ in range(2):
        stage.result("web/icmp", finding("icmp/loss", State.WARNING), after=30, at="there")
        stage.result("web/icmp", finding("icmp/loss"))

    for _ in range(20):
        away(stage, after=30)
        stage.result("web/icmp", finding("icmp/loss"))
        stage.tick()

    assert stage.incident(cause).state is IncidentState.OPEN
    assert stage.judge.alerts[cause].stale
    assert {one.cause for one in stage.live()} == {cause, THERE_AWAY}
    assert not stage.all_incidents(SILENT)


def test_a_target_that_only_the_vantage_that_is_away_looks_at_stays_as_it_was() -> None:
    stage = Stage(two(seen_by_both("web", vantages=("there",))))
    stage.lost("web/icmp", after=30, times=2, at="there")

    away(stage, after=30, times=10)

    assert stage.incident(WEB).state is IncidentState.OPEN


def test_another_revision_is_the_vantages_fault_when_the_same_check_meets_it_twice() -> None:
    stage = Stage(two(seen_by_both("web", "snmp")))

    away(stage, "web/icmp", DIFFERENT)
    away(stage, "web/snmp", DIFFERENT, after=1)
    rolling_out = list(stage.incidents.values())
    away(stage, "web/icmp", DIFFERENT, after=30)
    stage.good("web/snmp", after=1, at="there", times=5)
    still = stage.incident(THERE_AWAY).state
    stage.good("web/icmp", after=30, at="there", times=2)

    assert not rolling_out
    assert still is IncidentState.OPEN
    assert stage.level(THERE_AWAY) is AlertLevel.CLEAR


def test_a_vantage_behind_a_dead_line_hides_behind_the_line() -> None:
    line = target("line", check("line"))
    stage = Stage(two(seen_by_both("web", needs=all_of("line")), line, need=all_of("line")))
    for _ in range(3):
        stage.lost("line/icmp", after=5)
        away(stage, after=1)
        stage.lost("web/icmp", after=1)
    stage.wait(60, step=1)

    assert [one.cause for one in stage.live()] == [reach("line")]
    assert stage.children[stage.incident(reach("line")).id] == {THERE_AWAY, WEB}


def test_a_restart_in_the_middle_changes_nothing_and_what_was_open_still_closes() -> None:
    stage = Stage(two())
    for _ in range(3):
        stage.lost("web/icmp", after=20)
        stage.good("web/icmp", after=1, at="there")
    away(stage, after=5, times=2)
    before = {cause: stage.level(cause) for cause in (FROM_HERE, THERE_AWAY, WEB)}

    stage.crash()
    stage.tick()
    after = {cause: stage.level(cause) for cause in (FROM_HERE, THERE_AWAY, WEB)}
    quiet(stage)

    assert before[FROM_HERE] is before[THERE_AWAY] is AlertLevel.FIRING
    assert after == before
    assert {one.state for one in stage.incidents.values()} == {IncidentState.RESOLVED}
    assert len(stage.incidents) == 2


def test_a_check_that_gets_a_second_vantage_keeps_what_it_has_open() -> None:
    stage = Stage(two(seen_by_both("web", vantages=("here",))))
    stage.result("web/icmp", finding("icmp/loss", State.WARNING), after=30)
    stage.result("web/icmp", finding("icmp/loss", State.WARNING), after=30)
    cause = Cause("dacorum", "web", "icmp/loss")

    stage.reload(two())

    assert stage.incident(cause).state is IncidentState.OPEN
    assert set(stage.judge.alerts[cause].contributions) == {"web/icmp"}


def test_a_vantage_taken_out_of_the_estate_takes_its_causes_along() -> None:
    stage = Stage(two())
    for _ in range(3):
        stage.lost("web/icmp", after=20, at="there")
        stage.good("web/icmp", after=1)
    away(stage, after=5, times=2)

    stage.reload(two(seen_by_both("web", vantages=("here",))))

    assert not stage.live()
    assert {one.resolution for one in stage.incidents.values()} == {"withdrawn"}


def test_maintenance_over_every_target_behind_a_way_covers_the_way() -> None:
    stage = Stage(two(seen_by_both("web"), seen_by_both("mail")))
    stage.windows = {"web": "MNT-1"}
    for _ in range(3):
        stage.lost("web/icmp", after=20)
        stage.good("web/icmp", after=1, at="there")
    in_the_window = stage.level(FROM_HERE)

    for _ in range(3):
        stage.lost("mail/icmp", after=20)
        stage.good("mail/icmp", after=1, at="there")

    assert in_the_window is AlertLevel.HELD
    assert stage.level(FROM_HERE) is AlertLevel.FIRING


def test_explain_names_the_vantage_of_each_check() -> None:
    stage = Stage(two())
    stage.good("web/icmp")
    away(stage, times=2, after=5)

    explanation = stage.judge.explain("web", None, stage.now)

    assert explanation is not None
    assert "icmp (icmp, from here): unknown, reached it" in explanation.checks[0].text
    assert "there could not be asked" in explanation.checks[1].text
    assert [one.cause for one in explanation.alerts] == [THERE_AWAY]
