"""The products themselves: whether each was read whole, what it backs up besides, and its own configuration. Pure."""

from __future__ import annotations

from checks.backup.evidence import Evidence, place
from checks.backup.model import Account, Part
from checks.backup.options import fits
from checks.backup.round import (
    PRODUCT,
    REPOSITORY,
    SERVER,
    UNDECLARED,
    UNPROTECTED,
    ProductPart,
    Round,
    about,
)
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import freshness, moment, span
from checks.contract import INPUT, Finding, State
from checks.printable import printable

_SKEW = 120.0
"""Seconds by which a product's clock may differ from ours."""
_NAMED = 5


def judge_product(this: Round, name: str, part: ProductPart) -> None:
    account, troubles = part.account, list[Trouble]()
    server = this.options.products[name].target
    if server is not None:
        _server_there(this, server, part)
    if part.fault is not None and (server is None or part.fault.reached is not False):
        troubles.append(Trouble(State.UNKNOWN, part.fault.message))
    elif part.fault is not None:
        this.findings.append(Finding(f"{PRODUCT}/{name}", State.OK, f"{name}: {INPUT}{server} says why it is not read"))
        this.open |= {f"{UNDECLARED}/{name}", f"{SERVER}/{name}"}
        return
    elif account is None:
        troubles.append(Trouble(State.UNKNOWN, "was not asked"))
    if account is None:
        age = this.now - this.note.read[name] if name in this.note.read else None
        troubles += [Trouble(State.UNKNOWN, f"last read {span(age)} ago")] if age is not None else []
        this.open |= {f"{UNDECLARED}/{name}", f"{SERVER}/{name}"}
    elif account.repositories and all(one.online is False for one in account.repositories):
        at = place(name, account.repositories[0].name)
        this.findings.append(
            Finding(f"{PRODUCT}/{name}", State.OK, f"{name}: {REPOSITORY}/{at} says why it is not read")
        )
        this.open |= {f"{UNDECLARED}/{name}", f"{SERVER}/{name}"}
        return
    else:
        troubles += [Trouble(State.UNKNOWN, f"{of} not read: {why}") for of, why in account.unread.items()]
        if _empty(account):
            words = "it lists nothing at all: the account may see nothing"
            troubles.append(Trouble(State.UNKNOWN, words, "compare with its own console"))
        if account.clock is not None and abs(account.clock - account.at) > _SKEW:
            words = f"its clock differs from the agent's by {span(abs(account.clock - account.at))}"
            troubles.append(Trouble(State.WARNING, words, "set both by NTP"))
        wrong = this.disbelieved[name]
        if wrong.count:
            words = f"{wrong.count} of what it tells is of times that cannot be, and does not count: {wrong.first[:60]}"
            troubles.append(Trouble(State.WARNING, words, "set the clock of what wrote it, and remove it"))
        _undeclared(this, name)
        _unprotected(this, name)
        _server(this, name, account)
    past = [key for key, one in this.got.objects.items() if _waits(this, key, one, name)]
    if past and any(one.state is State.UNKNOWN for one in troubles):
        named = ", ".join(past[:_NAMED]) + (f" and {len(past) - _NAMED} more" if len(past) > _NAMED else "")
        troubles.append(Trouble(State.UNKNOWN, f"beyond their RPO as far as is known: {named}"))
    about(this, f"{PRODUCT}/{name}", name, troubles, f"read whole at {moment(this.now)}", name)


def read_whole(account: Account | None) -> bool:
    """Whether everything was read by which an object is judged. A server that lists nothing at all was not."""
    parts = (Part.RUNS, Part.POINTS, Part.OBJECTS, Part.JOBS)
    return account is not None and not any(part in account.unread for part in parts) and not _empty(account)


def _empty(account: Account) -> bool:
    listed = account.objects or account.jobs or account.points or account.runs
    return Part.JOBS in account.has and not account.unread and not listed


def _server_there(this: Round, server: str, part: ProductPart) -> None:
    """Whether a product's server is there at all; while its own checks say that it is not, they have the incident."""
    fault = part.fault
    troubles = [Trouble(State.CRITICAL, fault.message)] if fault is not None and fault.reached is False else []
    about(this, f"{INPUT}{server}", server, troubles, "is there")


def _waits(this: Round, key: str, evidence: Evidence, product: str) -> bool:
    """Whether an object is beyond its RPO as far as is known, and the product may know better."""
    options = this.options.objects[key]
    if all(claim.product != product for claim in options.by):
        return False
    late = freshness(options, evidence.history, this.now, unread=True)
    return late is not None and late.state is State.UNKNOWN


def _undeclared(this: Round, name: str) -> None:
    if not this.options.undeclared:
        return
    but = this.options.undeclared_except
    found = [one for one in this.got.undeclared.get(name, ()) if not any(fits(pattern, one) for pattern in but)]
    if not found and not read_whole(this.accounts[name]):
        this.open.add(f"{UNDECLARED}/{name}")  # what was not read may hold some
        return
    named = ", ".join(printable(one)[:40] for one in found[:_NAMED]) + (" …" if len(found) > _NAMED else "")
    words = f"{len(found)} backed up and not declared: {named}"
    troubles = [Trouble(State.WARNING, words, "declare each with its owner and RPO, or except it")] if found else []
    about(this, f"{UNDECLARED}/{name}", name, troubles, "backs up nothing that is not declared", name)


def _unprotected(this: Round, name: str) -> None:
    """What the product could back up, no job takes, and nobody declared: a declared one says so itself."""
    account = this.accounts[name]
    if Part.OBJECTS in account.unread or Part.JOBS in account.unread:
        this.open.add(f"{UNPROTECTED}/{name}")
        return
    if not this.options.undeclared:
        return
    but = this.options.undeclared_except
    found = [one for one in this.got.unprotected.get(name, ()) if not any(fits(pattern, one) for pattern in but)]
    if not found:
        return
    named = ", ".join(printable(one)[:40] for one in found[:_NAMED]) + (" …" if len(found) > _NAMED else "")
    words = f"{len(found)} in no job, and not declared: {named}"
    about(
        this,
        f"{UNPROTECTED}/{name}",
        name,
        [Trouble(State.WARNING, words, "add each to a job, or except it")],
        "",
        name,
    )


def _server(this: Round, name: str, account: Account) -> None:
    within, key = this.options.server_backup_within, f"{SERVER}/{name}"
    if within is None:
        return
    if Part.SERVER in account.not_permitted:
        words = f"whether its own configuration is saved is not told: {account.not_permitted[Part.SERVER]}"
        about(this, key, name, [Trouble(State.UNSUPPORTED, words)], "", name)
        return
    if Part.SERVER not in account.has:
        return
    if Part.SERVER in account.unread:
        this.open.add(key)
        return
    at, troubles = account.server_backup, list[Trouble]()
    if at is None:
        words = "its own configuration has never been saved"
        troubles.append(Trouble(State.WARNING, words, "switch its configuration backup on"))
    elif this.now - at > within:
        words = f"its own configuration was last saved {span(this.now - at)} ago"
        troubles.append(Trouble(State.WARNING, words, "see its configuration backup"))
    if at is not None and account.server_encrypted is False:
        words = "the backup of its own configuration is not encrypted, and leaves out the passwords that it needs"
        troubles.append(Trouble(State.WARNING, words, "switch its encryption on"))
    about(this, key, name, troubles, "its own configuration is saved", name)
