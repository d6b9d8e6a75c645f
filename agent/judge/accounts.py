"""A refused credential is one cause, however many devices it is for: the account is at fault, or its password."""

from __future__ import annotations

from agent.records import Cause
from checks.transports.lockout import CONDITION
from config.estate import SHARED, Estate

REFUSED = "credential/refused"
"""The condition; the cause's subject is the credential's name."""


class Accounts:
    """To whom each credential belongs: the one council and site whose targets use it, if it is one."""

    def __init__(self, estate: Estate, home: str) -> None:
        """`home` is the site from which the agent logs in."""
        self._home = home
        self._councils: dict[str, set[str]] = {}
        self._sites: dict[str, set[str]] = {}
        for target in estate.targets.values():
            for credential in target.credentials.values():
                self._councils.setdefault(credential.name, set()).add(target.council)
                self._sites.setdefault(credential.name, set()).add(target.site)

    def cause(self, council: str, subject: str, condition: str) -> Cause:
        """Of a fault of asking: the credential's where the log-in failed, else the subject's own."""
        if not condition.startswith(CONDITION):
            return Cause(council, subject, condition)
        name = condition.removeprefix(CONDITION)
        councils = self._councils.get(name, set())
        return Cause(next(iter(councils)) if len(councils) == 1 else SHARED, name, REFUSED)

    def site(self, name: str) -> str:
        sites = self._sites.get(name, set())
        return next(iter(sites)) if len(sites) == 1 else self._home
