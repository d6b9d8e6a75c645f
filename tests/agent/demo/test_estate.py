"""The demo's estate as it is written at a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.demo import estate as demo
from checks.backup import BackupOptions
from checks.catalogue import load_catalogue
from config.load import load_estate
from exporters.desks.catalogue import desk_kinds

PIN = "ssh-ed25519 SHA256:" + "B" * 43


def test_what_is_made_at_the_start_stands_in_the_place_of_what_is_shipped(tmp_path: Path) -> None:
    trusted = tmp_path / 'a "strange": folder' / "authority.pem"

    backups = {"product": "veeam", "port": 19420}

    path = demo.write_estate(tmp_path, PIN, trusted, tmp_path / "proofs", backups)

    estate = load_estate(path, load_catalogue(), desk_kinds())
    assert estate.targets["backup-forum"].host_keys == (PIN,)
    portal = {spec.kind: spec.options.model_dump() for spec in estate.targets["portal-aylesbury"].checks}
    assert portal["tls"]["ca"] == portal["http"]["ca"] == str(trusted)
    (vault,) = (spec.options for spec in estate.targets["vault-forum"].checks)
    assert isinstance(vault, BackupOptions)
    assert vault.products["nightly"].product == "veeam"
    assert vault.proofs == str(tmp_path / "proofs")


def test_a_shipped_file_without_its_stand_ins_is_a_defect_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_AUTHORITY", '"/nowhere"')

    with pytest.raises(LookupError, match='"/nowhere"'):
        demo.write_estate(tmp_path, PIN, tmp_path, tmp_path, {})
