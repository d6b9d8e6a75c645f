"""Restored clusters: what is not started from, and what a product's words about a backup must say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.restore_drills.clusters import _looked_over, reaching
from agent.restore_drills.options.clusters import BarmanDrill
from agent.restore_drills.products import Backup, could_not
from agent.restore_drills.products.barman import _backup, _tablespaces
from agent.restore_drills.products.pgbackrest import _DAMAGE, _of_its_work
from agent.restore_drills.running import Printed
from agent.restore_drills.verdict import Unproven


def test_a_cluster_with_a_link_that_leads_out_of_it_is_not_started(tmp_path: Path) -> None:
    restored = tmp_path / "restored"
    (restored / "cluster").mkdir(parents=True)
    (restored / "cluster" / "PG_VERSION").write_text("15\n")
    (restored / "cluster" / "inside").symlink_to(restored)
    inside = _looked_over(restored)
    (restored / "cluster" / "pg_wal").symlink_to("/srv/log")

    with pytest.raises(Unproven, match="leads out of it, to /srv/log"):
        _looked_over(restored)

    assert inside >= 3


@pytest.mark.parametrize("said", [None, [{"oid": 5}], [{"name": "a:/srv"}], [{"name": "../x y"}], ["a"]])
def test_a_tablespace_that_could_not_be_relocated_keeps_barman_from_restoring(said: Any) -> None:
    with pytest.raises(Unproven):
        _tablespaces({"tablespaces": said})


@pytest.mark.parametrize("ended", [None, 7, "", "soon", "-1", "²"])
def test_a_backup_of_barman_that_does_not_say_when_it_ended_is_none(ended: Any) -> None:
    with pytest.raises(Unproven, match="does not say when 20261130T020000 ended"):
        _backup({"backup_id": "20261130T020000", "end_time_timestamp": ended})


def test_a_tool_that_was_killed_for_want_of_memory_proves_nothing(tmp_path: Path) -> None:
    printed = Printed(tmp_path / "out", "restoring", -9, 1.0)

    assert could_not(printed, ("checksum",)).startswith("it was ended by signal 9")


def test_an_option_that_pgbackrest_does_not_know_is_no_damage(tmp_path: Path) -> None:
    said = "WARN: configuration file contains invalid option 'repo1-colour'\nWARN: restoring\n      HINT: wait"
    printed = Printed(tmp_path / "out", _of_its_work(said), -15, 60.0, overdue=True)

    assert printed.stderr == "WARN: restoring\n      HINT: wait"
    assert could_not(printed, _DAMAGE).startswith("it did not end within its time")


def test_the_log_is_replayed_to_a_moment_from_a_backup_that_ended_before_it() -> None:
    said = {"product": "barman", "object": "a", "of": "a", "repository": "/b", "back": "2h", "verify": {}}
    options = BarmanDrill.model_validate(said)
    points = [Backup(str(at), at, at, None) for at in (1000.0, 2000.0, 3000.0)]

    before = reaching(points, options, 2500.0 + 7200)

    assert [one.id for one in before] == ["1000.0", "2000.0"]
    with pytest.raises(Unproven):
        reaching(points, options, 7200.0)
