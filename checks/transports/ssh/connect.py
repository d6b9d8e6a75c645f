"""From a socket to a connection whose host key is approved. Blocking; nothing of a user is sent here.

paramiko re-raises in the caller whatever its own thread met while it read a hostile peer (`struct.error`, `KeyError`,
`UnicodeDecodeError`, …), so that each border to it catches `Exception` and says in plain words what happened.
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_EXT_INFO, MSG_SERVICE_ACCEPT, MSG_USERAUTH_INFO_REQUEST
from paramiko.packet import Packetizer

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.socket_fault import socket_fault
from checks.transports.ssh import kexinit, pins
from checks.transports.ssh.faults import HostKeyChanged, OnlySha1
from checks.transports.ssh.model import HostKey
from checks.transports.ssh.text import one_line
from checks.transports.ssh.wire import Wire

WINDOW = 128 * 1024
"""Octets that a peer may send ahead on one channel."""
_LOG = "checks.transports.ssh.paramiko"
_SIGNATURES = (
    "hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
)  # fmt: skip
_MOST_ITEMS = 64
_NEVER = 1e9
_NO_SERVER = "the connection for SSH was refused; is its SSH server running?"
_SILENT = "no answer to a connection for SSH"


@dataclass(slots=True)
class Connection:
    """A connection to a device whose host key is known."""

    where: str
    transport: paramiko.Transport
    wire: Wire
    host_key: HostKey | None = None
    hello: bytes = b""
    """What the device said in clear at first."""
    opened: int = 0
    """Channels opened on it so far."""
    broken: bool = False
    """Something went wrong on it: not to be used again."""

    @property
    def alive(self) -> bool:
        """As far as is known here."""
        return not self.broken and self.transport.is_active()

    def ended_in_order(self, channel: paramiko.Channel) -> bool:
        """Whether the peer itself closed this channel."""
        ended: bool = channel.chanid in self.transport.packetizer.ended
        return ended

    def release(self, channel: paramiko.Channel) -> None:
        """Close a channel; the connection stays, unless it is gone."""
        try:
            channel.close()
        except Exception:  # noqa: BLE001 - whatever paramiko's thread met: the connection is gone, the channel too
            self.broken = True
        self.transport.packetizer.ended.discard(channel.chanid)

    def close(self) -> None:
        """Release socket and thread. Does not wait; safe to call twice."""
        self.broken = True
        self.wire.close()
        self.transport.close()


class _Bounded(Packetizer):  # type: ignore[misc] # paramiko has no types
    """Without a timer thread for each handshake, and refusing counts that a packet cannot hold.

    paramiko reads as many entries as a packet claims to have, with zeros for what is missing: a count of four
    thousand millions would hold its thread, and the interpreter, for hours.
    """

    def __init__(self, opened: Wire) -> None:
        super().__init__(opened)
        self.ended: set[int] = set()
        """Our numbers of the channels that the peer closed: a cut connection closes them too, but not in order."""
        self.secret_sent = False
        """The peer was ready for a log-in, so that one was sent."""

    def start_handshake(self, timeout: float) -> None:
        """The tether bounds a handshake; a timer would outlive a failed one by 15 s."""

    def read_message(self) -> tuple[int, paramiko.Message]:
        number, message = super().read_message()
        if number == MSG_EXT_INFO:
            _refuse_lies(message.asbytes(), 0)
        elif number == MSG_USERAUTH_INFO_REQUEST:
            _refuse_lies(message.asbytes(), 3)
        elif number == MSG_SERVICE_ACCEPT:
            self.secret_sent = True
        elif number == MSG_CHANNEL_CLOSE:
            self.ended.add(int.from_bytes(message.asbytes()[:4], "big"))
        return number, message


def _refuse_lies(packet: bytes, texts: int) -> None:
    """The count that follows so many texts must be small (RFC 8308, section 2.3; RFC 4256, section 3.2)."""
    at = 0
    for _ in range(texts):
        (length,) = struct.unpack_from(">I", packet, at)
        at += 4 + length
    (count,) = struct.unpack_from(">I", packet, at)
    if count > _MOST_ITEMS:
        raise paramiko.SSHException(f"a packet that claims {count} entries")


def connect(target: str, address: Address, port: int, host_keys: Sequence[str], tether: Tether) -> Connection:
    """A connection that showed one of the approved keys. Raises TransportFault, HostKeyChanged, OnlySha1."""
    approved = pins.kinds(target, host_keys)
    connection = shake_hands(target, address, port, approved, tether, host_keys)
    shown = connection.host_key
    if shown is None or shown.line not in host_keys:
        connection.close()
        told = pins.changed(target, shown, host_keys) if shown else f"{target}: it showed no host key"
        raise HostKeyChanged(Reason.PROTOCOL, told)
    return connection


def shake_hands(
    target: str, address: Address, port: int, kinds: Sequence[str], tether: Tether, host_keys: Sequence[str] = ()
) -> Connection:
    """Connect and exchange keys, asking for a host key of one of these kinds. Raises as `connect` does.

    Whether the key is approved is not judged here; `host_keys` are for the message about a kind that is gone.
    """
    where = f"{target} ({address.ip} port {port})"
    wire = Wire(_open(where, address, port, tether))
    tether.on_cut(wire.sever)
    transport = paramiko.Transport(wire, default_window_size=WINDOW, packetizer_class=_Bounded)
    transport.name = f"ssh {target}"
    transport.auth_timeout = transport.banner_timeout = transport.clear_to_send_timeout = _NEVER
    transport.set_log_channel(_quiet())
    options = transport.get_security_options()
    options.digests = _SIGNATURES
    # AES-GCM first: a command on a kept connection costs 15 % less CPU than with a separate HMAC for each packet.
    options.ciphers = sorted(options.ciphers, key=lambda cipher: "gcm" not in cipher)
    ours = kexinit.Ours(
        frozenset(options.kex), frozenset(options.key_types), frozenset(options.ciphers), frozenset(_SIGNATURES)
    )
    options.key_types = tuple(algorithm for kind in kinds for algorithm in pins.ALGORITHMS[kind])
    connection = Connection(where, transport, wire)
    try:
        transport.start_client()
        connection.host_key = _host_key(transport.get_remote_server_key())
    except Exception as error:
        hello = bytes(wire.hello or b"")
        connection.close()
        raise _refusal(target, where, hello, ours, kinds, host_keys, wire.flooded, tether, error) from error
    connection.hello = bytes(wire.hello or b"")
    wire.forget_hello()
    return connection


def _host_key(key: paramiko.PKey) -> HostKey:
    return HostKey(key.get_name(), key.fingerprint, key.get_bits())


def _quiet() -> str:
    """The log channel that is given to paramiko: what it has to tell, texts of the peer included, is kept nowhere."""
    logger = logging.getLogger(_LOG)
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)
    return _LOG


def _open(where: str, address: Address, port: int, tether: Tether) -> socket.socket:
    try:
        opened = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:
        raise socket_fault(error, where, refused=_NO_SERVER, silent=_SILENT) from error
    try:
        tether.hold(opened)
        opened.settimeout(tether.left)
        opened.connect(address.at(port))
        opened.settimeout(None)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        opened.close()
        raise socket_fault(error, where, refused=_NO_SERVER, silent=_SILENT) from error
    return opened


def _refusal(
    target: str,
    where: str,
    hello: bytes,
    ours: kexinit.Ours,
    kinds: Sequence[str],
    host_keys: Sequence[str],
    flooded: bool,
    tether: Tether,
    error: Exception,
) -> TransportFault:
    """Why there is no connection, judged by what the peer said in clear."""
    if flooded:
        return TransportFault(
            Reason.PROTOCOL, f"{where}: it sent more than 256 KiB before anybody could log in, and was cut off"
        )
    offered = kexinit.offer(hello)
    if offered is not None:
        old = kexinit.only_sha1(offered, ours)
        if old:
            return OnlySha1(Reason.PROTOCOL, _only_sha1(where, old))
        if host_keys and not any(set(pins.ALGORITHMS[kind]) & set(offered.host_keys) for kind in kinds):
            return HostKeyChanged(Reason.PROTOCOL, pins.gone(target, offered.host_keys, host_keys))
        lacking = kexinit.nothing_common(offered, ours)
        if lacking:
            return TransportFault(
                Reason.PROTOCOL, f"{where}: nothing in common for {', '.join(lacking)}; update its firmware"
            )
        if "Signature verification" in str(error):
            return HostKeyChanged(
                Reason.PROTOCOL,
                f"{where}: it shows a host key but cannot prove that it holds it; somebody may stand between."
                " Nothing was sent to it",
            )
    if tether.cut:
        return TransportFault(Reason.NO_ANSWER, f"{where}: connected, but SSH did not answer until the deadline")
    if hello and kexinit.version(hello) is None:
        said = one_line(hello[:60].decode("utf-8", "replace"))
        return TransportFault(Reason.PROTOCOL, f"{where}: not an SSH server, it says {said!r}; look at the port")
    if not hello:
        return TransportFault(
            Reason.PROTOCOL,
            f"{where}: it closed the connection before it said anything; it may have no session free, or bar this"
            " address",
        )
    return TransportFault(Reason.PROTOCOL, f"{where}: the SSH handshake broke off ({one_line(str(error))[:120]})")


def _only_sha1(where: str, old: Sequence[str]) -> str:
    return (
        f"{where}: it offers only SHA-1 (or older) for {', '.join(old)}. That can be forged, so it is not used; update"
        " its firmware, or switch on SHA-2 and make new host keys in its settings; until then watch it another way,"
        " by SNMPv3 for example"
    )
