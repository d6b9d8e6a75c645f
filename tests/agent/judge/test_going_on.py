"""A judge that lives on through reloads and one that is made anew from the ledger leave nothing open for ever."""

from agent.isolation import ISOLATED as CUT_OFF
from agent.isolation import PATH
from agent.records import AlertLevel, Cause
from checks.contract import State
from config.estate import SHARED, Estate, Site, Target, Vantage
from testbeds.judging import (
    ISOLATED,
    LOCAL,
    ONCE,
    REFUSED,
    NoOptions,
    Stage,
    check,
    estate,
    finding,
    reach,
    target,
)

MEMORY = Cause("dacorum", "fw", "snmp/memory")
FULL = finding("snmp/memory", State.WARNING, "Memory is 93 % full")
FINE = finding("snmp/memory")
FROM_HERE = Cause(SHARED, "here to gateway", PATH)


def quick(name: str, kind: str, value: int = 0) -> Target:
    return target(name, check(name, kind, open_after=ONCE, clear_after=ONCE, options=NoOptions(value=value)))


def seen_from(*vantages: str, names: tuple[str, ...] = ("web",), formerly: tuple[str, ...] = ()) -> Estate:
    made = (
        target(
            name, check(name, open_after=ONCE, clear_after=ONCE, vantages=vantages), site="gateway", formerly=formerly
        )
        for name in names
    )
    return estate(
        *made, vantages=(Vantage("there", "gateway"),), sites=(Site("gateway", "The Gateway", "aylesbury-vale"),)
    )  # fmt: skip


def test_a_target_that_takes_over_an_unreachable_one_can_close_that_however_calm_it_was() -> None:
    stage = Stage(estate(quick("core", "snmp"), quick("ups", "icmp")))
    stage.good("ups/icmp", times=2)
    stage.lost("core/snmp", after=30)
    ups = quick("ups", "icmp")

    stage.reload(estate(target("ups", *ups.checks, formerly=("core",))))
    taken_over = stage.level(reach("ups"))
    stage.good("ups/icmp", after=30)

    assert taken_over is AlertLevel.FIRING
    assert stage.level(reach("ups")) is AlertLevel.CLEAR


def test_a_check_that_takes_over_a_finding_of_a_target_gone_can_close_that_however_calm_it_was() -> None:
    stage = Stage(estate(quick("core", "snmp"), quick("fw", "snmp")))
    stage.result("fw/snmp", FINE)
    stage.result("fw/snmp", FINE, after=30)
    stage.result("core/snmp", FULL)

    stage.reload(estate(target("fw", *quick("fw", "snmp").checks, formerly=("core",))))
    taken_over = stage.level(MEMORY)
    stage.result("fw/snmp", FINE, after=30)

    assert taken_over is AlertLevel.FIRING
    assert stage.level(MEMORY) is AlertLevel.CLEAR


def test_a_way_is_withdrawn_when_nobody_looks_from_elsewhere_any_more() -> None:
    stage = Stage(seen_from("here", "there"))
    stage.good("web/icmp", at="there")
    stage.lost("web/icmp", after=30)
    stage.good("web/icmp", after=1, at="there")
    before = stage.level(FROM_HERE)

    judged = stage.reload(seen_from("here"))

    assert before is AlertLevel.FIRING
    assert judged.withdrawn == (FROM_HERE,)
    assert not stage.live()


def test_a_way_stays_at_fault_while_a_target_that_was_renamed_is_not_reached_on_it() -> None:
    stage = Stage(seen_from("here", "there", names=("web", "mail")))
    for name in ("web/icmp", "mail/icmp"):
        stage.lost(name, after=5)
        stage.good(name, after=1, at="there")

    stage.reload(estate_with_www())
    stage.good("mail/icmp", after=5)

    assert stage.level(FROM_HERE) is AlertLevel.FIRING
    stage.good("www/icmp", after=5)
    assert stage.level(FROM_HERE) is AlertLevel.CLEAR


def estate_with_www() -> Estate:
    www = seen_from("here", "there", names=("www",), formerly=("web",))
    mail = seen_from("here", "there", names=("mail",))
    return estate(
        *www.targets.values(), *mail.targets.values(), vantages=(Vantage("there", "gateway"),),
        sites=(Site("gateway", "The Gateway", "aylesbury-vale"),),
    )  # fmt: skip


def test_an_agent_is_no_longer_cut_off_when_its_vantage_has_no_gateway_any_more() -> None:
    stage = Stage(estate(quick("gate", "icmp"), gateway="gate"))
    stage.lost("gate/icmp")
    before = stage.level(ISOLATED)

    judged = stage.reload(estate(quick("gate", "icmp")))

    assert before is AlertLevel.FIRING
    assert judged.withdrawn == (ISOLATED,)


def test_a_target_named_like_a_vantage_does_not_take_over_that_the_vantage_is_cut_off() -> None:
    stage = Stage(estate(quick("gate", "icmp"), gateway="gate"))
    stage.lost("gate/icmp")

    stage.reload(estate(quick("gate", "icmp"), quick("here", "icmp"), gateway="gate"))

    assert [alert.cause for alert in stage.judge.alerts.values()] == [Cause(SHARED, "here", CUT_OFF)]


def test_a_key_that_options_no_longer_ask_for_is_withdrawn_also_when_the_agent_was_restarted_in_between() -> None:
    for reloaded in (True, False):
        stage = Stage(estate(quick("fw", "snmp")))
        stage.result("fw/snmp", FULL)
        changed = estate(quick("fw", "snmp", value=2))

        if reloaded:
            stage.reload(changed)
        stage.estate = changed
        stage.crash()
        stage.tick()
        kept = stage.level(MEMORY)
        judged = stage.result("fw/snmp", finding("snmp/uptime"), covers=["snmp/*"], after=60)

        assert kept is AlertLevel.FIRING
        assert judged.withdrawn == (MEMORY,)


def test_a_key_that_is_gone_is_a_finding_after_a_restart_with_the_same_options() -> None:
    stage = Stage(estate(quick("fw", "snmp")))
    stage.result("fw/snmp", FULL)

    stage.crash()
    stage.result("fw/snmp", finding("snmp/uptime"), covers=["snmp/*"], after=60)

    assert stage.level(MEMORY) is AlertLevel.FIRING
    assert "no longer reported" in stage.judge.alerts[MEMORY].summary


def test_a_check_that_no_longer_asks_for_a_key_leaves_it_to_the_other_one_that_does() -> None:
    https, tls = (check("fw", kind, open_after=ONCE, clear_after=ONCE) for kind in ("https", "tls"))
    stage = Stage(estate(target("fw", https, tls)))
    expiry = Cause("dacorum", "fw", "certificate/expiry")
    for id in ("fw/https", "fw/tls"):
        stage.result(id, finding("certificate/expiry", State.CRITICAL))

    other = check("fw", "https", open_after=ONCE, clear_after=ONCE, options=NoOptions(value=2))
    stage.reload(estate(target("fw", other, tls)))
    stage.result("fw/https", finding("https/status"), after=60)
    left_to_tls = stage.level(expiry)
    stage.result("fw/tls", finding("certificate/expiry"), after=60)

    assert left_to_tls is AlertLevel.FIRING
    assert stage.level(expiry) is AlertLevel.CLEAR


def test_a_fault_of_asking_recovers_after_a_change_of_options_and_is_not_withdrawn() -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp", open_after=ONCE))))
    refused = Cause("dacorum", "fw", "snmp/authentication")
    stage.result("fw/snmp", fault=REFUSED)

    stage.reload(estate(target("fw", check("fw", "snmp", open_after=ONCE, options=NoOptions(value=2)))))
    levels = []
    for _ in range(2):
        stage.good("fw/snmp", after=60)
        levels.append(stage.level(refused))

    assert levels == [AlertLevel.CLEARING, AlertLevel.CLEAR]
    assert stage.incident(refused).resolution != "withdrawn"


def test_a_fault_of_asking_that_another_one_followed_is_over_also_after_a_restart() -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp", open_after=ONCE))))
    local = Cause("dacorum", "fw", "snmp/local")
    stage.result("fw/snmp", fault=LOCAL)

    stage.crash()
    for _ in range(2):
        stage.result("fw/snmp", fault=REFUSED, after=60)

    assert stage.level(local) is AlertLevel.CLEAR
    assert stage.level(Cause("dacorum", "fw", "snmp/authentication")) is AlertLevel.FIRING


def test_a_finding_is_not_over_by_runs_without_an_answer_after_a_restart() -> None:
    stage = Stage(estate(target("fw", check("fw", "snmp", open_after=ONCE))))
    stage.result("fw/snmp", FULL)
    stage.result("fw/snmp", FINE, after=60)
    stage.lost("fw/snmp", after=60)

    stage.crash()
    for _ in range(3):
        stage.result("fw/snmp", fault=REFUSED, after=60)

    assert stage.level(MEMORY) is AlertLevel.CLEARING


def test_a_way_that_nobody_is_known_to_miss_after_a_restart_opens_by_the_next_result_and_not_by_the_restart() -> None:
    stage = Stage(seen_from("here", "there"))
    stage.lost("web/icmp", after=5)
    stage.lost("web/icmp", at="there")
    stage.result("web/icmp", fault=LOCAL, after=5)
    stage.windows["web"] = "MNT-1"
    stage.good("web/icmp", after=5, at="there")
    in_maintenance = stage.level(FROM_HERE)

    stage.crash()
    stage.tick()

    assert in_maintenance is AlertLevel.HELD
    assert stage.level(FROM_HERE) is AlertLevel.PENDING


def test_unreachable_is_not_withdrawn_by_a_restart_because_the_last_run_of_who_is_left_could_not_tell() -> None:
    ping, snmp = (check("fw", kind, open_after=ONCE, clear_after=ONCE) for kind in ("icmp", "snmp"))
    stage = Stage(estate(target("fw", ping, snmp)))
    stage.good("fw/icmp")
    stage.lost("fw/snmp", after=5)
    stage.result("fw/icmp", fault=LOCAL, after=1)
    stage.wait(60, step=1)
    stage.reload(estate(target("fw", ping)))
    before = stage.level(reach("fw"))

    stage.crash()
    stage.tick()

    assert before is AlertLevel.FIRING
    assert stage.level(reach("fw")) is AlertLevel.FIRING


def test_a_refusal_that_was_open_before_its_target_fell_silent_stays_open_and_closes_by_its_own_answer() -> None:
    stage = Stage(
        estate(target("fw", *(check("fw", kind, open_after=ONCE, clear_after=ONCE) for kind in ("icmp", "snmp"))))
    )
    refused = Cause("dacorum", "fw", "snmp/authentication")
    stage.result("fw/snmp", fault=REFUSED)

    for id in ("fw/snmp", "fw/icmp"):
        stage.lost(id, after=5)
    in_silence = {one.cause for one in stage.live()}
    stage.good("fw/icmp", after=5)
    with_ping_alone = stage.level(refused)
    stage.good("fw/snmp", after=5)

    assert in_silence == {refused, reach("fw")}
    assert with_ping_alone is AlertLevel.FIRING
    assert [stage.level(refused), stage.level(reach("fw"))] == [AlertLevel.CLEAR, AlertLevel.CLEAR]
