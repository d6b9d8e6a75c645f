"""A check that asks its own target beside others needs a credential there too; one that asks others only does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config.load import load_estate
from config.problems import EstateError
from testbeds.estates import DESKS, KINDS

ESTATE = """
estate: {name: demo, vantage: here}
councils: {dacorum: {title: Dacorum Borough Council}}
sites: {forum: {council: dacorum, title: The Forum}}
vantages: {here: {site: forum}}
credentials: {read: {kind: snmp-v2c, community: "env:COMMUNITY"}}
targets:
  primary: {address: 192.0.2.1, site: forum, credentials: {snmp: read}, checks: []}
  backup: {address: 192.0.2.3, site: forum, checks: [pair: {members: [primary]}]}
"""


@pytest.mark.parametrize("itself", [True, False])
def test_its_own_credential_is_asked_for_where_it_is_used(tmp_path: Path, itself: bool) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE)
    kinds = KINDS | {"pair": replace(KINDS["pair"], asks_itself=itself)}

    try:
        load_estate(file, kinds, DESKS)
    except EstateError as error:
        said = str(error)
    else:
        said = ""

    assert ('"pair" needs a credential' in said) is itself
