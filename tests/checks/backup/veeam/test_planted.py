"""Faults of the table, planted in a Veeam server between two polls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.transports import Transports
from config.estate import Credential
from testbeds.backup_accounts import DAY, HOUR, NOW
from testbeds.by_backup import BackupWatch
from testbeds.planted import Planter
from testbeds.veeam_api import PASSWORD, USER, VeeamApi, add_night, healthy, serving

WARNED = {"result": "Warning", "message": "a disk was skipped", "isCanceled": False}
FAILED = {"result": "Failed", "message": "no such host", "isCanceled": False}


def fill_up(api: VeeamApi) -> None:
    api.rows["backupInfrastructure/repositories/states"][0] |= {"freeGB": 10.0, "usedSpaceGB": 990.0}


def delete_points(api: VeeamApi) -> None:
    for row in api.rows["backupObjects"]:
        row["restorePointsCount"] = 3


def save_no_more(api: VeeamApi) -> None:
    api.singles["configBackup"] = {"isEnabled": False}


def quiet(_api: VeeamApi) -> None:
    """Nothing happens, and that is the fault."""


PLANTED: dict[str, tuple[Callable[[VeeamApi], None], float]] = {
    "no run for two days": (quiet, 2 * DAY),
    "an incomplete run": (lambda api: add_night(api, NOW + HOUR, 99, result=WARNED), 2 * HOUR),
    "a failed run": (lambda api: add_night(api, NOW + HOUR, 99, result=FAILED), 2 * HOUR),
    "many points are gone at once": (delete_points, 2 * HOUR),
    "a repository is nearly full": (fill_up, 2 * HOUR),
    "the server's own backup is old": (save_no_more, 2 * HOUR),
    "declared, and nobody backs it up": (lambda api: api.rows["backupObjects"].pop(), 2 * HOUR),
}
"""What is done to the server, and how many seconds later it is asked again."""


@pytest.mark.parametrize("fault", PLANTED)
async def test_what_is_planted_between_two_polls_is_found(fault: str, transports: Transports, planted: Planter) -> None:
    plant, later = PLANTED[fault]
    names = ["srv0", "srv1"] if fault != "declared, and nobody backs it up" else ["srv0", "srv1", "srv7"]
    objects = {
        name: {"owner": "Revenues", "rpo": "26h", "by": [{"product": "veeam", "object": name}], "retention": {}}
        for name in names
    }
    async with serving(healthy(NOW, machines=2)) as api:
        said = {"product": "veeam", "port": api.port, "pin": api.pin}
        access = {"http": Credential("veeam", "password", {"user": USER, "password": PASSWORD})}
        watched = BackupWatch(transports, {"products": {"veeam": said}, "objects": objects}, NOW, access)
        api.clock = lambda: watched.now
        before = await watched.run()
        plant(api)
        watched.now += later
        told = await watched.run()

    assert before.bad == {} or len(names) == 3
    planted(fault, "Veeam").seen(told)
