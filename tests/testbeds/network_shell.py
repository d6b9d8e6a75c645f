"""A network device that never was: an SSH server that takes passwords and speaks a scripted command line.

`Device` counts every attempt to log in, as a directory would that locks accounts. `Cli` is the command line; its
settings are the habits of real devices: pagers, slow echo, escape sequences, banners, silence, floods.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import paramiko

from checks.transports.ssh.model import ShellProfile, SshDevice
from config.estate import Credential

USER, PASSWORD = "ops", "Bridgewater-77!"
PROFILE = ShellProfile(prompt=r"fw01 #")
"""What `Cli` is like until it is told otherwise."""
_HOST_KEY = paramiko.ECDSAKey.generate()


def host_key() -> paramiko.ECDSAKey:
    """The key that the device shows."""
    return _HOST_KEY


def credential(password: str = PASSWORD, name: str = "directory") -> Credential:
    return Credential(name, "password", {"user": USER, "password": password})


def soon(seconds: float = 10.0) -> float:
    """A deadline in loop time."""
    return asyncio.get_running_loop().time() + seconds


@dataclass
class Cli:
    """One kind of command line. Octets are sent as a terminal would get them."""

    prompt: str = "fw01 # "
    answers: dict[str, str] = field(default_factory=dict)
    banner: str = ""
    page: int | None = None
    """Lines after which the pager asks."""
    pager: str = "--More-- "
    wiped_by: str = "\r         \r"
    """What the device sends to wipe the pager's prompt."""
    echo: bool = True
    echo_delay: float = 0.0
    """Seconds before each letter of the echo."""
    greets_twice: bool = False
    """Sends a second prompt a moment after the first one."""
    before_prompt: str = ""
    silent_after: int | None = None
    """Commands after which no prompt comes any more."""
    flood: bool = False
    typed: list[str] = field(default_factory=list)
    """Every line that was entered, and every command that was run without a command line."""

    def serve(self, channel: paramiko.Channel) -> None:
        channel.sendall((self.banner + self.before_prompt).encode())
        if self.flood:
            while True:
                channel.sendall(b"flood " * 1000 + b"\r\n")
        if self.silent_after == 0:
            _until_closed(channel)
        channel.sendall(self.prompt.encode())
        if self.greets_twice:
            time.sleep(0.35)
            channel.sendall(b"\r\n" + self.prompt.encode())
        done = 0
        while (line := self._line(channel)) is not None:
            self.typed.append(line)
            if line in ("exit", "quit"):
                return
            self._answer(channel, self.answers.get(line, f"unknown: {line}" if line else ""))
            done += 1
            if done == self.silent_after:
                _until_closed(channel)
            channel.sendall((self.before_prompt + self.prompt).encode())

    def _line(self, channel: paramiko.Channel) -> str | None:
        typed = b""
        while not typed.endswith((b"\n", b"\r")):
            letter = channel.recv(1)
            if not letter:
                return None
            typed += letter
            if self.echo and letter not in b"\r\n":
                if self.echo_delay:
                    time.sleep(self.echo_delay)
                channel.sendall(letter)
        if self.echo:
            channel.sendall(b"\r\n")
        return typed.decode().strip()

    def _answer(self, channel: paramiko.Channel, text: str) -> None:
        lines = text.split("\n") if text else []
        for number, line in enumerate(lines):
            if self.page is not None and number and number % self.page == 0:
                channel.sendall(self.pager.encode())
                if channel.recv(1) != b" ":
                    return
                channel.sendall(self.wiped_by.encode())
            channel.sendall(line.encode() + b"\r\n")


def _until_closed(channel: paramiko.Channel) -> None:
    while channel.recv(1000):
        pass


class Device(paramiko.ServerInterface):
    """The server of one device. `attempts` are the passwords it was given, in order; `shown` what was typed."""

    def __init__(
        self,
        cli: Cli | None = None,
        password: str = PASSWORD,
        methods: str = "password",
        prompts: tuple[str, ...] = ("Password: ",),
    ) -> None:
        self.cli = cli or Cli()
        self.password = password
        self.methods = methods
        self.prompts = prompts
        self.attempts: list[str] = []
        self.users: list[str] = []
        self.connections = 0
        self.terminals: list[tuple[bytes, int, int]] = []
        self.hangs_up_on_refusal = False
        self.mute_at_login = False
        self.refused_sessions = 0
        """How many of the next sessions are refused."""
        self.sessions_at_once: int | None = None
        self._sessions = 0
        self.say_after_keys: bytes | None = None
        """A packet that is sent as soon as the keys are exchanged."""
        self._host_key: paramiko.PKey = _HOST_KEY
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, name="device", daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection in the middle of whatever it does."""
        for transport in self._transports:
            transport.close()

    def show(self, key: paramiko.PKey) -> None:
        """Use another host key from now on."""
        self._host_key = key

    def flood(self) -> None:
        """Send packets that nobody asked for, as fast as they go, until the connection is cut."""
        nothing = paramiko.Message()
        nothing.add_byte(b"\x02")  # SSH_MSG_IGNORE
        nothing.add_string(b"x" * 30_000)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            while self._transports[0].is_active():
                self._transports[0]._send_message(nothing)

    def device(self, credential_: Credential | None = None, target: str = "fw01", **settings: bool) -> SshDevice:
        pin = f"{_HOST_KEY.get_name()} {_HOST_KEY.fingerprint}"
        return SshDevice(target, "127.0.0.1", credential_ or credential(), (pin,), port=self.port, **settings)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self.connections += 1
                transport = paramiko.Transport(connected)
                transport.set_log_channel("testbeds.device")
                transport.add_server_key(self._host_key)
                self._transports.append(transport)
                ready = threading.Event()
                transport.start_server(event=ready, server=self)
                if self.say_after_keys is not None and ready.wait(5):
                    transport._send_message(paramiko.Message(self.say_after_keys))

    def get_allowed_auths(self, _username: str) -> str:
        return self.methods

    def check_auth_password(self, username: str, password: str) -> int:
        self.users.append(username)
        self.attempts.append(password)
        if self.mute_at_login:
            time.sleep(5)
        if password == self.password and "password" in self.methods:
            return paramiko.AUTH_SUCCESSFUL
        if self.hangs_up_on_refusal:
            self.cut()
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, _key: paramiko.PKey) -> int:
        self.users.append(username)
        return paramiko.AUTH_FAILED

    def check_auth_none(self, username: str) -> int:
        self.users.append(username)
        return paramiko.AUTH_FAILED

    def check_auth_interactive(self, username: str, _submethods: str) -> int | paramiko.InteractiveQuery:
        self.users.append(username)
        return paramiko.InteractiveQuery("", "", *((prompt, False) for prompt in self.prompts))

    def check_auth_interactive_response(self, responses: list[str]) -> int | paramiko.InteractiveQuery:
        self.attempts += responses
        if responses == [self.password]:
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.InteractiveQuery("", "try again", ("Password: ", False))

    def check_channel_request(self, _kind: str, _chanid: int) -> int:
        if self._sessions == self.sessions_at_once:
            return int(paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)
        if self.refused_sessions:
            self.refused_sessions -= 1
            return int(paramiko.OPEN_FAILED_RESOURCE_SHORTAGE)
        self._sessions += 1
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_pty_request(
        self, _channel: paramiko.Channel, term: bytes, width: int, height: int, *_more: object
    ) -> bool:
        self.terminals.append((term, width, height))
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        threading.Thread(target=self._serve, args=(channel,), name="device shell", daemon=True).start()
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        line = command.decode()
        self.cli.typed.append(line)
        if line not in self.cli.answers:
            self._sessions -= 1
            return False
        threading.Thread(target=self._run, args=(channel, self.cli.answers[line]), name="device exec").start()
        return True

    def _run(self, channel: paramiko.Channel, said: str) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.sendall(f"{said}\n".encode())
            channel.send_exit_status(0)
            channel.shutdown_write()
            _until_closed(channel)  # a channel that closes before the command was granted looks like a refusal
        self._sessions -= 1
        with contextlib.suppress(OSError, EOFError):
            channel.close()

    def _serve(self, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            try:
                self.cli.serve(channel)
            finally:
                self._sessions -= 1
                channel.close()


@contextlib.contextmanager
def running(cli: Cli | None = None, **settings: object) -> Iterator[Device]:
    """A device for the time of the block."""
    device = Device(cli, **settings)  # type: ignore[arg-type]
    try:
        yield device
    finally:
        device.close()
