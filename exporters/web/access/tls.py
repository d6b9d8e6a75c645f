"""From what the file says about TLS to a context of OpenSSL, and a context that can be changed while it is in use."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from exporters.web.access.file import WebFile
from exporters.web.access.suites import CURVES, VERSIONS, openssl_list

_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Tls:
    context: ssl.SSLContext
    not_after: float
    """When the certificate that is shown ends, Unix seconds."""


class TurningContext(ssl.SSLContext):
    """Stands for whichever context is in force: asyncio asks `wrap_bio` once for each connection.

    So a new certificate, key, authority or version is what the next connection meets, and no old one is dropped.
    """

    current: ssl.SSLContext

    def __new__(cls, current: ssl.SSLContext) -> TurningContext:
        self = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        self.current = current
        return self

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        return self.current.wrap_bio(*arguments, **options)


def tls_of(file: WebFile) -> Tls | None:
    """What the file and those it points at make; None where it says nothing about TLS. Raises WebConfigError."""
    tls = file.tls
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[tls.min_version]
    context.maximum_version = VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = openssl_list(tls.cipher_suites)
    try:
        if suites:
            context.set_ciphers(suites)
    except ssl.SSLError as error:
        raise file.wrong("cipher_suites", "this OpenSSL has none of these suites") from error
    for curve in tls.curve_preferences:
        try:
            context.set_ecdh_curve(CURVES[curve])
        except ValueError as error:
            raise file.wrong(
                "curve_preferences", "this OpenSSL does not have that curve alone; leave it out"
            ) from error
    context.verify_mode = _VERIFY[tls.client_auth_type]
    if context.verify_mode is not ssl.CERT_NONE:
        _believe(context, file)
    return Tls(context, _show(context, file))


def _believe(context: ssl.SSLContext, file: WebFile) -> None:
    try:
        context.load_verify_locations(cadata=file.text("client_ca"))
    except (ssl.SSLError, ValueError) as error:
        raise file.wrong(_said(file, "client_ca"), "holds no certificate of an authority in PEM") from error
    # OpenSSL does not check a certificate again whose session is taken up again.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def _show(context: ssl.SSLContext, file: WebFile) -> float:
    """Load certificate and key; when the certificate ends, Unix seconds."""
    chain, key = file.text("cert"), file.text("key")
    try:
        ends = x509.load_pem_x509_certificates(chain.encode())[0].not_valid_after_utc.timestamp()
    except ValueError as error:
        raise file.wrong(
            _said(file, "cert"), "holds no certificate in PEM; the first is shown, those that signed it follow"
        ) from error
    try:
        with _in_memory(chain) as chain_path, _in_memory(key) as key_path:
            context.load_cert_chain(chain_path, key_path, password=_nobody_to_ask)
    except _Encrypted as error:
        raise file.wrong(_said(file, "key"), "is encrypted, and nobody is there to ask for its passphrase") from error
    except OSError as error:  # as ssl.SSLError is; or no descriptor is left
        if not isinstance(error, ssl.SSLError):
            message = f"cannot be handed to OpenSSL now: {error.strerror}"
        elif "KEY_VALUES_MISMATCH" in str(error):
            message = "does not belong to the certificate"
        else:
            message = "cannot be used with its certificate: it must be a private key in PEM, and strong enough"
        raise file.wrong(_said(file, "key"), message) from error
    return ends


def _said(file: WebFile, what: str) -> str:
    return what if getattr(file.tls, what) else f"{what}_file"


class _Encrypted(Exception):
    pass


def _nobody_to_ask() -> str:
    """Without this OpenSSL asks the terminal, and waits."""
    raise _Encrypted


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A path under which OpenSSL reads a text, for it takes files only; nothing is written to a disk."""
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
