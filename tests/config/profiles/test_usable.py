"""A broken profile of one's own takes no other with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.firewall import CHECK as FIREWALL
from checks.network.snmp import CHECK as SNMP
from checks.telephony.mitel import CHECK as MITEL
from checks.telephony.mitel import MitelOptions
from config.profiles import SHIPPED, load, usable


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("telephony/ours", "firewall/ours", "ours"):
        file = tmp_path / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"profile: {name}\ntitle: [\n")
    monkeypatch.setenv("RIDGEWAY_PROFILES", str(tmp_path))
    load.cache_clear()
    return tmp_path


def test_all_others_are_usable(broken: Path) -> None:
    names = {profile.profile for profile in usable((broken, SHIPPED))}

    assert names == {profile.profile for profile in usable((SHIPPED,))} and "telephony/msl" in names
    assert {profile.profile for profile in usable((SHIPPED,), "telephony/")} == {
        "telephony/mivoice-business", "telephony/msl", "telephony/office-250", "telephony/unread",
    }  # fmt: skip


@pytest.mark.usefixtures("broken")
def test_kinds_keep_their_families_and_recognise_what_they_did() -> None:
    for kind in (SNMP, FIREWALL, MITEL):
        assert kind.families()
    assert MitelOptions().profiles == ("telephony/mivoice-business", "telephony/msl", "telephony/unread")


@pytest.mark.usefixtures("broken")
def test_whoever_names_it_is_told_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match=r"ours\.yaml"):
        MitelOptions(profile="telephony/ours")
