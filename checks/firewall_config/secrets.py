"""Taking secrets out of statements, before anything is made of them. Pure.

Two nets, one behind the other. *Words*: what stands behind a word that announces a secret goes, whatever it looks like,
because a short password is found from a digest by trying. *Shapes*: what looks like a digest, a ciphertext or a key
goes wherever it stands; these are salted anew at each export (ansible-galaxy-fortios#122).

Only the secret goes, not the rest of its statement: `privilege 15` behind a password is what drift is watched for.
"""

from __future__ import annotations

import re

GONE = "<removed>"
LONGEST = 100_000
"""Letters of a free statement; a longer one is not looked through."""
_LONGEST_WORD = 100
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
_LENGTHS = ("128", "192", "256")
_HASHES = frozenset({"md5", "sha", "sha1", "sha256", "hmac-sha1", "hmac-sha256"})
"""Words that make the number before them the number of a key."""
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
    return len(word) <= _LONGEST_WORD and _ANNOUNCES.fullmatch(word.lower().strip("\"';:,{}")) is not None


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
        elif announces(token):
            at = _past(tokens, at, pieces)
        elif _word(token) in _OF_USERS and at < len(tokens) and _word(tokens[at][0]) in _KINDS:
            at = _past_algorithm(tokens, at, pieces)
    return " ".join(pieces)


def _past_algorithm(tokens: list[re.Match[str]], at: int, pieces: list[str]) -> int:
    """Keep the algorithm, with its length where it has one (`aes 128`), and leave out the secret behind it."""
    pieces.append(tokens[at][0])
    sized = tokens[at][0].lower() == "aes" and at + 2 < len(tokens) and tokens[at + 1][0] in _LENGTHS
    if sized:
        pieces.append(tokens[at + 1][0])
    at += 2 if sized else 1
    if at < len(tokens):
        pieces.append(GONE)
    return at + 1


def _past(tokens: list[re.Match[str]], at: int, pieces: list[str]) -> int:
    """Leave out the secret, and what only says of which kind it is. The place behind it.

    What might be either (a password like `secret1` or `sha256`) goes together with what follows it.
    """
    begun = at
    while at < len(tokens):
        token = tokens[at][0]
        if token in ("{", "}", ";"):
            break
        at += 1
        word = _word(token)
        either = word in _KINDS or announces(token) or (len(word) == 1 and word.isdigit())
        if not either and not (_numbers(word) and at < len(tokens) and _word(tokens[at][0]) in _HASHES):
            break
    if at > begun:
        pieces.append(GONE)
    return at


def _numbers(word: str) -> bool:
    """Whether it may be the number of a key."""
    return word.isdigit() and len(word) <= 3


def _word(token: str) -> str:
    return token.lower().strip("\"';:,")
