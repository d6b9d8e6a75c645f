"""Needs of targets: inheritance from the site, and circles."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from config.estate import Need
from config.resolve.needs import circles, inherited


def test_needs_of_target_and_site_are_joined_flat_and_without_repetition() -> None:
    site, own = Need("all", ("link", "core")), Need("all", ("switch", "core"))

    assert inherited("phone", own, site) == Need("all", ("link", "core", "switch"))


def test_a_resilient_need_stays_one_part() -> None:
    either = Need("any", ("link-a", "link-b"))

    assert inherited("phone", Need("all", ("switch",)), either) == Need("all", (either, "switch"))
    assert inherited("phone", either, Need("all", ("core",))) == Need("all", ("core", either))


def test_what_the_site_needs_does_not_need_itself_however_deep_it_is_named() -> None:
    site = Need("all", ("core", Need("any", ("link-a", "link-b"))))

    assert inherited("link-b", None, site) is None
    assert inherited("link-b", Need("all", ("core",)), site) == Need("all", ("core",))


def test_a_circle_is_told_from_where_it_begins() -> None:
    needs = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}

    assert list(circles({name: frozenset(on) for name, on in needs.items()})) == [("b", "c", "b")]


def test_a_chain_longer_than_the_stack_is_walked() -> None:
    needs = {f"t{n}": frozenset({f"t{n + 1}"}) for n in range(50_000)}

    assert list(circles(needs)) == []
    assert len(list(circles({**needs, "t50000": frozenset({"t0"})}))) == 1


_GRAPHS = st.dictionaries(st.sampled_from("abcdefg"), st.frozensets(st.sampled_from("abcdefg"), max_size=3), max_size=7)


@given(_GRAPHS)
def test_a_circle_is_found_where_and_only_where_some_target_reaches_itself(needs: dict[str, frozenset[str]]) -> None:
    found = list(circles(needs))

    reachable = {name: set(on) for name, on in needs.items()}
    for _ in needs:
        for name in needs:
            reachable[name] |= {far for near in list(reachable[name]) for far in reachable.get(near, ())}
    assert bool(found) == any(name in reachable[name] for name in needs)
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(after in needs[before] for before, after in pairwise(circle))
