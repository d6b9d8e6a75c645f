"""A simulated machine that answers real SSH on loopback: a few commands after a log-in by password, nothing else.

It is a host for the demo, not an SSH server for anybody: no shell, no files, no forwarding, one user.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import io
import logging
import socket
import threading
from collections.abc import Mapping
from typing import ClassVar

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paramiko.common import MSG_CHANNEL_REQUEST

_LOG = "ridgeway.demo.ssh"
_MOST_SESSIONS = 16
_NOT_FOUND = 127
"""The exit status by which a shell says that there is no such command (POSIX, 2.8.2)."""


class HostKey:
    """An Ed25519 key, made anew. `pin` is what an estate's `host_keys` has of it."""

    def __init__(self) -> None:
        made = Ed25519PrivateKey.generate()
        text = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ).decode()
        self.key = paramiko.Ed25519Key(file_obj=io.StringIO(text))
        digest = base64.b64encode(hashlib.sha256(self.key.asbytes()).digest()).decode().rstrip("=")
        self.pin = f"{self.key.get_name()} SHA256:{digest}"


class SimulatedServer:
    """One machine. `answers` are the command lines it knows and what each prints; they may be changed while it runs."""

    def __init__(self, address: tuple[str, int], user: str, password: str, host_key: HostKey) -> None:
        self.address = address
        self.answers: dict[str, str] = {}
        self._user = user
        self._password = password
        self.host_key = host_key
        self._listening: socket.socket | None = None
        self._sessions: list[paramiko.Transport] = []

    def start(self) -> None:
        """Begin to listen, in threads of its own. Raises OSError if the address is taken."""
        logger = logging.getLogger(_LOG)  # what paramiko says of a client that leaves is no part of the story
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
        self._listening = socket.create_server(self.address)
        self.address = self._listening.getsockname()[:2]
        threading.Thread(target=self._listen, args=(self._listening,), name="demo ssh", daemon=True).start()

    def stop(self) -> None:
        """Close every connection; safe to call twice."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listening.close()
        for session in self._sessions:
            session.close()

    def _listen(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._serve(listening.accept()[0])

    def _serve(self, connected: socket.socket) -> None:
        self._sessions = [session for session in self._sessions if session.is_active()]
        if len(self._sessions) >= _MOST_SESSIONS:
            connected.close()
            return
        session = _Transport(connected)
        session.set_log_channel(_LOG)
        session.add_server_key(self.host_key.key)
        self._sessions.append(session)
        session.start_server(event=threading.Event(), server=_Answering(self.answers, self._user, self._password))


class _Answering(paramiko.ServerInterface):  # type: ignore[misc] # paramiko has no types
    """What one client may do."""

    def __init__(self, answers: Mapping[str, str], user: str, password: str) -> None:
        self._answers = answers
        self._user = user
        self._password = password
        self._asked: dict[int, str] = {}

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        right = hmac.compare_digest(f"{username}\0{password}".encode(), f"{self._user}\0{self._password}".encode())
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        refused = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return int(paramiko.OPEN_SUCCEEDED if kind == "session" else refused)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._asked[channel.chanid] = command.decode("utf-8", "replace")
        return True

    def run(self, channel: paramiko.Channel) -> None:
        """Print what the command of this channel prints, if there is one that has not been run."""
        command = self._asked.pop(channel.chanid, None)
        if command is None:
            return
        text = self._answers.get(command)
        if text is None:
            channel.sendall_stderr(b"not found\n")
        else:
            channel.sendall(text.encode())
        channel.send_exit_status(_NOT_FOUND if text is None else 0)
        channel.close()


def _requested(channel: paramiko.Channel, message: paramiko.Message) -> None:
    channel._handle_request(message)
    channel.transport.server_object.run(channel)


class _Transport(paramiko.Transport):  # type: ignore[misc] # paramiko has no types
    """Runs a command after the client has been told that it runs: paramiko itself has no hook between the two.

    A command that printed from a thread of its own could end before that, and the client would call it refused.
    """

    _channel_handler_table: ClassVar = {**paramiko.Transport._channel_handler_table, MSG_CHANNEL_REQUEST: _requested}
