"""One command, as `ssh host command` runs it: its output, bounded, and its exit status. Blocking."""

from __future__ import annotations

import time

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.ssh.channel import LAST, Reader, lost, open_session, overdue
from checks.transports.ssh.connect import Connection
from checks.transports.ssh.model import Ran
from checks.transports.ssh.text import plain

_STATUS = 2.0
"""Seconds that an exit status may come after the output has ended."""


def run(connection: Connection, command: str, limit: int, tether: Tether) -> Ran:
    """Run it once. Raises NotOpened (it was not run), else TransportFault; output over `limit` cuts it off."""
    channel = open_session(connection, tether)
    begun = time.monotonic()
    try:
        return _run(connection, channel, command, limit, tether, begun)
    except Exception as error:
        raise lost(connection, tether, begun, "a command", error) from error
    finally:
        _end(connection, channel)
        connection.release(channel)


def _end(connection: Connection, channel: paramiko.Channel) -> None:
    """Have the device kill a command that has not ended: it would stay there, and the next run's would join it.

    OpenSSH does so from 7.9 on (RFC 4254, section 6.9); paramiko has no call for it. What waits for a dead disk cannot
    be killed by anybody.
    """
    if channel.exit_status_ready() or channel.closed or not connection.alive:
        return
    wish = paramiko.Message()
    wish.add_byte(cMSG_CHANNEL_REQUEST)
    wish.add_int(channel.remote_chanid)
    wish.add_string("signal")
    wish.add_boolean(False)
    wish.add_string("KILL")
    try:
        connection.transport._send_user_message(wish)
    except Exception:  # noqa: BLE001 - whatever paramiko meets on a connection that breaks just now: it is gone then
        connection.broken = True


def _run(
    connection: Connection, channel: paramiko.Channel, command: str, limit: int, tether: Tether, begun: float
) -> Ran:
    reader = Reader(channel)
    try:
        channel.exec_command(command)
    except paramiko.SSHException as error:
        if not connection.transport.is_active():
            raise
        raise TransportFault(
            Reason.FORBIDDEN,
            f"{connection.where}: it runs no commands over SSH (exec is refused); its command line may do it",
        ) from error
    output = Output(limit)
    until = tether.deadline - LAST
    if not reader.read(output.take, until):
        raise overdue(connection, begun, "a command")
    if not output.truncated:
        channel.status_event.wait(max(0.0, min(_STATUS, until - time.monotonic())))
        if channel.exit_status < 0 and channel.closed and not connection.ended_in_order(channel):
            raise EOFError  # cut in the middle: what came is not the whole
    known = channel.status_event.is_set() and channel.exit_status >= 0 and not output.truncated
    return Ran(
        plain(bytes(output.stdout)),
        plain(bytes(output.stderr)),
        channel.exit_status if known else None,
        output.truncated,
        time.monotonic() - begun,
    )


class Output:
    """Both streams together, up to a limit in octets."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.truncated = False

    def take(self, octets: bytes, is_stderr: bool) -> bool:
        """False when more came than fits."""
        room = self._limit - len(self.stdout) - len(self.stderr)
        (self.stderr if is_stderr else self.stdout).extend(octets[:room])
        self.truncated = len(octets) > room
        return not self.truncated
