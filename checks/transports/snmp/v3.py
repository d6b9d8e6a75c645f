"""SNMPv3's user-based security on top of a session: discovery, the device's clock, and the check of every reply.

gufo-snmp signs and encrypts our questions and decrypts replies, but believes any reply it can decode. Here each reply
must carry the right signature, be encrypted if the user is, come from the engine that was asked, and be recent.
"""

from __future__ import annotations

import asyncio
import hashlib
import random

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gufo.snmp._fast import SnmpV3ClientSocket, get_localized_key, get_master_key

from checks.transports.snmp import encoding, wire
from checks.transports.snmp.credentials import User
from checks.transports.snmp.errors import HandshakeOnly, Malformed, NoAnswer, NotAuthenticated, OutOfStep, SnmpError
from checks.transports.snmp.session import Session, guarded

_TIME_WINDOW = 150
"""Seconds by which a signed message may be old (RFC 3414, section 2.2.3)."""
_OUT_OF_STEP = (2, 4)
_REPORTS = {
    1: "it does not offer this security level to the user",
    2: "its clock and ours are out of step",
    3: "it does not know the user",
    4: "its engine id has changed",
    5: "it rejects the signature: the auth password or the auth protocol is wrong",
    6: "it cannot decrypt: the privacy password or the privacy protocol is wrong",
}
_REPORT = wire.Response(0, [])
_ENGINE_ID_OCTETS = range(5, 33)
"""RFC 3411, section 5."""
_AES_BLOCK = 16


class V3Session(Session):
    """A conversation with one SNMP engine on behalf of one user. Made by `open_v3`; kept between polls."""

    _sock: SnmpV3ClientSocket

    def __init__(
        self, address: str, sock: SnmpV3ClientSocket, user: User, engine_id: bytes, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(address, sock, loop)
        self.engine_id = engine_id
        self._user = user
        self._head: wire.Secured | None = None
        self._signing_key = b""
        self._privacy_key = b""
        self._clock: tuple[int, int, float] | None = None
        """The engine's boots and time, and when (loop time) it said so."""
        self.idle_since = 0.0
        """When (loop time) its last poll ended; 0 while the first is under way."""
        self.discovered = False
        """Whether the engine has answered the handshake, or a part of it."""
        self.proven = False
        """Whether a reply to a question, not only to the handshake, has come in."""
        if engine_id:
            self._localise()

    def _localise(self) -> None:
        self._signing_key = self._user.signing_key(self.engine_id)
        self._privacy_key = privacy_key(self._user, self.engine_id)

    async def greet(self, until: float) -> None:
        """Learn the engine's id if it is not known, and its clock if replies are signed. Raises SnmpError."""
        if not self.engine_id:
            await self._refresh(until)
            engine_id = bytes(self._sock.get_engine_id())
            if len(engine_id) not in _ENGINE_ID_OCTETS:
                raise Malformed(f"{self.address}: an SNMP engine id of {len(engine_id)} octets")
            user = self._user
            self._guarded(
                lambda: self._sock.set_keys(
                    user.name, user.auth_algorithm, user.auth_key, user.privacy_algorithm, user.privacy_key
                )
            )
            self.engine_id = engine_id
            self._localise()
            self.discovered = True
        if self._user.auth is not None:
            await self._refresh(until)
            self.discovered = True

    async def _refresh(self, until: float) -> None:
        await self._exchange(lambda: self._sock.send_refresh(), lambda: self._sock.recv_refresh(), until)

    def silence(self) -> SnmpError:
        """What it means that a question was not answered: a device that has just greeted us is not away."""
        if self.proven or not self.discovered or self._user.auth is None:
            return NoAnswer(f"{self.address}: no answer to an SNMP question")
        return HandshakeOnly(
            f"{self.address}: SNMPv3: the device answers the handshake but not the question: the privacy password or "
            "protocol may be wrong, or the user may see nothing of the MIB"
        )

    def _message(self, pdu: bytes) -> bytes:
        boots, time, at = self._clock or (0, 0, 0.0)
        passed = 0 if self._clock is None else int(self._loop.time() - at)
        return encoding.by_user(
            random.getrandbits(31), self._user, encoding.Moment(self.engine_id, boots, time + passed),
            self._signing_key, self._privacy_key, encoding.scoped_pdu(self.engine_id, pdu), reportable=True,
        )  # fmt: skip

    def _believe(self, raw: bytes) -> None:
        wire.whole(raw)
        if self._head is not None and self._head.report is not None:
            raise self._reported()

    def _vet(self, raw: bytes) -> wire.Response:
        head = wire.secured(raw)
        self._head = head
        if not self.engine_id:
            if head.report is None:
                raise Malformed(f"{self.address}: discovery was not answered with a report")
            return _REPORT
        if head.engine_id != self.engine_id:
            raise OutOfStep(f"{self.address}: {_REPORTS[4]}")
        if self._user.auth is not None:
            self._check_signature(raw, head)
        if head.report is not None:
            return _REPORT
        self.proven = True
        if not head.encrypted:
            return wire.response(wire.scoped_pdu(raw, head.data))
        start, stop = wire.octets(raw, head.data)
        return wire.response(wire.scoped_pdu(decrypted(raw[start:stop], self._privacy_key, head), None))

    def _check_signature(self, raw: bytes, head: wire.Secured) -> None:
        auth = self._user.auth
        assert auth is not None
        if not head.authenticated:
            if head.report is not None:
                raise self._reported()
            raise NotAuthenticated(f"{self.address}: the reply is not signed, although the question was")
        if not wire.signed_by(raw, head, self._signing_key, auth.digest, auth.signature_length):
            raise NotAuthenticated(f"{self.address}: the reply's signature is wrong: not from this device, or altered")
        if self._user.privacy is not None and not head.encrypted and head.report is None:
            raise NotAuthenticated(f"{self.address}: the reply is not encrypted, although the question was")
        self._keep_time(head)

    def _keep_time(self, head: wire.Secured) -> None:
        now = self._loop.time()
        if self._clock is not None:
            boots, time, at = self._clock
            if head.boots < boots or (head.boots == boots and head.time < time + (now - at) - _TIME_WINDOW):
                raise NotAuthenticated(f"{self.address}: the reply is an old one, sent again")
        self._clock = (head.boots, head.time, now)

    def _reported(self) -> SnmpError:
        number = self._head.report if self._head is not None else None
        text = f"{self.address}: SNMPv3: {_REPORTS.get(number or 0, 'the device refuses the question')}"
        return OutOfStep(text) if number in _OUT_OF_STEP else NotAuthenticated(text)


async def open_v3(
    address: str, user: User, engine_id: bytes, loop: asyncio.AbstractEventLoop, until: float
) -> V3Session:
    """A session that has greeted its engine. Raises SnmpError."""
    known = user if engine_id else User("")
    session = V3Session(
        address,
        guarded(
            address,
            lambda: SnmpV3ClientSocket(
                address, engine_id, known.name, known.auth_algorithm, known.auth_key,
                known.privacy_algorithm, known.privacy_key, 0, 0, 0, 0,
            ),
        ),
        user, engine_id, loop,
    )  # fmt: skip
    try:
        await session.greet(until)
    except NoAnswer:
        session.close()
        raise session.silence() from None
    except BaseException:
        session.close()
        raise
    return session


def privacy_key(user: User, engine_id: bytes) -> bytes:
    """The AES key for one engine: RFC 3826; for keys longer than the hash, draft-blumenthal or draft-reeder."""
    if user.privacy is None or user.auth is None:
        return b""
    number, wanted = user.auth.number, user.privacy.key_length
    key = bytes(get_localized_key(number, user.privacy_key, engine_id))
    while len(key) < wanted:
        if user.privacy.cisco:
            key += bytes(get_localized_key(number, bytes(get_master_key(number, key)), engine_id))
        else:
            key += _hash(user.auth.digest, key)
    return key[:wanted]


def _hash(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data).digest()


def decrypted(data: bytes, key: bytes, head: wire.Secured) -> bytes:
    """The scoped PDU in AES-CFB128 (RFC 3826, section 3.1.4)."""
    salt = head.salt
    if len(salt) != 8 or not data:
        raise Malformed("the reply is encrypted without the eight octets that decrypting needs")
    start = (head.boots & 0xFFFFFFFF).to_bytes(4) + (head.time & 0xFFFFFFFF).to_bytes(4) + salt
    blocks = start + data
    # CFB deciphers with the block cipher run forwards over the ciphertext, one block behind.
    pad = -len(data) % _AES_BLOCK
    stream = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(blocks[: len(data) + pad] + bytes(_AES_BLOCK))  # noqa: S305
    size = len(data)
    return (int.from_bytes(data) ^ int.from_bytes(stream[:size])).to_bytes(size)
