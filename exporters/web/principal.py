"""Who asks, and what they may see and do. Every answer about a council's things is made for a principal.

The access control puts one into the scope of every request that it lets through; an endpoint that finds none is a
defect and answers nothing: it fails closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "ridgeway.principal"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in. `name` stands in the audit and in timelines beside what they do."""

    name: str
    councils: frozenset[str] | None = None
    """The councils whose things they see, `shared` only where it is named; None: all."""
    may_act: bool = False

    def sees(self, council: str) -> bool:
        """Whether what belongs to this council may be shown."""
        return self.councils is None or council in self.councils


LOCAL = Principal("loopback")
"""Whoever asks over loopback where no authentication is configured: reads everything, does nothing."""


def let_in(scope: Scope, principal: Principal) -> None:
    """Write down for whom this request is answered."""
    scope[_KEY] = principal


def principal_of(connection: HTTPConnection) -> Principal:
    """For whom this request is answered. LookupError where no access control has seen it."""
    found = connection.scope.get(_KEY)
    if not isinstance(found, Principal):
        raise LookupError("a request that no access control has let in")
    return found


def acting(connection: HTTPConnection, council: str | None = None) -> Principal:
    """Who does this: every act carries a name. `council` is the one whose things are touched; None: the whole agent's.

    Raises HTTPException 403 for who may not act, 404 for what they may not even see, and LookupError as `principal_of`.
    """
    principal = principal_of(connection)
    if principal is LOCAL:
        raise HTTPException(403, "Nobody has a name here, so nobody acts. Configure authentication, or use `ridgeway`.")
    if not principal.may_act:
        raise HTTPException(403, f"{principal.name} may read and not act.")
    if council is not None and not principal.sees(council):
        raise HTTPException(404, "There is no such thing.")
    if council is None and principal.councils is not None:
        raise HTTPException(403, f"{principal.name} may act for some councils only, and this is about the whole agent.")
    return principal


Access = Callable[[ASGIApp], ASGIApp]
"""Puts an access control before an application."""


def without_authentication(app: ASGIApp) -> ASGIApp:
    """The access control of an agent that has none configured, and so listens on loopback only."""

    async def local(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            let_in(scope, LOCAL)
        await app(scope, receive, send)

    return local
