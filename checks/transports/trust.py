"""Whom to trust: the system's store of authorities, or a file of the estate's own, loaded once and kept for a while."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.aside import Aside, Crowded
from checks.transports.fault import TransportFault

if TYPE_CHECKING:
    from OpenSSL import SSL

KEPT = 600.0
"""Seconds for which a store is used before it is read again: a changed file is seen by then."""
_LARGEST = 4 << 20
_MOST = 64
_CIPHERS = b"DEFAULT:ALL:!aNULL:!eNULL:@SECLEVEL=0"
"""Everything with a certificate, strong ones first: what is weak must be seen to be told."""


class Trust:
    """Contexts for handshakes, each with its store of authorities. Holds no sockets."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[str | None, tuple[float, SSL.Context]] = {}
        self._loading: dict[str | None, asyncio.Task[SSL.Context]] = {}
        self._aside = Aside(4)

    async def context(self, ca: str | None, deadline: float) -> SSL.Context:
        """A context that trusts the system's store, or only the certificates in the PEM file `ca`.

        What stands in a file of one's own is trusted as it is, a root or not. Raises TransportFault (LOCAL), also
        when the file was not read by `deadline` (loop time): it may lie on a dead file server.
        """
        known = self._known.get(ca)
        if known is not None and known[0] > self._monotonic():
            return known[1]
        task = self._loading.get(ca)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(ca))
            self._loading[ca] = task
            task.add_done_callback(partial(self._loaded, ca))
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise TransportFault(
                Reason.LOCAL, f"{_named(ca)} cannot be read in time; is its file server up?"
            ) from error

    def nobody(self) -> SSL.Context:
        """A context that trusts nobody: certificates are read all the same."""
        return _context()

    async def close(self) -> None:
        """Stop waiting for files; safe to call twice."""
        for task in list(self._loading.values()):
            task.cancel()

    async def _load(self, ca: str | None) -> SSL.Context:
        try:
            made = await self._aside.run(f"authorities of {ca}", lambda: _of_system() if ca is None else _of_file(ca))
        except Crowded as error:
            raise TransportFault(Reason.LOCAL, f"{_named(ca)} cannot be read: other files hang") from error
        while len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[ca] = (self._monotonic() + KEPT, made)
        return made

    def _loaded(self, ca: str | None, task: asyncio.Task[SSL.Context]) -> None:
        self._loading.pop(ca, None)
        if not task.cancelled():
            task.exception()  # seen, even when everybody who waited has gone


def _named(ca: str | None) -> str:
    return "the system's store of authorities" if ca is None else f"`ca` {ca}"


def _context() -> SSL.Context:
    from OpenSSL import SSL

    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_min_proto_version(SSL.TLS1_VERSION)
    made.set_cipher_list(_CIPHERS)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.set_options(SSL.OP_LEGACY_SERVER_CONNECT | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    return made


def _of_system() -> SSL.Context:
    """The same places as Python's own ssl module: SSL_CERT_FILE and SSL_CERT_DIR, else the distribution's."""
    from OpenSSL import crypto

    made = _context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        raise TransportFault(
            Reason.LOCAL, "this machine has no store of authorities; install the package ca-certificates, or give `ca`"
        )
    try:
        store = made.get_cert_store()
        assert store is not None  # for the type checker: every context has one
        store.load_locations(paths.cafile, paths.capath)
    except crypto.Error as error:
        raise TransportFault(
            Reason.LOCAL,
            f"the store of authorities ({paths.cafile or paths.capath}) cannot be read; mend it or give `ca`",
        ) from error
    return made


def _of_file(ca: str) -> SSL.Context:
    from OpenSSL import crypto

    made = _context()
    store = made.get_cert_store()
    assert store is not None  # for the type checker: every context has one
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    try:
        with Path(ca).open("rb") as opened:
            pem = opened.read(_LARGEST + 1)
    except OSError as error:
        raise TransportFault(
            Reason.LOCAL, f"`ca` {ca} cannot be read ({error.strerror}); mend path or rights"
        ) from error
    mark = b"-----BEGIN CERTIFICATE-----"
    parts = pem.split(mark)[1:]
    if not parts or len(pem) > _LARGEST:
        raise TransportFault(Reason.LOCAL, f"`ca` {ca} must hold certificates in PEM, at most {_LARGEST >> 20} MiB")
    for number, part in enumerate(parts, 1):
        try:
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_PEM, mark + part))
        except crypto.Error as error:
            raise TransportFault(Reason.LOCAL, f"`ca` {ca}: certificate {number} in it cannot be read") from error
    return made
