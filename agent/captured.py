"""Of answers that people kept, which findings nothing can be said of. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator

from checks.firewall.cluster import HA
from checks.network.plan import PROFILE
from config.profiles import ProfileModel
from config.profiles.roles import FirewallPart


def not_captured(profile: ProfileModel, said: Container[str]) -> frozenset[str]:
    """The findings of which a capture without some of the profile's questions tells nothing."""
    assert profile.asks is not None and profile.firewall is not None  # it is a firewall's, read by questions
    lacking = {name for name in profile.asks.often() if name not in said}
    about_the_role = {question for value in _of_the_role(profile.firewall) for question in _questions(profile, value)}
    keys = {f"firewall/{PROFILE}"} if lacking else set()
    return frozenset(keys | ({HA} if lacking & about_the_role else set()))


def _of_the_role(part: FirewallPart) -> Iterator[str]:
    for rule in part.roles:
        yield from (name for name in (rule.of, *(when.value or when.every for when in rule.when)) if name)
    if part.members is not None:
        yield from part.members.own.values()


def _questions(profile: ProfileModel, value: str) -> Iterator[str]:
    every = dict(profile.values)
    for table in profile.tables.values():
        every |= table.columns
    yield from (place.partition("#")[0] for place in every[value].oids)
