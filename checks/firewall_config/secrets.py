"""Taking secrets out of statements, before anything is made of them. Pure.

Two nets, one behind the other. *Words*: what stands behind a word that announces a secret goes, whatever it looks like,
because a short password is found from a digest by trying. *Shapes*: what looks like a digest, a ciphertext or a key
goes wherever it stands; these are salted anew at each export (ansible-galaxy-fortios#122).

Only the secret goes, not the rest of its statement: `privilege 15` behind a password is what drift is watched for.
"""

from __future__ import annotations

import re

GONE = "<removed>"
_STEM = (
    r"pass-?words?|pass-?wd|passphrase|pass-phrase|passcode|secret|psk|psk-?secret|shared-?key|pre-?shared-?key|"
    r"presharedkey|ipsecpsk|community|(?:ro|rw)community|api-?key|auth-?key|priv-?key|private-?key|public-?key|"
    r"(?:auth|priv|auth-?pass|priv-?pass|bind|login|ldap_bind)[-_]?(?:pwd|pw|passwd)|keytab|credentials?|token|"
    r"authorizedkeys|phash|prv|crypt|otp_seed|(?:bcrypt|md5|nt|sha512|password)-?hash|rocommunity|rwcommunity"
)
_WHOLE = r"key|keys|key-string|pwd|pw|pass|auth_pass|seed|hashed|ppk|keydata|authenticationkey|shared_key"
_ANNOUNCES = re.compile(
    rf"(?:(?:[a-z0-9]+[-_.])*(?:{_WHOLE}|(?:[a-z0-9]*?(?:{_STEM})))(?:[-_](?:hash|hashed|enc|encrypted|text|value|remote|"
    r"l?[0-9]{1,2}|data))?[0-9]{0,2})"
)
"""Of a word in small letters, without quotes and colons: it says that a secret follows."""
_OF_USERS = ("auth", "priv", "authentication", "privacy")
"""SNMPv3's words, which announce a secret where an algorithm follows them."""
_KINDS = frozenset(
    {
        "=", ":", "is", "type", "value", "string", "text", "hex", "hexadecimal", "ascii-text", "cleartext",
        "clear-text", "plaintext", "plain-text", "enc", "encrypted", "hashed", "password-hash", "md5", "sha", "sha1",
        "sha-1", "sha224", "sha256", "sha-256", "sha384", "sha512", "hmac-md5", "hmac-sha1", "hmac-sha256", "aes",
        "aes128", "aes192", "aes256", "aes-128", "aes-192", "aes-256", "des", "des56", "3des", "128", "192", "256",
    }
)  # fmt: skip
"""Words that may stand between the word that announces and the secret."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|\'[^\']*\'?|[^\s]+')
_SHAPES = re.compile(
    r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)"
    r"|\$[0-9a-zA-Z-]{1,12}\$[^\s\"';<]+"
    r"|\bENC\s+\S+"
    r"|-AQ==[A-Za-z0-9+/=]*"
    r"|\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9]+)\s+[A-Za-z0-9+/=]{16,}"
    r"|[A-Za-z0-9+/]{64,}={0,2}"
    r"|\*{3,}",
    re.DOTALL,
)
"""PEM, crypt(3) and Junos' $9$, FortiOS, PAN-OS, SSH keys, long base64, what the device itself hides."""


def announces(word: str) -> bool:
    """Whether this word, or name of a setting, says that what follows is secret."""
    return _ANNOUNCES.fullmatch(word.lower().strip("\"';:,{}")) is not None


def shapeless(text: str) -> str:
    """The text without what looks like a secret."""
    return _SHAPES.sub(GONE, text)


def without_secrets(text: str) -> str:
    """A free statement without its secrets."""
    text = shapeless(text)
    if "## SECRET-DATA" in text:  # Junos says so itself
        return re.sub(r'"(?:[^"\\]|\\.)*"', GONE, text.partition("## SECRET-DATA")[0]).rstrip()
    tokens = list(_TOKEN.finditer(text))
    pieces: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at][0]
        pieces.append(token)
        at += 1
        head, sign, tail = token.partition("=")
        if sign and tail and announces(head):
            pieces[-1] = f"{head}={GONE}"
        elif announces(token) or (_word(token) in _OF_USERS and at < len(tokens) and _word(tokens[at][0]) in _KINDS):
            at = _past(tokens, at, pieces)
    return " ".join(pieces)


def _past(tokens: list[re.Match[str]], at: int, pieces: list[str]) -> int:
    """Skip what only says of which kind the secret is, and leave out the secret. The place behind it."""
    while at < len(tokens):
        token = tokens[at][0]
        word = _word(token)
        last = at + 1 == len(tokens)
        if token in ("{", "}", ";"):
            return at
        if announces(token):  # either announces too, or is a password like "secret1": both go
            pieces.append(GONE)
            at += 1
            continue
        kind = word in _KINDS or (len(word) == 1 and word.isdigit())
        numbered = word.isdigit() and not last and _word(tokens[at + 1][0]) in _KINDS
        if last or not (kind or numbered):
            pieces.append(GONE)
            return at + 1
        pieces.append(token)
        at += 1
    return at


def _word(token: str) -> str:
    return token.lower().strip("\"';:,")
