"""Whom TLS trusts: one context for each set of authorities, kept, because loading a store costs 10 ms and more.

Without a `ca` it is the system's own store, which the system's administrators keep (Debian: `update-ca-certificates`);
the bundle that comes with requests is used only where the system has none. A store that changes is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.fault import TransportFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 64
"""Contexts kept; each holds its authorities, 1 MiB and more for the system's."""


@dataclass(frozen=True, slots=True, repr=False)
class ClientChain:
    """A certificate chain and its key in PEM, to be shown to servers. Never printed."""

    certificate: str
    key: str
    passphrase: str | None

    @property
    def digest(self) -> bytes:
        told = "\0".join((self.certificate, self.key, self.passphrase or ""))
        return hashlib.sha256(told.encode()).digest()


_Key = tuple[str | None, bool, bytes, tuple[tuple[int, int, int], ...]]


class TrustStore:
    """Contexts by what they trust; safe to be asked by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, ssl.SSLContext] = OrderedDict()

    def context(self, ca: str | None, pinned: bool, client: ClientChain | None = None) -> ssl.SSLContext:
        """The context for these authorities. `pinned`: for a peer that is known by its key, which is compared later.

        Raises TransportFault with LOCAL when the file cannot be used.
        """
        key: _Key = (None if pinned else ca, pinned, client.digest if client else b"", _stamps(ca, pinned))
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = _context(ca, pinned, client)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return found


def _stamps(ca: str | None, pinned: bool) -> tuple[tuple[int, int, int], ...]:
    """What changes when a store is renewed."""
    if pinned:
        return ()
    stamps = []
    for place in (ca,) if ca is not None else _system():
        with contextlib.suppress(OSError):  # said when it is loaded
            seen = Path(place).stat()
            stamps.append((seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(stamps)


def _system() -> list[str]:
    """The system's file and folder of authorities: OpenSSL's, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    paths = ssl.get_default_verify_paths()
    known: tuple[str | None, ...] = (paths.cafile, paths.capath)  # None where there is no such file
    return [place for place in known if place is not None]


def _context(ca: str | None, pinned: bool, client: ClientChain | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and name, TLS 1.2 and later
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca is not None:
        _load(context, ca)
    else:
        _load_system(context)
    if client is not None:
        _load_client(context, client)
    return context


def _load(context: ssl.SSLContext, ca: str) -> None:
    place = Path(ca)
    try:
        if place.is_dir():
            context.load_verify_locations(capath=ca)
        else:
            context.load_verify_locations(cafile=ca)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # what is in `ca` is trusted, an intermediate one too
    except (OSError, ValueError) as error:
        why = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else _why(error)
        raise TransportFault(Reason.LOCAL, f"the authorities in {ca} cannot be read: {why}") from error


def _load_system(context: ssl.SSLContext) -> None:
    if not _system():
        import certifi  # comes with requests

        context.load_verify_locations(cafile=certifi.where())
    else:
        context.set_default_verify_paths()


def _load_client(context: ssl.SSLContext, client: ClientChain) -> None:
    """Through files in memory: the ssl module takes paths only, and a key is not written to a disk."""
    passphrase = client.passphrase
    try:
        with _in_memory(client.certificate) as certificate, _in_memory(client.key) as key:
            # Without a function OpenSSL would ask on the terminal for the passphrase of an encrypted key.
            context.load_cert_chain(certificate, key, password=lambda: passphrase or "")
    except (OSError, ValueError) as error:
        raise TransportFault(
            Reason.LOCAL,
            "the client certificate cannot be used: certificate and key must be PEM, belong together, and the "
            "passphrase must be right",
        ) from error


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[str]:
    number = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(number, text.encode())
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


def _why(error: Exception) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else "unreadable"
