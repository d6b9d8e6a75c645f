"""What is remembered between the readings of the instances, while the agent runs. Pure but for its own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checks.backup.model import RestorePoint
from checks.backup.products.mssql.chains import Chain
from checks.backup.products.mssql.restores import Restored
from checks.backup.products.mssql.server import Answers, Since

_OVERLAP = 50
"""Numbers of rows that are read again: one that was given first may have been written last."""


@dataclass(slots=True)
class Instance:
    """What is kept of one instance between polls, while the agent runs."""

    server: str = ""
    since: Since = field(default_factory=Since)
    restored: dict[str, Restored] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """Availability groups by database, in small letters."""
    renamed: bool = False
    """Those have changed: what was read under another name is read again."""

    def go_on(self, told: Answers) -> None:
        """Where the next reading begins; what was not read is asked for again."""
        again, self.renamed = self.renamed and not told.anew, False
        if again:
            self.since = Since()
            return
        backup = _highest(told.backups) or self.since.backup
        self.since = Since(
            max(1, backup - (0 if told.more else _OVERLAP)) if backup else 0,
            _highest(told.restores) or (0 if told.anew else self.since.restore),
            _highest(told.runs) or (0 if told.anew else self.since.run),
        )


@dataclass(slots=True)
class Known:
    """What is kept of all instances."""

    instances: dict[str, Instance] = field(default_factory=dict)
    """By target."""
    chains: dict[str, Chain] = field(default_factory=dict)
    """By object, in small letters."""
    images: dict[str, RestorePoint] = field(default_factory=dict)
    """The newest of each object."""

    def newest_image(self, name: str) -> float:
        """When an image of it was last taken; 0 for never."""
        image = self.images.get(name.casefold())
        return image.at if image is not None else 0.0

    def object(self, server: str, database: str) -> str:
        """What a database is called: `group/database` where it is in an availability group, else `server/database`."""
        groups = (one.groups for one in self.instances.values() if one.server.casefold() == server.casefold())
        group = next(groups, {}).get(database.casefold(), "")
        return f"{group or server}/{database}"


def _highest(found: Sequence[Mapping[str, Any]]) -> int:
    return max((row["id"] for row in found if isinstance(row.get("id"), int)), default=0)
