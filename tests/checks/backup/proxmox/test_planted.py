"""Faults of the table, planted in a Proxmox Backup Server between two polls; and in a cluster that falls silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.transports import Transports
from config.estate import Credential
from testbeds import pbs_api, pve_api
from testbeds.backup_accounts import DAY, HOUR, NOW
from testbeds.by_backup import BackupWatch
from testbeds.pbs_api import PbsApi, task
from testbeds.planted import Planter


def fill_up(api: PbsApi) -> None:
    api.usage[0] |= {"used": 99 * 10**10, "avail": 10**10}


def delete_points(api: PbsApi) -> None:
    del api.snapshots["main", ""][6:]


def quiet(_api: PbsApi) -> None:
    """Nothing happens, and that is the fault."""


PLANTED: dict[str, tuple[Callable[[PbsApi], None], float]] = {
    "no run for two days": (quiet, 2 * DAY),
    "an incomplete run": (lambda api: api.tasks.insert(0, task("vm/100", NOW + HOUR, "WARNINGS: 2")), 2 * HOUR),
    "many points are gone at once": (delete_points, 2 * HOUR),
    "a repository is nearly full": (fill_up, 2 * HOUR),
}
"""What is done to the server, and how many seconds later it is asked again."""


def watch(transports: Transports, product: str, api: PbsApi | pve_api.PveApi, token: str) -> BackupWatch:
    objects = {
        name: {"owner": "Revenues", "rpo": "26h", "by": [{"product": product, "object": said}], "retention": {}}
        for name, said in {"ben": "vm/100", "files": "ct/101", "planning": "prod:vm/200"}.items()
        if product == "pbs" or name != "planning"
    }
    said = {"product": product, "port": api.port, "pin": api.pin}
    access = {"http": Credential(product, "token", {"token": token})}
    made = BackupWatch(transports, {"products": {product: said}, "objects": objects}, NOW, access)
    api.clock = lambda: made.now
    return made


@pytest.mark.parametrize("fault", PLANTED)
async def test_what_is_planted_between_two_polls_is_found(fault: str, transports: Transports, planted: Planter) -> None:
    plant, later = PLANTED[fault]
    async with pbs_api.serving(pbs_api.healthy(NOW)) as api:
        watched = watch(transports, "pbs", api, pbs_api.TOKEN)
        before = await watched.run()
        plant(api)
        watched.now += later
        told = await watched.run()

    assert before.bad == {}
    planted(fault, "PBS").seen(told)


async def test_a_cluster_that_backs_nothing_up_any_more_is_late(transports: Transports, planted: Planter) -> None:
    async with pve_api.serving(pve_api.healthy(NOW, nights=3)) as api:
        watched = watch(transports, "pve", api, pve_api.TOKEN)
        before = await watched.run()
        watched.now += 2 * DAY
        told = await watched.run()

    assert before.bad == {}
    planted("no run for two days", "PVE").seen(told)
