"""Go's words for versions, suites and curves, in OpenSSL's; and why some of them cannot be had."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator

from exporters.web.access.model import TlsModel

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Those of TLS 1.2 that Go holds to be secure and that keep past traffic secret when the key is lost."""
SUITES_OF_13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


def objections(tls: TlsModel) -> Iterator[tuple[str, str]]:
    """What cannot be done of what is said about versions, suites and curves: the key, and a sentence."""
    for key in ("min_version", "max_version"):
        if getattr(tls, key) not in VERSIONS:
            yield key, "TLS 1.0 and 1.1 are broken (RFC 8996) and not spoken; write TLS12 or TLS13"
    if tls.min_version > tls.max_version:
        yield "max_version", "is below min_version"
    if len(tls.curve_preferences) > 1:
        yield (
            "curve_preferences",
            "Python's ssl takes one curve; name one, or leave the key out and the usual ones are offered",
        )
    yield from (("cipher_suites", sentence) for sentence in _of_suites(tls))


def _of_suites(tls: TlsModel) -> Iterator[str]:
    named = frozenset(tls.cipher_suites)
    for name in sorted(named - SUITES.keys() - SUITES_OF_13):
        if name.startswith("TLS_RSA_WITH_"):
            yield "suites of the kind TLS_RSA_WITH_… keep nothing secret once the key is lost, and are not offered"
        else:
            yield "holds what is not the name of a suite that is offered; docs/security.md lists them"
    of_13 = named & SUITES_OF_13
    if of_13 and of_13 != SUITES_OF_13:
        yield "the three suites of TLS 1.3 cannot be had singly; name all of them or none"
    if named and not named & SUITES.keys() and tls.min_version != "TLS13":
        yield "names no suite of TLS 1.2; name one, or say min_version: TLS13"


def openssl_list(names: Iterable[str]) -> str:
    """The suites of TLS 1.2 among these as OpenSSL's cipher list; empty where there is none."""
    return ":".join(SUITES[name] for name in names if name in SUITES)
