"""What the command line may say about traps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.daemon.settings import Address, Settings, SettingsError
from config.estate import Vantage
from testbeds.single import estate

ESTATE = replace(estate(), vantages={name: Vantage(name, "forum") for name in ("here", "there")})


def made(*traps: str, engine_id: str | None = None, vantage: str | None = None) -> Settings:
    return Settings.make(
        ESTATE,
        ledger_url="",
        control_socket=Path("control"),
        listen=(),
        traps=traps,
        engine_id=engine_id,
        vantage=vantage,
    )


def test_traps_are_taken_nowhere_unless_somebody_says_so() -> None:
    assert made().traps == ()


def test_addresses_of_both_families_are_taken() -> None:
    assert made("0.0.0.0:162", "[2001:DB8::1]:10162").traps == (Address("0.0.0.0", 162), Address("2001:db8::1", 10162))


@pytest.mark.parametrize("text", ["162", ":162", "fw.example:162", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536"])
def test_what_is_no_address_and_port_is_refused_with_examples(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--snmp.trap-address: .* write 192.0.2.1:162, \[2001:db8::1\]:162"):
        made(text)


@pytest.mark.parametrize("text", ["80004fb8050102", "0x80004FB8050102"])
def test_an_engine_id_is_hexadecimal(text: str) -> None:
    assert made(engine_id=text).engine_id == bytes.fromhex("80004fb8050102")


@pytest.mark.parametrize("text", ["", "80004fb8", "00" * 12, "ff" * 12, "80" * 33, "ridgeway"])
def test_what_is_no_engine_id_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--snmp.engine-id: .* 5 to 32 octets"):
        made(engine_id=text)


def test_an_agent_that_judges_nothing_takes_no_traps() -> None:
    with pytest.raises(SettingsError, match="only the agent at the estate's own vantage takes traps"):
        made("127.0.0.1:162", vantage="there")
