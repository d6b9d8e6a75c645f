"""The four calls against a real snmpd: every version and security, both address families, restarts, a second engine."""

from __future__ import annotations

import os
import resource
import socket
from pathlib import Path

import pytest

from checks.contract import Reason
from checks.transports.snmp import Device, Missing, SnmpTransport
from config.estate import Credential
from config.secrets import SecretReference
from testbeds import snmpd
from testbeds.datagrams import relay
from testbeds.peers import free_port
from testbeds.snmpd import TEN, Snmpd, community, soon, user

pytestmark = pytest.mark.acceptance

NAME = "1.3.6.1.2.1.1.5.0"
NO_OBJECT = "1.3.6.1.2.1.1.99.0"
NO_INSTANCE = "1.3.6.1.2.1.1.5.7"
PROTOCOLS = [community(), *(user(name) for name in snmpd.USERS)]


@pytest.mark.parametrize("credential", PROTOCOLS, ids=lambda credential: credential.name)
async def test_a_get_brings_every_value_and_says_why_others_are_missing(
    agent: Snmpd, snmp: SnmpTransport, credential: Credential
) -> None:
    device = agent.device(credential)

    answer = await snmp.get(device, [*TEN, NO_OBJECT, NO_INSTANCE], soon())

    assert answer.error is None
    assert list(answer.values) == [*TEN, NO_OBJECT, NO_INSTANCE]
    assert answer.values[NO_OBJECT] is Missing.OBJECT
    assert answer.values[NO_INSTANCE] is Missing.INSTANCE
    assert isinstance(answer.values[NAME], bytes)
    assert isinstance(answer.values[TEN[2]], int)
    assert answer.values[TEN[1]] == "1.3.6.1.4.1.8072.3.2.10"


async def test_version_1_has_its_own_way_to_say_that_a_value_is_missing(agent: Snmpd, snmp: SnmpTransport) -> None:
    device = agent.device(community(version="1"))

    answer = await snmp.get(device, [*TEN, NO_OBJECT], soon())

    assert answer.error is None
    assert answer.values[NO_OBJECT] is Missing.ABSENT
    assert len([value for value in answer.values.values() if not isinstance(value, Missing)]) == len(TEN)


@pytest.mark.parametrize("credential", [community(), user("sha256aes256")], ids=lambda credential: credential.name)
async def test_ipv6_is_asked_like_ipv4(agent: Snmpd, snmp: SnmpTransport, credential: Credential) -> None:
    answer = await snmp.get(agent.device(credential, host="::1"), [NAME], soon())

    assert answer.error is None
    assert isinstance(answer.values[NAME], bytes)


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_columns_and_walk_agree_with_the_kernel_about_interfaces(
    agent: Snmpd, snmp: SnmpTransport, version: str
) -> None:
    device = agent.device(community(version=version), max_repetitions=2)
    interfaces = sorted(path.name for path in Path("/sys/class/net").iterdir() if (path / "ifindex").exists())

    columns = await snmp.columns(device, ["1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.8"], soon())
    walk = await snmp.walk(device, "1.3.6.1.2.1.2.2.1.2", soon())

    assert columns.error is None and walk.error is None
    names = columns.rows["1.3.6.1.2.1.2.2.1.2"]
    assert sorted(value.decode() for value in names.values() if isinstance(value, bytes)) == interfaces
    assert columns.rows["1.3.6.1.2.1.2.2.1.8"].keys() == names.keys()
    assert columns.complete == {"1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.8"}
    assert list(walk.values.values()) == list(names.values())


@pytest.mark.parametrize("credential", PROTOCOLS, ids=lambda credential: credential.name)
async def test_columns_of_several_tables_are_read_at_once_as_one_by_one(
    agent: Snmpd, snmp: SnmpTransport, credential: Credential
) -> None:
    device = agent.device(credential)
    columns = ["1.3.6.1.2.1.1.9.1.2", "1.3.6.1.2.1.2.2.1.8", "1.3.6.1.2.1.99", "1.3.6.1.2.1.1.9.1.3"]

    together = await snmp.columns(device, columns, soon())
    apart = [await snmp.walk(device, column, soon()) for column in columns]

    assert together.error is None and together.complete == set(columns)
    assert {f"{column}.{index}": value for column in columns for index, value in together.rows[column].items()} == {
        oid: value for answer in apart for oid, value in answer.values.items()
    }
    assert len(together.rows[columns[0]]) > 3 and together.rows[columns[2]] == {}


async def test_a_walk_stops_at_its_cap_and_says_so(agent: Snmpd, snmp: SnmpTransport) -> None:
    answer = await snmp.walk(agent.device(community()), "1.3.6.1.2.1.1", soon(), most=5)

    assert len(answer.values) == 5
    assert answer.error is not None and answer.error.reason is Reason.LIMIT


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        (user("nobody"), "does not know the user"),
        (user("sha384", auth_password="wrongwrong"), "auth password"),
        (user("sha1aes128", auth_password="wrongwrong"), "auth password"),
        (user("sha1aes128", privacy_password="wrongwrong"), "privacy password"),
        (user("sha384", auth_protocol="sha256"), "auth password or the auth protocol"),
    ],
    ids=["user", "auth", "auth-of-priv", "privacy", "protocol"],
)
async def test_a_rejected_user_is_told_what_is_wrong(
    agent: Snmpd, snmp: SnmpTransport, credential: Credential, says: str
) -> None:
    answer = await snmp.get(agent.device(credential, retries=0), [NAME], soon(0.5))

    assert answer.values == {}
    assert answer.error is not None
    assert answer.error.reason is Reason.AUTHENTICATION
    assert says in str(answer.error)
    assert "wrongwrong" not in str(answer.error)


async def test_a_wrong_community_is_no_answer(agent: Snmpd, snmp: SnmpTransport) -> None:
    answer = await snmp.get(agent.device(community("guess"), retries=0), [NAME], soon(0.3))

    assert answer.error is not None and answer.error.reason is Reason.NO_ANSWER


async def test_a_host_without_an_agent_refuses_which_is_not_silence(snmp: SnmpTransport) -> None:
    device = Device("127.0.0.1", community(), port=free_port(socket.SOCK_DGRAM))

    answer = await snmp.get(device, [NAME], soon())

    assert answer.error is not None and answer.error.reason is Reason.REFUSED


async def test_a_name_that_does_not_resolve_is_a_fault_of_the_name(snmp: SnmpTransport) -> None:
    answer = await snmp.get(Device("no-such-host.invalid", community()), [NAME], soon())

    assert answer.error is not None and answer.error.reason is Reason.NAME


async def test_a_kept_session_survives_the_restart_of_the_device() -> None:
    transport = SnmpTransport()
    with snmpd.running() as agent:
        device = agent.device(user("sha256aes256"), retries=0)
        before = await transport.get(device, [NAME], soon())
        kept = transport.kept_sessions

        agent.stop()
        agent.start()
        after = await transport.get(device, [NAME], soon())
    await transport.close()

    assert before.error is None and kept == 1
    assert after.error is None and after.values == before.values


async def test_columns_are_read_over_a_kept_session_after_the_restart_of_the_device() -> None:
    transport = SnmpTransport()
    columns = ["1.3.6.1.2.1.1.9.1.2", "1.3.6.1.2.1.1.9.1.3"]
    with snmpd.running() as agent:
        device = agent.device(user("sha256aes256"), retries=0)
        before = await transport.columns(device, columns, soon())
        agent.stop()
        agent.start()
        after = await transport.columns(device, columns, soon())
    await transport.close()

    assert before.error is None and after.error is None
    assert after.complete == set(columns)
    assert after.rows[columns[0]] == before.rows[columns[0]] != {}


async def test_a_device_replaced_by_another_at_its_address_is_discovered_anew() -> None:
    transport = SnmpTransport()
    with snmpd.running() as old, snmpd.running() as new:
        async with relay(old.port, lambda reply: [reply]) as between:
            device = Device("127.0.0.1", user("sha256aes256"), port=between.port, retries=1)
            before = await transport.get(device, [NAME], soon())
            between.redirect(new.port)

            after = await transport.get(device, [NAME], soon())
    await transport.close()

    assert before.error is None
    assert after.error is None


async def test_sessions_are_kept_up_to_their_number_and_descriptors_given_back(agent: Snmpd) -> None:
    transport = SnmpTransport(kept=3)
    before = len(os.listdir("/proc/self/fd"))

    for name in ("sha1", "sha384", "sha1aes128", "sha256aes256", "sha512aes192"):
        answer = await transport.get(agent.device(user(name)), [NAME], soon())
        assert answer.error is None
    kept = transport.kept_sessions
    during = len(os.listdir("/proc/self/fd"))
    await transport.close()

    assert kept == 3
    assert during == before + 3
    assert len(os.listdir("/proc/self/fd")) == before


async def test_running_out_of_descriptors_is_our_own_fault_and_passes(agent: Snmpd, snmp: SnmpTransport) -> None:
    device = agent.device(community())
    warm = await snmp.get(device, [NAME], soon())
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        starved = await snmp.get(device, [NAME], soon())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    again = await snmp.get(device, [NAME], soon())

    assert warm.error is None and again.error is None
    assert starved.error is not None and starved.error.reason is Reason.LOCAL


async def test_a_secret_that_cannot_be_read_is_named_without_asking_the_device(
    agent: Snmpd, snmp: SnmpTransport, tmp_path: Path
) -> None:
    reference = SecretReference("file", str(tmp_path / "absent"))

    answer = await snmp.get(agent.device(Credential("c", "snmp-v2c", {"community": reference})), [NAME], soon())

    assert answer.error is not None and answer.error.reason is Reason.LOCAL
    assert "absent" in str(answer.error)


async def test_the_second_engine_gives_the_same_answers(agent: Snmpd, snmp: SnmpTransport) -> None:
    from pysnmp.hlapi.v3arch.asyncio import (
        CommunityData,
        ContextData,
        ObjectIdentity,
        ObjectType,
        SnmpEngine,
        UdpTransportTarget,
        bulk_walk_cmd,
    )

    # sysORTable: as long as anything snmpd has, and it does not change while it runs.
    root = "1.3.6.1.2.1.1.9.1"
    engine = SnmpEngine()
    theirs: dict[str, str] = {}
    async for indication, status, _, bindings in bulk_walk_cmd(
        engine,
        CommunityData("public"),
        await UdpTransportTarget.create(("127.0.0.1", agent.port)),
        ContextData(),
        0,
        20,
        ObjectType(ObjectIdentity(root)),
        lexicographicMode=False,
        lookupMib=False,
    ):
        assert not indication and not status
        theirs |= {str(name): value for name, value in bindings}
    engine.close_dispatcher()

    ours = await snmp.walk(agent.device(community()), root, soon())

    assert ours.error is None
    assert list(ours.values) == list(theirs)
    for oid, value in ours.values.items():
        other = theirs[oid]
        assert value == (
            bytes(other) if isinstance(value, bytes) else int(other) if isinstance(value, int) else str(other)
        )
