"""What readers of one council are told of events and incidents that name another's things, from a real machine."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger import codec
from agent.ledger.read import KeptEvent
from agent.records import Cause, Event, EventKind, Incident
from exporters.feed.scoped import behind, incident_for, scoped
from testbeds import kept as made
from testbeds.judging import ONCE, Stage, all_of, check, estate, target

HERE = frozenset({"dacorum"})
THERE = ("aylesbury", "bierton")


def events(stage: Stage) -> list[KeptEvent]:
    """As the ledger keeps them, each with its incident as it is now."""
    return [
        KeptEvent(number, stage.incidents[one.incident].cause.council, one, codec.about(stage.incidents[one.incident]))
        for number, one in enumerate(stage.events, 1)
    ]


def told(stage: Stage, councils: frozenset[str] | None) -> str:
    """All that these readers are told, as text."""
    seen = [one for one in events(stage) if councils is None or one.council in councils]
    return str([asdict(scoped(one, councils)) for one in seen])


def names_nothing_of_theirs(text: str) -> bool:
    return not any(word in text for word in THERE)


def behind_one_another() -> Stage:
    """A link of Aylesbury Vale with two things of each council behind it; then Dacorum's has one of each behind it."""
    stage = Stage(
        estate(
            target("bierton-link", check("bierton-link", open_after=ONCE), council="aylesbury-vale"),
            *(target(f"fw-{n}", check(f"fw-{n}", open_after=ONCE), needs=all_of("bierton-link")) for n in (1, 2)),
            target("core", check("core", open_after=ONCE)),
            target("desk", check("desk", open_after=ONCE), needs=all_of("core")),
            target(
                "bierton-pump", check("bierton-pump", open_after=ONCE), needs=all_of("core"), council="aylesbury-vale"
            ),
        )
    )  # fmt: skip
    for name in ("core", "desk", "bierton-pump", "fw-1", "fw-2", "bierton-link"):
        stage.lost(f"{name}/icmp", after=10)
    for name in ("core", "bierton-link", "desk", "bierton-pump", "fw-1", "fw-2"):
        stage.lost(f"{name}/icmp", after=10)
    stage.wait(60)
    return stage


def test_what_hides_behind_an_incident_is_counted_for_the_councils_of_the_reader_only() -> None:
    stage = behind_one_another()

    mine = [
        scoped(one, HERE).event for one in events(stage) if one.council in HERE and one.event.kind is EventKind.HIDES
    ]
    everybodys = [one.event for one in events(stage) if one.event.kind is EventKind.HIDES and one.council in HERE]

    assert everybodys[-1].data["total"] == 2
    assert everybodys[-1].data["total:aylesbury-vale"] == 1
    assert mine[-1].data["total"] == 1
    assert mine[-1].text == "1 cause hides behind it."
    assert "aylesbury" in told(stage, None)
    assert names_nothing_of_theirs(told(stage, HERE))


def test_a_cause_of_another_council_is_told_without_its_name() -> None:
    event = Event(
        "RWY-1", made.NOW, EventKind.SUPPRESSED, "agent", "Lies behind aylesbury-vale/bierton-link: snmp/memory.",
        {"by": "aylesbury-vale/bierton-link: snmp/memory", "by_council": "aylesbury-vale"},
    )  # fmt: skip
    kept = KeptEvent(1, "dacorum", event)

    assert scoped(kept, HERE).event.text == "Lies behind something of another council."
    assert scoped(kept, HERE).event.data == {"by": "something of another council"}
    assert scoped(kept, HERE | {"aylesbury-vale"}) is kept
    assert scoped(kept, None) is kept


def test_an_event_written_before_whose_things_it_names_was_kept_tells_less_and_never_more() -> None:
    texts: list[tuple[EventKind, str, dict[str, str | int | float | None]]] = [
        (EventKind.SUPPRESSED, "Lies behind aylesbury-vale/x: y.", {"by": "aylesbury-vale/x: y"}),
        (EventKind.HIDES, "5 causes hide behind it.", {"added": 5, "removed": 0, "total": 5}),
        (EventKind.CHANGED, "Now watched as a (dacorum), formerly bierton (aylesbury-vale).", {}),
    ]
    old = [Event("RWY-1", 1.0, kind, "agent", text, data) for kind, text, data in texts]

    shown = [scoped(KeptEvent(1, "dacorum", event), HERE).event for event in old]

    assert [event.text for event in shown] == [
        "Lies behind something of another council.",
        "What hides behind it has changed.",
        "Now watched under another name.",
    ]
    assert names_nothing_of_theirs(str(shown))
    assert "5" not in str([event.data for event in shown])


def test_what_came_from_another_council_forgets_there_where_it_came_from() -> None:
    stage = Stage(estate(target("bierton-fw", check("bierton-fw", open_after=ONCE), council="aylesbury-vale")))
    stage.lost("bierton-fw/icmp")
    stage.reload(estate(target("fw", check("fw", open_after=ONCE), formerly=("bierton-fw",))))

    (moved,) = [one for one in events(stage) if one.event.kind is EventKind.CHANGED]

    assert moved.event.text == "Now watched as fw (dacorum), formerly bierton-fw (aylesbury-vale)."
    assert scoped(moved, HERE).event.text == "Now watched as fw (dacorum)."
    assert names_nothing_of_theirs(str(asdict(scoped(moved, HERE))))


def test_a_shared_cause_of_many_is_told_in_general_words_to_readers_of_one_council() -> None:
    stage = Stage(estate(target("bierton-gateway", council="aylesbury-vale"), gateway="bierton-gateway"))
    stage.lost("bierton-gateway/icmp", after=60, times=3)
    reader = HERE | {"shared"}

    (incident,) = stage.incidents.values()

    assert "bierton" in told(stage, None)
    assert "the agent may be cut off" in told(stage, reader)
    assert names_nothing_of_theirs(told(stage, reader))
    assert "bierton" in incident.summary
    assert incident_for(incident, reader, 0).summary == "here: the agent may be cut off."
    assert incident_for(incident, reader, 0).evidence == {}


def test_an_incident_says_that_it_lies_behind_something_without_saying_what() -> None:
    root = Cause("aylesbury-vale", "bierton-link", "target/unreachable")
    incident = made.incident(suppressed_by=root, hidden=7)

    shown = incident_for(incident, HERE, 2)

    assert (shown.suppressed_by, shown.hidden) == (None, 2)
    assert behind(root, HERE) == "something of another council"
    assert behind(Cause("shared", "here", "agent/isolated"), HERE) == "something shared"
    assert behind(root, None) == str(root)
    assert behind(None, HERE) is None
    assert incident_for(incident, None, 2) is incident


def test_an_event_of_another_council_is_not_told_at_all() -> None:
    with pytest.raises(LookupError):
        scoped(KeptEvent(1, "aylesbury-vale", made.event()), HERE)


COUNCILS = st.sampled_from(["dacorum", "aylesbury-vale", "shared"])


@given(
    st.dictionaries(COUNCILS, st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))),
    st.frozensets(COUNCILS),
)
def test_counts_for_a_reader_are_the_sums_of_what_the_reader_may_see(counts, others) -> None:
    reader = others | HERE
    data: dict[str, str | int | float | None] = {
        f"{what}:{council}": three[place]
        for council, three in counts.items()
        for place, what in enumerate(("added", "removed", "total"))
    }
    data |= {
        what: sum(three[place] for three in counts.values()) for place, what in enumerate(("added", "removed", "total"))
    }
    event = Event("RWY-1", 1.0, EventKind.HIDES, "agent", "some", data)

    shown = scoped(KeptEvent(1, "dacorum", event), reader).event.data

    assert {key.partition(":")[2] for key in shown} <= reader | {""}
    for place, what in enumerate(("added", "removed", "total")):
        theirs = sum(three[place] for council, three in counts.items() if council in reader)
        assert shown.get(what, 0) == theirs or (not counts and shown == {})


def test_nothing_else_of_an_event_changes() -> None:
    incident: Incident = made.incident()
    kept = KeptEvent(9, "dacorum", made.event(), codec.about(incident))

    assert scoped(kept, HERE) is kept
    assert replace(scoped(kept, HERE), event=kept.event) == kept
