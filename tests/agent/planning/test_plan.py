from __future__ import annotations

from dataclasses import replace

from agent.planning import Open, Plan, TicketOf, make_plan
from agent.planning.text import NAMED, plan_json, plan_text, summary
from agent.records import RoutedDesk
from config.estate import DeskSpec, Estate, Maintenance, Selector, Vantage
from testbeds.judging import NO_ANSWER, START, NoOptions, Stage, check, estate, reach, target

RT = {"rt": DeskSpec("rt", "demo", NoOptions())}


def plan(old: Estate, new: Estate, **open_now: object) -> Plan:
    return make_plan(old, new, Open("here", START, **open_now), lambda _estate, _alert: ())  # type: ignore[arg-type]


def many(count: int, *, council: str = "dacorum", prefix: str = "t") -> list:
    return [target(f"{prefix}{number}", council=council) for number in range(count)]


def test_a_plan_has_the_name_of_both_revisions() -> None:
    one, other = estate(target("fw")), replace(estate(target("fw"), target("core")), revision="1")

    assert plan(one, other).expect != plan(other, one).expect
    assert plan(one, other).expect == plan(one, other).expect
    assert plan(one, one).empty and not plan(one, other).empty


def test_incidents_that_would_be_withdrawn_are_named_with_the_tickets_that_would_close() -> None:
    stage = Stage(estate(target("fw", check("fw")), target("core")))
    for _ in range(2):
        stage.result("fw/icmp", fault=NO_ANSWER, reached=False)
    (incident,) = stage.incidents.values()
    tickets = [TicketOf(incident.id, "rt", "4711"), TicketOf("RWY-another", "rt", "1")]

    made = plan(
        stage.estate,
        replace(estate(target("core")), revision="1"),
        alerts=list(stage.judge.alerts.values()),
        incidents=list(stage.machine.live.values()),
        tickets=tickets,
    )

    assert [(one.incident, one.cause, one.tickets) for one in made.withdrawn] == [
        (incident.id, reach("fw"), (tickets[0],))
    ]
    assert "ticket 4711 at rt closes" in plan_text(made)
    assert plan_json(made)["incidents_withdrawn"][0]["tickets_closed"] == [{"desk": "rt", "ticket": "4711"}]


def test_what_is_renamed_keeps_its_incident_and_what_would_be_routed_otherwise_is_told() -> None:
    stage = Stage(estate(target("fw")))
    for _ in range(2):
        stage.result("fw/icmp", fault=NO_ANSWER, reached=False)
    new = replace(estate(target("fw-1", formerly=("fw",))), revision="1")
    live = list(stage.machine.live.values())

    made = make_plan(
        stage.estate,
        new,
        Open("here", stage.now, list(stage.judge.alerts.values()), (), live),
        lambda _estate, alert: (RoutedDesk("rt", alert.cause.subject, "live"),),
    )

    assert [(one.old, one.new) for one in made.renamed] == [(reach("fw"), reach("fw-1"))]
    assert made.withdrawn == ()
    assert [one.then for one in made.rerouted] == [("rt (fw-1)",)]


def test_a_desk_with_tickets_that_are_not_done_with_cannot_be_dropped() -> None:
    old = replace(estate(target("fw")), desks=RT)
    new = replace(estate(target("fw")), revision="1", desks={"other": DeskSpec("other", "demo", NoOptions())})

    refused = plan(old, new, tickets=[TicketOf("RWY-1", "rt", "7"), TicketOf("RWY-2", "rt", None)])
    fine = plan(old, new, tickets=[TicketOf("RWY-1", "other", "7")])

    assert len(refused.refusals) == 1 and "2 incident(s) have a ticket there" in refused.refusals[0]
    assert fine.refusals == ()
    assert "ridgeway apply" not in plan_text(refused)


def test_another_name_and_another_place_are_refused() -> None:
    old = estate(target("fw"), vantages=(Vantage("there", "forum"),))

    name = plan(old, replace(old, name="other"))
    gone = plan(old, replace(old, vantages={"there": Vantage("there", "forum")}, vantage="there"))
    moved = plan(old, replace(old, vantage="there"))

    assert "keeps the ledger of stage" in name.refusals[0]
    assert "no vantage here any more" in gone.refusals[0]
    assert "That needs a restart of both" in moved.refusals[0]


def test_a_file_that_lost_much_looks_half_written() -> None:
    whole = estate(*many(12), *many(10, council="aylesbury-vale", prefix="a"))

    half = plan(whole, estate(*many(10)))
    council = plan(whole, estate(*many(12), *many(4, council="aylesbury-vale", prefix="a")))
    nothing = plan(whole, estate())

    assert half.suspicions == ("12 of 22 targets are gone",)
    assert council.suspicions == ("6 of the 10 targets of aylesbury-vale are gone",)
    assert nothing.suspicions == ("all of `targets` is gone, 22 before", "all of `checks` is gone, 22 before")
    assert f"ridgeway apply --expect {half.expect}" in plan_text(half)


def test_a_small_change_and_a_small_estate_are_believed() -> None:
    assert plan(estate(*many(12)), estate(*many(6))).suspicions == ()
    assert plan(estate(*many(5)), estate(*many(1))).suspicions == ()
    assert plan(estate(*many(9)), estate(*many(4))).suspicions == ("5 of 9 targets are gone",)


def test_a_section_that_is_gone_as_a_whole_looks_half_written_but_for_maintenance_that_is_over() -> None:
    window = Maintenance("w", Selector(), "work", "me", duration=1.0)
    old = replace(estate(target("fw")), desks=RT, maintenance=(window,))

    made = plan(old, replace(old, desks={}, maintenance=(), revision="1"))

    assert made.suspicions == ("all of `desks` is gone, 1 before",)


def test_checks_that_are_gone_from_targets_that_stay_count_too() -> None:
    names = ("icmp", "tcp", "http")
    old = estate(*(target(f"t{n}", *(check(f"t{n}", name) for name in names)) for n in range(4)))
    new = estate(*(target(f"t{n}", check(f"t{n}", "icmp")) for n in range(4)))

    assert plan(old, new).suspicions == ("8 of 12 checks are gone",)


def test_a_long_list_is_cut_and_says_by_how_much() -> None:
    text = plan_text(plan(estate(target("fw")), estate(target("fw"), *many(NAMED + 7))))

    assert text.count("  + t") == 2 * NAMED
    assert text.count("… and 7 more") == 2


def test_one_line_says_it_all() -> None:
    assert summary(plan(estate(target("fw")), estate(target("core")))) == (
        "targets: 1 added, 1 removed; checks: 1 added, 1 removed"
    )
    assert summary(plan(estate(target("fw")), estate(target("fw")))) == "nothing changed"
