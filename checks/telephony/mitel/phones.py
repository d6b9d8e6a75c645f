"""Whose phones a controller says it carries, and how many sets are out of service there: for drills. Pure.

Read from what its check found, so that there is one way of reading a controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from checks.contract import Assessment, Finding, State
from checks.network import raw
from checks.telephony.mitel.alarms import CATEGORY
from checks.telephony.mitel.judgement import SYSTEM
from checks.telephony.mitel.options import MitelOptions
from checks.telephony.mitel.resilience import AT_HOME, PREFIX
from checks.telephony.mitel.since import since_in, status_in

_EVERY_ROW = f"{PREFIX}/*"
_EVERY_CATEGORY = f"{CATEGORY}/*"
_UNAVAILABLE = "ridgeway_telephony_resources_unavailable"
_MOST = 20
HEALTHY = 2
"""healthCheckComplete, mitelIpera3000ResTblStatus: phones are on the backup, and their primary could have them."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a controller says of the phones of one primary."""

    primary: str
    """As the controller names it."""
    status: int | None
    """1 the first came here, 2 they are here and their primary is well again, 3 they went back; None: it has no row."""
    state: State
    text: str
    since: float | None = None
    """When that began, by the device's own clock (Unix seconds); None where it gives none."""

    @property
    def known(self) -> bool:
        """Whether it tells where the phones are. A return that was proven after a restart has no row."""
        return self.state is not State.UNKNOWN

    @property
    def here(self) -> bool:
        return self.known and self.status not in (None, AT_HOME)


def carried(found: Assessment) -> Mapping[str, Carried] | None:
    """By primary; None where the table was not read to its end, so that a row which is not there says nothing."""
    if _EVERY_ROW not in found.covers:
        return None
    rows = (one for one in found.findings if one.key.startswith(f"{PREFIX}/"))
    return {(row := _carried(one)).primary: row for one in rows}


def _carried(one: Finding) -> Carried:
    primary = one.key.removeprefix(f"{PREFIX}/")
    return Carried(primary, status_in(one.evidence), one.state, one.summary, since_in(one.evidence))


def sets_out(options: BaseModel, found: Assessment) -> Mapping[str, int] | None:
    """Sets out of service, by the name of their category; None where the table was not read to its end.

    A category that is not listed has nothing out of service: systems may list only those in alarm.
    """
    if _EVERY_CATEGORY not in found.covers or not isinstance(options, MitelOptions):
        return None
    counts = {
        reading.labels[0]: int(reading.value)
        for reading in found.readings
        if reading.family.name == _UNAVAILABLE and raw.like(options.fleet.categories, reading.labels[0])
    }
    return dict(sorted(counts.items())[:_MOST])


def primaries_of(options: BaseModel) -> Mapping[str, str]:
    """Which targets the primaries are whose phones may come here, by the name that the controller has for each."""
    return options.primaries if isinstance(options, MitelOptions) else {}


def tells_of_phones(options: BaseModel, found: Assessment) -> bool:
    """Whether the product has a table of phones at all, which need not have been read; True where it is not known."""
    profile = next((one.evidence.get("profile", "") for one in found.findings if one.key == SYSTEM), "")
    if not profile or not isinstance(options, MitelOptions):
        return True
    return any(table.name == "resiliency" for table in options.plan_of(profile).tables)
