"""A body is read and decoded in parts, and never further than its limit: a gzip bomb stops there."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.printable import printable
from checks.transports.fault import TransportFault

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

_PART = 16 * 1024
_EITHER = 32 + zlib.MAX_WBITS
"""zlib and gzip, told apart by their heads."""


def read(answer: HTTPResponse, encoding: str, limit: int, where: str) -> tuple[bytes, bool]:
    """At most `limit` octets of the decoded body, and whether there was more.

    gzip and deflate are decoded, although they are not asked for. Raises TransportFault with PROTOCOL for what cannot
    be decoded and for an encoding that is not known; what urllib3 raises comes through.
    """
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return _plain(answer, limit)
    if coding in ("gzip", "x-gzip", "deflate"):
        return _inflated(answer, limit, where)
    raise TransportFault(
        Reason.PROTOCOL, f"{where}: the body comes encoded as {printable(coding, 40)}, which nobody asked for"
    )


def _plain(answer: HTTPResponse, limit: int) -> tuple[bytes, bool]:
    parts, size = [], 0
    while size <= limit and (part := answer.read(_PART, decode_content=False)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:limit], size > limit


def _inflated(answer: HTTPResponse, limit: int, where: str) -> tuple[bytes, bool]:
    inflate = zlib.decompressobj(_EITHER)
    found, came = bytearray(), False
    try:
        while len(found) <= limit and not inflate.eof:
            part = inflate.unconsumed_tail or answer.read(_PART, decode_content=False)
            if not part:
                break
            came = True
            found += inflate.decompress(part, limit + 1 - len(found))
    except zlib.error as error:
        raise TransportFault(Reason.PROTOCOL, f"{where}: the compressed body cannot be decoded") from error
    if came and len(found) <= limit and not inflate.eof:
        raise TransportFault(Reason.PROTOCOL, f"{where}: the compressed body ends in its middle")
    return bytes(found[:limit]), len(found) > limit
