"""One pysnmp engine: what it has been told of communities, users and devices, and its answers as plain values.

This is the one place that knows pysnmp's ways as a manager.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdgen
from pysnmp.error import PySnmpError
from pysnmp.proto import errind
from pysnmp.proto.rfc1902 import Null, ObjectIdentifier

from checks.transports.names import Address
from checks.transports.snmp.credentials import Access, User
from checks.transports.snmp.errors import Malformed, NoAnswer, NotAuthenticated, OutOfResources, SnmpError
from checks.transports.snmp.tags import TAG_ADDRESS, TAG_NULL, TAG_OCTETS, TAG_OID, TAG_OPAQUE
from checks.transports.snmp.values import Missing, Value

Row = tuple[str, int, Value]
"""OID without leading dot, type, value; the type of a missing value is that of its exception."""
_MISSING = {128: Missing.OBJECT, 129: Missing.INSTANCE, 130: Missing.END, TAG_NULL: Missing.NULL}
_PENDING = 6_000
"""Hundredths of a second after which pysnmp forgets a question; its callers have given up long before."""
_NULL = Null("")
_REFUSALS = (
    errind.UnknownUserName, errind.WrongDigest, errind.AuthenticationFailure, errind.AuthenticationError,
    errind.DecryptionError, errind.EncryptionError, errind.UnsupportedSecurityLevel, errind.NotInTimeWindow,
    errind.UnknownEngineID, errind.EngineIDMismatch, errind.UnknownCommunityName, errind.UnknownSecurityName,
)  # fmt: skip
_AUTH = {
    "SHA-1": config.USM_AUTH_HMAC96_SHA,
    "SHA-224": config.USM_AUTH_HMAC128_SHA224,
    "SHA-256": config.USM_AUTH_HMAC192_SHA256,
    "SHA-384": config.USM_AUTH_HMAC256_SHA384,
    "SHA-512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    (16, False): config.USM_PRIV_CFB128_AES,
    (24, False): config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    (32, False): config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    (24, True): config.USM_PRIV_CFB192_AES,
    (32, True): config.USM_PRIV_CFB256_AES,
}


class Engine:
    """One pysnmp engine and what it has been told of communities, users and devices."""

    def __init__(self, user: User | None) -> None:
        self._engine = SnmpEngine()
        self._numbers = itertools.count(1)
        self._communities: dict[str, str] = {}
        self._parameters: dict[tuple[str, str], str] = {}
        self._targets: dict[tuple[Address, int, str], str] = {}
        self._families: set[int] = set()
        self._user = user
        if user is not None:
            self._add_user(user)

    def _add_user(self, user: User) -> None:
        auth = user.auth
        privacy = user.privacy
        config.add_v3_user(
            self._engine, user.name,
            config.USM_AUTH_NONE if auth is None else _AUTH[auth.name], user.auth_key or None,
            config.USM_PRIV_NONE if privacy is None else _PRIVACY[privacy.key_length, privacy.cisco],
            user.privacy_key or None,
            authKeyType=config.USM_KEY_TYPE_MASTER, privKeyType=config.USM_KEY_TYPE_MASTER,
        )  # fmt: skip
        level = "noAuthNoPriv" if auth is None else "authNoPriv" if privacy is None else "authPriv"
        config.add_target_parameters(self._engine, "user", user.name, level, 3)

    def access(self, access: Access) -> str:
        """The name under which the engine knows how to be let in."""
        if self._user is not None:
            return "user"
        index = self._communities.get(access.community)
        if index is None:
            index = self._communities[access.community] = f"community{next(self._numbers)}"
            config.add_v1_system(self._engine, index, access.community)
        name = self._parameters.get((index, access.version))
        if name is None:
            name = self._parameters[index, access.version] = f"parameters{next(self._numbers)}"
            config.add_target_parameters(self._engine, name, index, "noAuthNoPriv", 0 if access.version == "1" else 1)
        return name

    def target(self, address: Address, port: int, access: Access) -> str:
        """The name under which the engine knows a device and how to be let in there."""
        parameters = self.access(access)
        name = self._targets.get((address, port, parameters))
        if name is None:
            self._listen(address.family)
            name = self._targets[address, port, parameters] = f"target{next(self._numbers)}"
            domain = udp.DOMAIN_NAME if address.family == socket.AF_INET else udp6.DOMAIN_NAME
            config.add_target_address(self._engine, name, domain, address.at(port), parameters, _PENDING, 0)
        return name

    def _listen(self, family: socket.AddressFamily) -> None:
        if family in self._families:
            return
        four = family == socket.AF_INET
        transport = (udp.UdpTransport if four else udp6.Udp6Transport)(loop=asyncio.get_running_loop())
        domain = udp.DOMAIN_NAME if four else udp6.DOMAIN_NAME
        config.add_transport(self._engine, domain, transport.open_client_mode())
        self._families.add(family)

    async def get(self, name: str, oids: list[str]) -> tuple[int, list[Row]]:
        """The error status and the rows of one GET. Raises SnmpError; waits for as long as it is let."""
        return await self._exchange(name, cmdgen.GetCommandGenerator(), (), oids)

    async def following(self, name: str, oid: str) -> tuple[int, list[Row]]:
        """The same of one GETNEXT."""
        return await self._exchange(name, cmdgen.NextCommandGeneratorSingleRun(), (), [oid])

    async def bulk(self, name: str, oid: str, repetitions: int) -> tuple[int, list[Row]]:
        """The same of one GETBULK."""
        return await self._exchange(name, cmdgen.BulkCommandGeneratorSingleRun(), (0, repetitions), [oid])

    def close(self) -> None:
        """Close the sockets, in the next round of the loop."""
        self._engine.close_dispatcher()

    async def _exchange(
        self, name: str, generator: Any, numbers: tuple[int, ...], oids: list[str]
    ) -> tuple[int, list[Row]]:
        waiting: asyncio.Future[tuple[Any, int, list[Row]]] = asyncio.get_running_loop().create_future()
        asked = [(ObjectIdentifier(oid), _NULL) for oid in oids]
        try:
            generator.send_varbinds(self._engine, name, None, "", *numbers, asked, _answered(waiting), None)
        except (PySnmpError, OSError) as error:
            raise OutOfResources(f"{self._shown(name)}: pysnmp cannot ask: {error}"[:300]) from error
        wrong, status, rows = await waiting
        if wrong:
            raise self._told(name, wrong)
        return status, rows

    def _told(self, name: str, wrong: Any) -> SnmpError:
        where = self._shown(name)
        if isinstance(wrong, errind.RequestTimedOut):
            return NoAnswer(f"{where}: no answer to an SNMP question")
        if isinstance(wrong, _REFUSALS):
            return NotAuthenticated(f"{where}: SNMPv3: {wrong}")
        return Malformed(f"{where}: the reply cannot be used: {wrong}")

    def _shown(self, name: str) -> str:
        for (address, port, _), known in self._targets.items():
            if known == name:
                return f"{address.ip}:{port}"
        return name


def _answered(waiting: asyncio.Future[tuple[Any, int, list[Row]]]) -> Callable[..., None]:
    """pysnmp's callback: the answer goes to whoever still waits; a reply that cannot be read is his error."""

    def answered(_engine: Any, _handle: Any, wrong: Any, status: Any, _index: Any, rows: Any, _context: Any) -> None:
        if waiting.done():
            return
        try:
            waiting.set_result((wrong, int(status), [_row(oid, value) for oid, value in rows]))
        except (PySnmpError, ValueError, TypeError) as error:
            waiting.set_result((f"{type(error).__name__}", 0, []))

    return answered


def _row(oid: Any, value: Any) -> Row:
    tag = value.tagSet[-1]
    number = int(tag.tagClass) | int(tag.tagId)
    return ".".join(map(str, tuple(oid))), number, _plain(number, value)


def _plain(tag: int, value: Any) -> Value:
    if tag in _MISSING:
        return _MISSING[tag]
    if tag in (TAG_OCTETS, TAG_OPAQUE):
        return bytes(value)
    if tag == TAG_OID:
        return ".".join(map(str, tuple(value)))
    if tag == TAG_ADDRESS:
        return ".".join(map(str, bytes(value)))
    return int(value)
