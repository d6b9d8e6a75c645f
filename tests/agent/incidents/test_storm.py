"""The link of a site with five thousand targets dies, and comes back."""

import pytest

from agent.records import EventKind, IncidentState
from testbeds.judging import Stage, all_of, estate, reach, target

LINK = reach("link")
MANY = 5_000


def gateway_answers(stage: Stage, asked: str) -> None:
    if asked == "gate":
        stage.good("gate/icmp", after=0.01)


@pytest.fixture(scope="module")
def stage() -> Stage:
    """The dying link has been judged, and so has everything behind it."""
    children = [target(f"desk-{number:04d}", needs=all_of("link")) for number in range(MANY)]
    made = Stage(estate(target("link"), target("gate"), *children, gateway="gate"), answers_wishes=gateway_answers)
    for _ in range(2):
        for child in children:
            made.lost(f"{child.name}/icmp", after=0.001)
    made.lost("link/icmp", after=3, times=2)
    made.wait(20, step=1)
    return made


def test_there_is_one_incident_and_no_ticket_for_any_child(stage: Stage) -> None:
    assert [one.cause for one in stage.incidents.values()] == [LINK]
    assert stage.kinds(stage.incident(LINK)).count("ensure-ticket") == 1


def test_every_child_is_listed_in_it(stage: Stage) -> None:
    link = stage.incident(LINK)

    assert link.hidden == MANY
    assert len(stage.children[link.id]) == MANY


def test_the_parent_and_the_gateway_are_asked_a_few_times_and_not_once_per_child(stage: Stage) -> None:
    asked = [wish.target for wish in stage.probes]

    assert set(asked) <= {"link", "gate"}
    assert len(asked) < 12


def test_the_children_come_in_batches_and_not_one_event_each(stage: Stage) -> None:
    assert sum(event.kind is EventKind.HIDES for event in stage.events) <= 2


def test_when_it_returns_the_children_go_with_it_and_none_gets_an_incident(stage: Stage) -> None:
    stage.good("link/icmp", after=60, times=2)
    for _ in range(13):
        for number in range(MANY):
            stage.good(f"desk-{number:04d}/icmp", after=0.001)
        stage.good("link/icmp", after=30)
        stage.good("gate/icmp", after=30)
        stage.tick()

    link = stage.incident(LINK)
    assert list(stage.incidents) == [link.id]
    assert link.state is IncidentState.RESOLVED
    assert not stage.children[link.id]
