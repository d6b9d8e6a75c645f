"""Times that are believed. A clock that is wrong makes a point of tomorrow, which would be fresh all day. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.backup.model import Account, RestorePoint, Run, Stock

AHEAD = 300.0
"""Seconds by which what a product tells may be younger than now: clocks differ."""
_EARLIEST = 946_684_800.0
"""2000-01-01: what is older stands for no time at all."""


@dataclass(frozen=True, slots=True)
class Disbelieved:
    """What does not count."""

    count: int = 0
    first: str = ""
    """The name of one of them."""


def believed(account: Account, now: float) -> tuple[Account, Disbelieved]:
    """The account without what is yet to come or was before there were such products, and what that was."""
    dropped: list[str] = []

    def there(at: float | None) -> bool:
        return at is None or _EARLIEST <= at <= now + AHEAD

    def kept(name: str, *times: float | None) -> bool:
        if all(map(there, times)):
            return True
        dropped.append(name)
        return False

    def run_of(run: Run) -> Run:
        return run if there(run.ended) else replace(run, ended=None)

    def point_of(point: RestorePoint) -> RestorePoint:
        return point if there(point.verified_at) else replace(point, verified_at=None)

    def stock_of(stock: Stock) -> Stock:
        if kept(stock.object, stock.newest, stock.oldest):
            return stock
        newest, oldest = (at if there(at) else None for at in (stock.newest, stock.oldest))
        return replace(stock, newest=newest, oldest=oldest)

    found = replace(
        account,
        runs=tuple(run_of(run) for run in account.runs if kept(run.object or run.job, run.started)),
        points=tuple(point_of(point) for point in account.points if kept(point.object, point.at)),
        stocks=tuple(map(stock_of, account.stocks)),
        verifications=tuple(
            one for one in account.verifications if kept(one.object or one.job or one.repository, one.at)
        ),
        proofs=tuple(one for one in account.proofs if kept(one.object or one.job, one.at, one.point)),
        server_backup=account.server_backup if there(account.server_backup) else None,
    )
    if found.server_backup != account.server_backup:
        dropped.append("its configuration backup")
    return found, Disbelieved(len(dropped), dropped[0] if dropped else "")
