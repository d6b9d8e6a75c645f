"""Does the pair do its work: exactly one active member, and each shared address on exactly one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from checks.contract import Finding, State
from checks.firewall.members import Told
from checks.firewall.pair.addresses import NO_CREDENTIAL
from checks.firewall.pair.views import SERVING, WORDS, View, told_of
from config.profiles.roles import Role

KEY = "pair/service"
ADDRESS = "pair/address"
FAILS = "service fails"
WITNESS = "witness: one"


@dataclass(frozen=True, slots=True)
class Service:
    """What is known of the service."""

    finding: Finding | None
    """None where it cannot be told, and another finding says why."""
    serving: tuple[str, ...] = ()
    """The members that do the work, by all that is known."""
    address: Finding | None = None
    """What is known of the shared addresses, where nothing is wrong with them."""

    @property
    def fails(self) -> bool:
        """Whether the service is not there."""
        return self.finding is not None and self.finding.state is State.CRITICAL


def service(views: Sequence[View], several: bool, addresses: Sequence[str]) -> Service:
    """The rules in order: an address in the wrong places, too many active members, none, and what cannot be told."""
    serving = [view.name for view in views if view.serves]
    witnessed = {view.name: told for view in views if not view.read and (told := witnessed_of(view, views))}
    by_witness = [name for name, told in witnessed.items() if told.role in SERVING]
    address, wrong = _addresses(views, addresses, serving)
    stories = "; ".join(view.story() for view in views)
    evidence = _evidence(views, witnessed)
    all_serving = (*serving, *by_witness)

    def made(state: State, words: str) -> Service:
        return Service(Finding(KEY, state, words[:300], evidence), tuple(all_serving), address)

    if len(all_serving) > 1 and not several:
        witness = f" ({WITNESS})" if by_witness else ""
        both = " and ".join(all_serving)
        more = f"; {wrong}" if wrong else ""
        return made(State.CRITICAL, f"{FAILS}: {len(all_serving)} members are active, {both}{witness}{more}")
    untold = [view for view in views if view.role is Role.UNKNOWN and view.name not in witnessed]
    nobody = not untold and not all_serving
    if wrong:
        first = "no member is active, and " if nobody else ""
        return made(State.CRITICAL, f"{FAILS}: {first}{wrong} ({stories})")
    if not any(view.read for view in views):
        why = "; ".join(f"{view.name}: {why_not_read(view)}" for view in views)
        return made(State.UNKNOWN, f"no member can be read, so nothing of the pair can be told: {why}")
    if not any(view.found.told_at_all for view in views if view.found is not None):
        return _by_address(views, addresses, made)
    if nobody:
        return made(State.CRITICAL, f"{FAILS}: no member is active: {stories}")
    if not untold:
        return made(State.OK, _running(all_serving, by_witness, witnessed))
    if len(untold) == len(views):
        return made(State.UNKNOWN, f"which member is active cannot be told: {stories}")
    if not all_serving:
        return made(
            State.UNKNOWN, f"no member that can be read is active, so whether the service runs is not known: {stories}"
        )
    return Service(None, tuple(all_serving), address)


def _running(serving: Sequence[str], by_witness: Sequence[str], witnessed: Mapping[str, Told]) -> str:
    words = f"{' and '.join(serving)} {'are' if len(serving) > 1 else 'is'} active"
    if by_witness:
        return f"{words}, by the word of the other member alone ({WITNESS})"
    if witnessed:
        rest = ", ".join(f"{name} is {WORDS[told.role]}" for name, told in witnessed.items())
        return f"{words}; by its word alone {rest} ({WITNESS})"
    return words


def witnessed_of(silent: View, views: Sequence[View]) -> Told | None:
    """What the members that were read say of one that was not; nothing unless they agree on a known role."""
    said = [told for view in views if view.whole and (told := told_of(view, silent, views)) is not None]
    roles = {told.role for told in said}
    return said[0] if len(roles) == 1 and Role.UNKNOWN not in roles else None


def _addresses(views: Sequence[View], addresses: Sequence[str], serving: Sequence[str]) -> tuple[Finding | None, str]:
    """What is known of the shared addresses; and, instead, what is wrong with them."""
    asked = [view for view in views if view.part.addresses is not None or view.part.no_addresses]
    if not asked or not addresses:
        return None, ""
    unread = [view for view in views if view.part.addresses is None]
    for address in addresses:
        holders = [view.name for view in views if address in (view.part.addresses or ())]
        if len(holders) > 1:
            return None, f"the address {address} stands on {' and '.join(holders)} at once"
        if unread:
            continue
        if not holders:
            return None, f"nobody has the address {address}"
        if serving and holders[0] not in serving:
            return None, f"the address {address} stands on {holders[0]}, which is not the active member"
    listed = ", ".join(addresses)
    if not unread:
        return Finding(ADDRESS, State.OK, f"on one member only: {listed}"[:300]), ""
    why = "; ".join(f"{view.name}: {view.part.no_addresses or why_not_read(view)}" for view in unread)
    untellable = all(view.part.no_addresses == NO_CREDENTIAL for view in unread)
    state = State.UNSUPPORTED if untellable else State.UNKNOWN
    return Finding(ADDRESS, state, f"whether one member only has {listed} cannot be told: {why}"[:300]), ""


def _by_address(views: Sequence[View], addresses: Sequence[str], made: Callable[[State, str], Service]) -> Service:
    """Where the product tells no roles, the place of the address is all there is."""
    read = all(view.part.addresses is not None for view in views)
    holders = [view.name for view in views if set(addresses) & set(view.part.addresses or ())]
    if read and addresses and len(holders) == 1:
        found = made(State.OK, f"{holders[0]} has the shared address; roles are told by no object of this product")
        return Service(found.finding, tuple(holders), found.address)
    return made(
        State.UNSUPPORTED,
        "this product tells nothing of a cluster by any way that it is read, so who is active cannot be known",
    )


def why_not_read(view: View) -> str:
    """Why a member cannot be read, as a person wants to know it."""
    if view.part.fault is not None:
        return view.part.fault.message
    return "no firewall profile is known for what it says it is; name one with `profile`"


def _evidence(views: Sequence[View], witnessed: Mapping[str, Told]) -> dict[str, str]:
    evidence = {view.name: view.story()[:200] for view in views}
    if witnessed:
        evidence["witness"] = "one"
    for view in views:
        if view.part.addresses is not None:
            evidence[f"addresses of {view.name}"] = ", ".join(view.part.addresses)[:200]
    return evidence
