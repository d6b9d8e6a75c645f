"""One attempt, one method, one secret; and what is made of the answer."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest

from checks.contract import Reason
from checks.transports.aside import Aside
from checks.transports.fault import TransportFault
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from checks.transports.ssh import SshTransport, ssh_fault
from config.estate import Credential
from config.secrets import SecretReference
from testbeds import network_shell
from testbeds.network_shell import PASSWORD, PROFILE, Cli, credential
from testbeds.sshd import USER, Sshd, soon


@pytest.mark.acceptance
async def test_a_certificate_lets_in_a_key_that_the_device_does_not_know(ssh: SshTransport, server: Sshd) -> None:
    certificate = server.certify("stranger")

    ran = await ssh.run(server.device(server.credential("stranger", certificate)), "whoami", deadline=soon())

    assert ran.stdout == f"{USER}\n"


@pytest.mark.acceptance
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_keys_of_other_kinds_are_taken_too(ssh: SshTransport, server: Sshd, kind: str) -> None:
    server.make_key(f"another-{kind}", kind)
    certificate = server.certify(f"another-{kind}")

    ran = await ssh.run(server.device(server.credential(f"another-{kind}", certificate)), "true", deadline=soon())

    assert ran.exit_status == 0


@pytest.mark.acceptance
async def test_a_key_with_a_passphrase_is_opened(ssh: SshTransport, server: Sshd, tmp_path: object) -> None:
    server.make_key("locked", passphrase="open sesame")
    certificate = server.certify("locked")
    plain = server.credential("locked", certificate)
    os.environ["RIDGEWAY_TEST_PASSPHRASE"] = "open sesame"
    settings = {**plain.settings, "passphrase": SecretReference("env", "RIDGEWAY_TEST_PASSPHRASE")}

    ran = await ssh.run(server.device(Credential("locked", "ssh-key", settings)), "true", deadline=soon())

    assert ran.exit_status == 0


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "has a passphrase, but none is given"),
        ({"passphrase": "wrong"}, "the key cannot be read"),
        ({"key": "no key at all"}, "the key cannot be read"),
        ({"key": SecretReference("file", "/nonexistent/key")}, "No such file"),
        ({"certificate": "ssh-ed25519-cert-v01@openssh.com AAAA"}, "the certificate cannot be read"),
    ],
)
async def test_a_key_that_cannot_be_read_is_said_before_anything_is_sent(
    ssh: SshTransport, server: Sshd, settings: dict[str, str | SecretReference], words: str
) -> None:
    name = "user" if "certificate" in settings else "locked"
    if not (server.directory / "locked").exists():
        server.make_key("locked", passphrase="open sesame")
    whole = {**server.credential(name).settings, **settings}
    before = server.log.count("Connection from")

    with pytest.raises(TransportFault, match=words) as caught:
        await ssh.run(server.device(Credential("locked", "ssh-key", whole)), "true", deadline=soon())

    assert caught.value.reason is Reason.LOCAL
    assert server.log.count("Connection from") == before


@pytest.mark.acceptance
async def test_a_wrong_key_is_one_refusal_filed_under_its_credential(ssh: SshTransport, server: Sshd) -> None:
    before = server.log
    device = server.device(server.credential("stranger", name="backup-key"))

    with pytest.raises(TransportFault, match="credential backup-key") as caught:
        await ssh.run(device, "true", deadline=soon())

    assert caught.value.reason is Reason.AUTHENTICATION
    assert ssh_fault(caught.value, "ssh_command", device.credential).condition == "credential/backup-key"
    tried = server.log.removeprefix(before)
    assert tried.count("Failed publickey") == 1
    assert tried.count("Failed") == 1


async def test_a_password_is_taken(ssh: SshTransport) -> None:
    with network_shell.running(Cli(answers={"show": "fine"})) as device:
        answers = await ssh.shell(device.device(), ["show"], PROFILE, deadline=soon())

    assert answers == ["fine"]
    assert device.attempts == [PASSWORD]
    assert device.users == ["ops"]


async def test_a_question_for_the_password_is_answered_where_the_device_wants_it_so(ssh: SshTransport) -> None:
    with network_shell.running(Cli(answers={"show": "fine"}), methods="keyboard-interactive") as device:
        answers = await ssh.shell(device.device(interactive=True), ["show"], PROFILE, deadline=soon())

    assert answers == ["fine"]
    assert device.attempts == [PASSWORD]


async def test_a_question_asked_again_is_a_refusal_and_not_answered_again(ssh: SshTransport) -> None:
    with network_shell.running(methods="keyboard-interactive") as device:
        asked = device.device(credential("wrong"), interactive=True)
        with pytest.raises(TransportFault, match="was refused") as caught:
            await ssh.run(asked, "true", deadline=soon())

    assert caught.value.reason is Reason.AUTHENTICATION
    assert device.attempts == ["wrong"]


async def test_a_second_factor_is_not_given_the_password(ssh: SshTransport) -> None:
    with (
        network_shell.running(methods="keyboard-interactive", prompts=("Password: ", "Code: ")) as device,
        pytest.raises(TransportFault, match="second factor") as caught,
    ):
        await ssh.run(device.device(interactive=True), "true", deadline=soon())

    assert caught.value.reason is Reason.AUTHENTICATION
    assert device.attempts == []


async def test_a_device_without_plain_passwords_is_told_apart_and_not_tried_another_way(ssh: SshTransport) -> None:
    with (
        network_shell.running(methods="keyboard-interactive") as device,
        pytest.raises(TransportFault, match="takes only keyboard-interactive"),
    ):
        await ssh.run(device.device(), "true", deadline=soon())

    assert device.attempts == [PASSWORD]


async def test_a_device_that_hangs_up_on_the_password_has_refused_it(ssh: SshTransport) -> None:
    with network_shell.running() as device:
        device.hangs_up_on_refusal = True
        with pytest.raises(TransportFault, match="it hung up") as caught:
            await ssh.run(device.device(credential("wrong")), "true", deadline=soon())

    assert caught.value.reason is Reason.AUTHENTICATION


async def test_a_device_that_takes_the_password_and_says_nothing_refuses_nothing() -> None:
    lockout = Lockout()
    ssh = SshTransport(Names(), Aside(8), lockout)
    with network_shell.running() as device:
        device.mute_at_login = True
        with pytest.raises(TransportFault, match="no answer to the log-in") as caught:
            await ssh.run(device.device(), "true", deadline=soon(0.5))
    await ssh.close()

    assert caught.value.reason is Reason.NO_ANSWER
    assert lockout.refused() == {}


async def test_twenty_devices_with_one_wrong_password_are_tried_twice_in_all() -> None:
    lockout = Lockout()
    ssh = SshTransport(Names(), Aside(64), lockout)
    wrong = credential("not-the-password")

    with network_shell.running() as device:
        devices = [device.device(wrong, target=f"fw{number:02}") for number in range(20)]
        for _ in range(2):
            faults = await asyncio.gather(
                *(ssh.run(each, "true", deadline=soon(8)) for each in devices), return_exceptions=True
            )
    await ssh.close()

    assert len(device.attempts) == 2
    reasons = [fault.reason for fault in faults if isinstance(fault, TransportFault)]
    assert reasons == [Reason.WITHHELD] * 20
    conditions = {
        ssh_fault(fault, "ssh_command", wrong).condition for fault in faults if isinstance(fault, TransportFault)
    }
    assert conditions == {"credential/directory"}


async def test_a_mended_password_is_tried_at_once_and_the_old_connection_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    ssh = SshTransport(Names(), Aside(8), Lockout())
    monkeypatch.setattr(ssh._accesses, "_clock", lambda: now)
    monkeypatch.setenv("RIDGEWAY_TEST_PASSWORD", PASSWORD)
    changing = Credential(
        "d", "password", {"user": "ops", "password": SecretReference("env", "RIDGEWAY_TEST_PASSWORD")}
    )

    with network_shell.running(Cli(answers={"show": "fine"})) as device:
        await ssh.shell(device.device(changing), ["show"], PROFILE, deadline=soon())
        monkeypatch.setenv("RIDGEWAY_TEST_PASSWORD", "another")
        device.password = "another"
        now = 61.0
        await ssh.shell(device.device(changing), ["show"], PROFILE, deadline=soon())
        kept = ssh.kept
    await ssh.close()

    assert device.attempts == [PASSWORD, "another"]
    assert kept == 1


async def test_no_secret_reaches_a_log_or_a_message(ssh: SshTransport, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "Wendover-Woods-93"

    with network_shell.running() as device, pytest.raises(TransportFault) as caught:
        await ssh.run(device.device(credential(secret)), "true", deadline=soon())

    assert device.attempts == [secret]
    assert secret not in caplog.text
    assert secret not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert [record.name for record in caplog.records if record.name.startswith("checks.")] == []


@pytest.mark.parametrize("kind", ["token", "snmp-v2c"])
async def test_a_credential_of_another_kind_is_refused_in_plain_words(ssh: SshTransport, kind: str) -> None:
    with network_shell.running() as device, pytest.raises(TransportFault, match=f"not {kind}"):
        await ssh.run(device.device(Credential("odd", kind, {})), "true", deadline=soon())

    assert device.connections == 0
