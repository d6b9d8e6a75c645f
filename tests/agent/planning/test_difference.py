from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.planning import Kind, difference
from config.estate import Council, Credential, DeskSpec, Estate, Every, Level, Route, Selector, Target
from config.secrets import SecretReference
from testbeds.judging import NoOptions, check, estate, target

_NAMES = ("fw", "core", "ups")


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Estates so small that two of them are often equal, or nearly."""
    targets = []
    for name in draw(st.lists(st.sampled_from(_NAMES), unique=True)):
        checks = [
            check(
                name, one, every=draw(st.sampled_from([60.0, 300.0])), options=NoOptions(value=draw(st.integers(0, 1)))
            )
            for one in draw(st.lists(st.sampled_from(["icmp", "tcp"]), unique=True, min_size=1))
        ]
        formerly = draw(st.sampled_from([(), *((other,) for other in _NAMES if other != name)]))
        targets.append(target(name, *checks, formerly=formerly, council=draw(st.sampled_from(["dacorum", "shared"]))))
    routes = tuple(
        Route(name, Selector(), ("rt",), draw(st.sampled_from(["a", "b"])))
        for name in draw(st.lists(st.sampled_from(["first", "second"]), unique=True))
    )
    desks = {"rt": DeskSpec("rt", "demo", NoOptions())} if draw(st.booleans()) else {}
    return replace(estate(*targets), routes=routes, desks=desks, revision=draw(st.sampled_from("ab")))


@given(estates(), estates())
def test_a_difference_is_empty_exactly_where_the_estates_are_equal(one: Estate, other: Estate) -> None:
    differs = difference(one, other)

    assert (not differs.changes) is (replace(one, revision="") == replace(other, revision=""))


@given(estates())
def test_an_estate_does_not_differ_from_a_copy_of_itself(one: Estate) -> None:
    copied = {
        name: replace(each, checks=tuple(replace(spec) for spec in each.checks)) for name, each in one.targets.items()
    }

    assert difference(one, replace(one, targets=copied)).changes == ()


@given(estates(), estates())
def test_what_is_added_one_way_is_removed_the_other(one: Estate, other: Estate) -> None:
    there, back = difference(one, other), difference(other, one)

    for section in ("routes", "desks", "councils"):
        assert {c.name for c in there.of(section, Kind.ADDED)} == {c.name for c in back.of(section, Kind.REMOVED)}
    assert there.after == back.before


def test_every_kind_of_change_has_its_words() -> None:
    slow = check("core", "icmp", every=60.0)
    old = estate(target("fw"), target("core", slow), target("old"), target("gone", check("gone"), check("gone", "tcp")))
    new = estate(
        replace(target("fw", check("fw", options=NoOptions(value=2))), address="192.0.2.9", impact=Level.HIGH),
        target("core", replace(slow, schedule=Every(300.0))),
        target("new", formerly=("old",)),
        target("more"),
    )

    said = [(c.section, c.kind.value, c.name, c.fields, c.was) for c in difference(old, new).changes]

    assert said == [
        ("targets", "removed", "gone", (), ""),
        ("checks", "removed", "gone/icmp", (), ""),
        ("checks", "removed", "gone/tcp", (), ""),
        ("targets", "changed", "fw", ("address 192.0.2.1 → 192.0.2.9", "impact medium → high"), ""),
        ("checks", "changed", "fw/icmp", ("options.value",), ""),
        ("checks", "changed", "core/icmp", ("schedule 60 s → 300 s",), ""),
        ("targets", "renamed", "new", ("formerly",), "old"),
        ("checks", "renamed", "new/icmp", (), "old/icmp"),
        ("targets", "added", "more", (), ""),
        ("checks", "added", "more/icmp", (), ""),
    ]


def test_no_value_of_a_credential_or_of_a_section_that_may_hold_secrets_is_shown() -> None:
    def with_(secret: str, desk: str) -> Estate:
        holder = {
            "snmp": Credential("read", "snmp-v2c", {"community": secret, "other": SecretReference("env", secret)})
        }
        made = estate(replace(target("fw"), credentials=holder))
        return replace(made, desks={"rt": DeskSpec("rt", desk, NoOptions())})

    differs = difference(with_("hunter2", "one-kind"), with_("hunter3", "other-kind"))

    assert [change.fields for change in differs.changes] == [("credentials",), ("kind",)]
    assert "hunter" not in repr(differs) and "one-kind" not in repr(differs)


def test_a_section_that_nobody_here_has_heard_of_is_compared_all_the_same() -> None:
    old, new = estate(target("fw")), estate(target("fw"))
    new = replace(new, councils={**new.councils, "shared": Council("shared", "Both")}, vantage="there")

    assert [(c.section, c.kind.value, c.name) for c in difference(old, new).changes] == [
        ("councils", "added", "shared"),
        ("vantage", "changed", ""),
    ]


def test_the_order_of_routes_is_part_of_what_they_mean() -> None:
    routes = tuple(Route(name, Selector(), ("rt",), "q") for name in ("first", "second"))
    old = replace(estate(target("fw")), routes=routes)

    (change,) = difference(old, replace(old, routes=routes[::-1])).changes

    assert (change.section, change.fields) == ("routes", ("their order",))


def test_a_name_that_two_targets_share_in_turn_is_no_rename_while_both_are_there() -> None:
    old: Estate = estate(target("fw"), target("core"))
    both: Target = target("core", formerly=("fw",))

    changes = difference(old, estate(both)).of("targets")

    assert [(c.kind.value, c.name) for c in changes] == [("removed", "fw"), ("changed", "core")]
