"""Where an incident goes, and whether planned work covers it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.estate import Cron, Estate, Maintenance, Selector
from config.routing import is_active, maintenance_at, matches, next_change, route_for
from testbeds.estates import SMALLEST, load_text

_TEXT = SMALLEST + (
    "services: {telephony: {council: shared, impact: high}}\n"
    "targets:\n"
    "  forum-fw: {address: 192.0.2.1, site: forum, checks: [icmp]}\n"
    "  forum-pbx: {address: 192.0.2.2, site: forum, council: shared, services: [telephony], checks: [icmp]}\n"
    "desks: {rt: {kind: tracker, url: 'https://desk.example', token: 'env:RT'}}\n"
    "routes:\n"
    "  - {name: phones, match: {services: [telephony]}, desks: [rt], queue: Telephony}\n"
    "  - {name: dacorum, match: {councils: [dacorum], conditions: ['snmp/*']}, desks: [rt], queue: Network}\n"
    "  - {name: rest, desks: [rt], queue: IT}\n"
)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return load_text(tmp_path, _TEXT)


def test_a_field_that_is_not_restricted_matches_everything(estate: Estate) -> None:
    assert matches(Selector(), estate, council="shared")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Selector(councils=("dacorum",)), True),
        (Selector(councils=("shared", "aylesbury-vale")), False),
        (Selector(targets=("forum-*",)), True),
        (Selector(targets=("*-fw",), sites=("forum",)), True),
        (Selector(targets=("*-fw",), sites=("gateway",)), False),
        (Selector(kinds=("icmp",)), True),
        (Selector(conditions=("target/unreachable",)), True),
        (Selector(conditions=("target/*",)), True),
        (Selector(conditions=("target",)), False),
        (Selector(services=("telephony",)), False),
    ],
)
def test_every_restricted_field_must_fit(estate: Estate, selector: Selector, expected: bool) -> None:
    condition = "target/unreachable"

    found = matches(
        selector, estate, council="dacorum", site="forum", target="forum-fw", kind="icmp", condition=condition
    )

    assert found is expected


@pytest.mark.parametrize("field", ["sites", "targets", "services", "kinds", "conditions"])
def test_what_is_not_known_does_not_fit_a_restriction(estate: Estate, field: str) -> None:
    assert not matches(Selector(**{field: ("*",)}), estate, council="dacorum")


@pytest.mark.parametrize(
    ("council", "target", "condition", "route"),
    [
        ("shared", "forum-pbx", "target/unreachable", "phones"),
        ("dacorum", "forum-fw", "snmp/memory", "dacorum"),
        ("dacorum", "forum-fw", "target/unreachable", "rest"),
        ("shared", None, None, "rest"),
    ],
)
def test_the_first_route_that_matches_decides(
    estate: Estate, council: str, target: str | None, condition: str | None, route: str
) -> None:
    found = route_for(estate, council=council, target=target, condition=condition)

    assert found is not None
    assert found.name == route


def test_an_estate_without_routes_sends_nothing_anywhere(tmp_path: Path) -> None:
    estate = load_text(tmp_path, SMALLEST)

    assert route_for(estate, council="dacorum") is None


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _nightly(expression: str = "30 1 * * *", hours: float = 2.0) -> Maintenance:
    cron = Cron(expression, "Europe/London")
    return Maintenance("nightly", Selector(), "Backups", "Server team", cron=cron, duration=hours * 3600)


_ONCE = Maintenance(
    "once", Selector(targets=("forum-fw",)), "New firmware", "Network team",
    datetime(2026, 11, 7, 22, tzinfo=UTC), datetime(2026, 11, 7, 23, tzinfo=UTC),
)  # fmt: skip


def test_a_window_is_open_from_its_first_moment_to_before_its_last() -> None:
    begin, end = _moment("2026-11-07T22:00+00:00"), _moment("2026-11-07T23:00+00:00")

    assert [is_active(_ONCE, at) for at in (begin - 1, begin, end - 1, end)] == [False, True, True, False]
    assert [next_change([_ONCE], at) for at in (begin - 1, begin, end - 1, end)] == [begin, end, end, None]


def test_the_first_window_that_is_open_and_applies_is_given(estate: Estate) -> None:
    now = _moment("2026-11-07T22:30+00:00")
    others = [_nightly(), _ONCE]

    covered = maintenance_at(others, estate, council="dacorum", target="forum-fw", now=now)
    other = maintenance_at(others, estate, council="dacorum", target="forum-pbx", now=now)

    assert covered is _ONCE
    assert other is None


# 29 March 2026: 01:30 does not exist, the window begins at 02:00 BST = 01:00 UTC. 25 October: 01:30 exists twice, the
# window begins at the first, 00:30 UTC. It lasts two real hours on both nights.
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2026-03-28T01:30+00:00", "2026-03-28T03:30+00:00"),
        ("2026-03-29T01:00+00:00", "2026-03-29T03:00+00:00"),
        ("2026-03-30T00:30+00:00", "2026-03-30T02:30+00:00"),
        ("2026-10-24T00:30+00:00", "2026-10-24T02:30+00:00"),
        ("2026-10-25T00:30+00:00", "2026-10-25T02:30+00:00"),
        ("2026-10-26T01:30+00:00", "2026-10-26T03:30+00:00"),
    ],
)
def test_a_nightly_window_keeps_its_length_when_the_clocks_change(begin: str, end: str) -> None:
    window, first, last = _nightly(), _moment(begin), _moment(end)

    open_at = [is_active(window, at) for at in (first - 1, first, first + 3600, last - 1, last, last + 600)]

    assert open_at == [False, True, True, True, False, False]
    assert next_change([window], first - 1) == first
    assert next_change([window], first) == last


@given(
    st.sampled_from(["30 1 * * *", "0 22 * * 2", "0 */6 * * *", "59 1 25 10 *"]),
    st.sampled_from([0.25, 1.0, 4.0]),
    st.integers(int(_moment("2026-03-27T00:00+00:00")), int(_moment("2026-11-01T00:00+00:00"))),
    st.floats(0, 1),
)
def test_nothing_changes_before_the_next_change(expression: str, hours: float, now: int, share: float) -> None:
    window = _nightly(expression, hours)
    change = next_change([window, _ONCE], now)
    assert change is not None

    between = now + share * (change - now) * 0.999

    assert change > now
    assert is_active(window, between) == is_active(window, now)
    assert is_active(_ONCE, between) == is_active(_ONCE, now)


def test_no_window_never_changes() -> None:
    assert next_change([], 0.0) is None
