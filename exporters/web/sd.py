"""`/api/v1/sd`: the estate's targets for Prometheus' HTTP service discovery, for exporters beside this agent.

The answer is a list of `{"targets": [address], "labels": {…}}`, one per target, as `http_sd_configs` wants it
(https://prometheus.io/docs/prometheus/latest/http_sd/). Labels: `__meta_ridgeway_name`, `_title`, `_council`, `_site`,
`_impact`, `_kinds` and `_services`. The last two are lists within commas, `,icmp,snmp,`, so that a relabelling rule
matches a member with `.*,snmp,.*`, as Prometheus does for its own. `?kind=`, `?council=` and `?site=` choose, and may
be repeated. Addresses have no port: which one to ask is known to the job that asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from config.estate import Estate, Target

_PREFIX = "__meta_ridgeway_"
_FILTERS = ("kind", "council", "site")
_MOST_VALUES = 100


class Discovery:
    """The endpoint."""

    def __init__(self, estate: Estate) -> None:
        self._targets: list[tuple[Target, dict[str, Any]]] = []
        self.use(estate)

    def use(self, estate: Estate) -> None:
        """Tell of this estate from now on."""
        known = {target.name: (target, entry) for target, entry in self._targets}
        self._targets = []
        for target in estate.targets.values():
            before = known.get(target.name)
            same = before is not None and before[0] is target
            self._targets.append(before if same and before is not None else (target, entry_of(target)))

    async def answer(self, request: Request) -> Response:
        """What Prometheus asks, by default every minute."""
        unknown = sorted(set(request.query_params) - set(_FILTERS))
        if unknown or len(request.query_params.multi_items()) > _MOST_VALUES:
            raise HTTPException(400, f"choose by {', '.join(_FILTERS)} and nothing else")
        wanted = {name: frozenset(request.query_params.getlist(name)) for name in _FILTERS}
        chosen = [entry for target, entry in self._targets if _is_wanted(target, wanted)]
        return JSONResponse(chosen, headers={"Cache-Control": "no-store"})


def entry_of(target: Target) -> dict[str, Any]:
    """One target as Prometheus reads it; an IPv6 address stands in brackets, since a job puts a port behind it."""
    address = f"[{target.address}]" if ":" in target.address else target.address
    labels = {
        "name": target.name,
        "title": target.title,
        "council": target.council,
        "site": target.site,
        "impact": target.impact.value,
        "kinds": _listed(spec.kind for spec in target.checks),
        "services": _listed(target.services),
    }
    return {"targets": [address], "labels": {_PREFIX + name: value for name, value in labels.items()}}


def _is_wanted(target: Target, wanted: dict[str, frozenset[str]]) -> bool:
    kinds, councils, sites = (wanted[name] for name in _FILTERS)
    return (
        (not councils or target.council in councils)
        and (not sites or target.site in sites)
        and (not kinds or any(spec.kind in kinds for spec in target.checks))
    )


def _listed(names: Iterable[str]) -> str:
    unique = sorted(set(names))
    return f",{','.join(unique)}," if unique else ""
