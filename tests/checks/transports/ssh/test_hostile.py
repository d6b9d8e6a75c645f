"""Peers that are no devices, or mean ill: bounded in time and memory, told in plain words, and never leaking."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable

import paramiko
import pytest

from checks.contract import Reason, State
from checks.transports.aside import Aside
from checks.transports.fault import TransportFault
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from checks.transports.ssh import ONLY_SHA1, OnlySha1, SshDevice, SshTransport, ssh_fault
from checks.transports.ssh.connect import _refuse_lies
from testbeds import network_shell
from testbeds.network_shell import credential, soon
from testbeds.peers import free_port, wait_until
from testbeds.raw_ssh import VERSION, Speaker, kexinit, packet, speaking, spoken

PIN = ("ssh-ed25519 SHA256:" + "A" * 43,)
GIGABYTE = 1024**3


def at(port: int, target: str = "fw01") -> SshDevice:
    return SshDevice(target, "127.0.0.1", credential(), PIN, port=port)


@pytest.mark.parametrize(
    "lists",
    [
        {"key_exchange": "diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"},
        {"host_keys": "ssh-rsa,ssh-dss"},
        {"signatures": "hmac-sha1,hmac-md5-96"},
    ],
)
async def test_a_device_that_offers_only_sha1_is_a_finding_in_plain_words(
    ssh: SshTransport, lists: dict[str, str]
) -> None:
    with speaking(VERSION, kexinit(**lists)) as ancient:
        with pytest.raises(OnlySha1, match="offers only SHA-1") as caught:
            await ssh.run(at(ancient.port), "true", deadline=soon())
        with pytest.raises(OnlySha1):
            await ssh.scan("127.0.0.1", ancient.port, soon())
        heard = bytes(ancient.heard)
    fault = ssh_fault(caught.value, "ssh_command", credential())

    assert (fault.condition, fault.state, fault.reached) == (ONLY_SHA1, State.UNKNOWN, True)
    assert next(iter(lists.values())).split(",")[0] in fault.message
    assert "update its firmware" in fault.message
    assert b"ops" not in heard


@pytest.mark.parametrize("line", [b"x" * 4096, b"Welcome to paradise\r\n" * 200, VERSION + bytes(4096)])
async def test_a_banner_of_a_gigabyte_is_cut_off_and_costs_no_memory(ssh: SshTransport, line: bytes) -> None:
    def pour(connected: socket.socket) -> None:
        speaker.pour(connected, line, GIGABYTE)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with spoken(pour) as speaker:
        with pytest.raises(TransportFault) as caught:
            await ssh.run(at(speaker.port), "true", deadline=soon())
        sent = speaker.sent
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert caught.value.reason is Reason.PROTOCOL
    assert sent < 32 * 1024 * 1024  # what the sockets' buffers took
    assert after - before < 32 * 1024  # KiB


async def test_a_banner_that_drips_is_cut_at_the_deadline(ssh: SshTransport) -> None:
    def drip(connected: socket.socket) -> None:
        while True:
            connected.sendall(b"x")
            time.sleep(0.05)

    with spoken(drip) as speaker, pytest.raises(TransportFault) as caught:
        await ssh.run(at(speaker.port), "true", deadline=soon(0.6))

    assert caught.value.reason is Reason.NO_ANSWER
    assert "until the deadline" in caught.value.message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200, "not an SSH server, it says 'HTTP/1.1 400 Bad Request"),
        (b"SSH-1.5-Ancient\r\n", "broke off"),
        (b"\x00\xff\x1b[2J" * 50 + b"\n" * 101, "not an SSH server"),
        (VERSION + kexinit(ciphers="arcfour"), "nothing in common for cipher"),
        (VERSION + struct.pack(">IB", 0xFFFFFFFC, 4) + bytes(300_000), "more than 256 KiB"),
        (VERSION + packet(b"\x01" + struct.pack(">I", 2) + struct.pack(">I", 3) + b"no!" + bytes(4)), "broke off"),
        (VERSION + packet(b""), "broke off"),
        (VERSION + packet(b"\x14"), "broke off"),
        (VERSION + packet(b"\xfe\xfe"), "broke off"),
    ],
)
async def test_what_is_no_ssh_server_is_told_in_plain_words(ssh: SshTransport, said: bytes, words: str) -> None:
    def speak(connected: socket.socket) -> None:
        connected.sendall(said)
        connected.shutdown(socket.SHUT_WR)

    with spoken(speak) as speaker, pytest.raises(TransportFault, match=words) as caught:
        await ssh.run(at(speaker.port), "true", deadline=soon(5))

    assert caught.value.reason is Reason.PROTOCOL
    assert caught.value.message.isprintable()


async def test_a_server_that_hangs_up_at_once_is_told(ssh: SshTransport) -> None:
    def hang_up(connected: socket.socket) -> None:
        connected.shutdown(socket.SHUT_RDWR)

    with spoken(hang_up) as speaker, pytest.raises(TransportFault, match="before it said anything") as caught:
        await ssh.run(at(speaker.port), "true", deadline=soon(5))

    assert caught.value.reason is Reason.PROTOCOL


async def test_a_port_where_nobody_listens_is_refused(ssh: SshTransport) -> None:
    with pytest.raises(TransportFault) as caught:
        await ssh.run(at(free_port()), "true", deadline=soon(5))

    assert caught.value.reason is Reason.REFUSED


async def test_a_name_without_address_is_a_name_fault(ssh: SshTransport) -> None:
    device = SshDevice("fw01", "no-such-host.invalid", credential(), PIN)

    with pytest.raises(TransportFault) as caught:
        await ssh.run(device, "true", deadline=soon(5))

    assert caught.value.reason is Reason.NAME


async def test_a_server_that_cannot_prove_its_key_is_not_spoken_to(ssh: SshTransport) -> None:
    """A man in the middle may show the approved public key; its signature gives him away."""
    with network_shell.running() as device:
        asked = device.device()
        stolen = network_shell.host_key()
        forged = paramiko.ECDSAKey.generate()
        forged.asbytes = stolen.asbytes  # type: ignore[method-assign]
        device.show(forged)
        with pytest.raises(TransportFault, match="cannot prove that it holds it") as caught:
            await ssh.run(asked, "true", deadline=soon(5))

    assert ssh_fault(caught.value, "ssh_command", credential()).condition == "ssh/host-key"
    assert (device.users, device.attempts) == ([], [])


@pytest.mark.parametrize("texts", [0, 3])
def test_a_packet_that_claims_thousands_of_millions_of_entries_is_refused(texts: int) -> None:
    lie = bytes(4) * texts + struct.pack(">I", 0xFFFFFFFF)

    with pytest.raises(paramiko.SSHException, match="claims 4294967295 entries"):
        _refuse_lies(lie, texts)


async def test_a_device_that_lies_about_its_extensions_is_dropped_at_once(ssh: SshTransport) -> None:
    """EXT_INFO (RFC 8308) with a count of four thousand millions would hold the interpreter for hours."""
    with network_shell.running() as device:
        device.say_after_keys = b"\x07" + struct.pack(">I", 0xFFFFFFFF)
        with pytest.raises(TransportFault) as caught:
            await ssh.run(device.device(), "true", deadline=soon(5))

    assert caught.value.reason is Reason.PROTOCOL


async def test_a_kept_connection_that_floods_while_nobody_asks_is_cut(ssh: SshTransport) -> None:
    with network_shell.running(network_shell.Cli(answers={"show": "x"})) as device:
        await ssh.shell(device.device(), ["show"], network_shell.PROFILE, deadline=soon())
        [line] = ssh._kept._lines.values()
        flooding = threading.Thread(target=device.flood, daemon=True)
        flooding.start()
        while line.connection.alive:
            await asyncio.sleep(0.02)
        flooding.join(5)

    assert line.connection.wire.flooded


async def test_fifty_failed_connections_leave_neither_threads_nor_descriptors() -> None:
    aside = Aside(64)
    ssh = SshTransport(Names(), aside, Lockout())
    speakers: list[Callable[[socket.socket], None]] = [
        lambda connected: connected.sendall(VERSION + kexinit(host_keys="ssh-rsa")),
        lambda connected: connected.sendall(b"x"),
        lambda connected: connected.sendall(VERSION),
        lambda connected: connected.shutdown(socket.SHUT_RDWR),
        lambda connected: connected.sendall(VERSION + kexinit()),
    ]
    servers = [Speaker(speak) for speak in speakers]
    before = transport_threads(), open_sockets()

    outcomes = await asyncio.gather(
        *(ssh.run(at(servers[number % 5].port, f"fw{number:02}"), "true", deadline=soon(1.0)) for number in range(50)),
        return_exceptions=True,
    )
    for server in servers:
        server.close()
    await ssh.close()

    assert all(isinstance(outcome, TransportFault) for outcome in outcomes)
    wait_until(lambda: transport_threads() <= before[0], "every thread of a connection has ended", 5)
    wait_until(lambda: open_sockets() <= before[1], "every socket is closed", 5)
    assert aside.hanging == 0


async def test_a_connected_transport_leaves_no_thread_when_it_is_closed() -> None:
    ssh = SshTransport(Names(), Aside(8), Lockout())
    with network_shell.running(network_shell.Cli(answers={"show": "x"})) as device:
        before = transport_threads()
        await ssh.shell(device.device(), ["show"], network_shell.PROFILE, deadline=soon())
        kept = transport_threads()
        await ssh.close()
        wait_until(lambda: transport_threads() <= before, "the thread of the connection has ended", 5)

    assert kept > before


def transport_threads() -> int:
    return sum(thread.name.startswith("ssh ") for thread in threading.enumerate())


def open_sockets() -> int:
    found = 0
    for entry in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{entry}").startswith("socket:")
        except OSError:
            continue
    return found
