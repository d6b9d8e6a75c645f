"""One attempt to log in, by one method, with one secret. Blocking.

Nothing else is ever tried: no agent, no key of the account under which Ridgeway runs, no `none`, no second method.
"""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Sequence

import paramiko

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.ssh.connect import Connection
from checks.transports.ssh.credentials import Access
from checks.transports.ssh.text import one_line

_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_MOST = 100


class Refused(TransportFault):
    """The device answered that user, password or key are wrong."""


class Keys:
    """Parsed private keys, by the digest of what they were parsed from: a passphrase costs 0.1 s of CPU each time."""

    def __init__(self) -> None:
        self._parsed: OrderedDict[bytes, paramiko.PKey] = OrderedDict()
        self._lock = threading.Lock()

    def key(self, access: Access) -> paramiko.PKey:
        """The private key, with its certificate if there is one. Raises TransportFault, LOCAL."""
        with self._lock:
            parsed = self._parsed.get(access.identity)
            if parsed is None:
                parsed = self._parsed[access.identity] = _parse(access)
                while len(self._parsed) > _MOST:
                    self._parsed.popitem(last=False)
            return parsed

    def forget(self) -> None:
        """Drop them all."""
        with self._lock:
            self._parsed.clear()


def _parse(access: Access) -> paramiko.PKey:
    where = f"credential {access.credential}"
    for kind in _KINDS:
        try:
            key = kind(file_obj=io.StringIO(access.key + "\n"), password=access.passphrase or None)
            break
        except paramiko.PasswordRequiredException as error:
            raise TransportFault(Reason.LOCAL, f"{where}: the key has a passphrase, but none is given") from error
        except (paramiko.SSHException, ValueError, TypeError, IndexError):
            continue
    else:
        raise TransportFault(
            Reason.LOCAL,
            f"{where}: the key cannot be read: its passphrase is wrong, or it is no Ed25519, ECDSA or RSA key in"
            " OpenSSH's form or PEM",
        )
    if access.certificate:
        try:
            blob = base64.b64decode(access.certificate.split()[1], validate=True)
            key.load_certificate(paramiko.Message(blob))  # a text would be taken for the name of a file first
        except Exception as error:
            raise TransportFault(
                Reason.LOCAL,
                f"{where}: the certificate cannot be read, or is not one for this key; sign its public part again:"
                " ssh-keygen -s CA -I NAME -n USER KEY.pub",
            ) from error
    return key


def log_in(
    connection: Connection, access: Access, key: paramiko.PKey | None, interactive: bool, tether: Tether
) -> None:
    """Log in by key, by password, or by one answer to one question. Raises Refused, else TransportFault."""
    tether.on_cut(connection.wire.sever)
    transport = connection.transport
    answer = _Answer(access.password)
    try:
        if key is not None:
            more = transport.auth_publickey(access.user, key)
        elif interactive:
            more = transport.auth_interactive(access.user, answer)
        else:
            more = transport.auth_password(access.user, access.password, fallback=False)
    except Exception as error:
        raise _fault(connection, access, answer, tether, error) from error
    if more:
        raise TransportFault(
            Reason.FORBIDDEN,
            f"{connection.where}: the credential {access.credential} is right, but a second step is wanted"
            f" ({one_line(', '.join(more))[:80]}); give Ridgeway an account that needs none",
        )


class _Answer:
    """Answers the first question with the password; a second one is a refusal, or a second factor."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._given = False
        self.asked_again = False

    def __call__(self, _title: str, _instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        if not prompts:
            return []
        if self._given or len(prompts) != 1:
            self.asked_again = True
            raise paramiko.SSHException("asked for more than the password")
        self._given = True
        return [self._password]


def _fault(connection: Connection, access: Access, answer: _Answer, tether: Tether, error: Exception) -> TransportFault:
    """What became of the attempt. A peer that hangs up after it was given the secret did not take it."""
    who = f"{connection.where}: the credential {access.credential} (user {one_line(access.user)})"
    mend = "put it right; nothing tries it fast meanwhile"
    if tether.cut:
        return TransportFault(Reason.NO_ANSWER, f"{connection.where}: no answer to the log-in until the deadline")
    if connection.wire.flooded:
        return TransportFault(
            Reason.PROTOCOL, f"{connection.where}: it sent more than 256 KiB before the log-in, and was cut off"
        )
    if isinstance(error, paramiko.BadAuthenticationType):
        ways = one_line(", ".join(error.allowed_types))[:80]
        return Refused(Reason.AUTHENTICATION, f"{who} was refused: it takes only {ways}")
    if isinstance(error, paramiko.AuthenticationException) and str(error).startswith("Unable to agree"):
        return TransportFault(
            Reason.PROTOCOL, f"{who} has an RSA key, and the device takes none signed with SHA-2; use Ed25519"
        )
    if answer.asked_again:
        return Refused(Reason.AUTHENTICATION, f"{who} was refused, or a second factor is wanted; {mend}")
    if isinstance(error, ConnectionError) or not connection.transport.packetizer.secret_sent:
        return TransportFault(Reason.PROTOCOL, f"{connection.where}: the connection was cut during the log-in")
    if isinstance(error, paramiko.AuthenticationException):
        hung_up = "" if connection.transport.is_active() else " (it hung up)"
        return Refused(Reason.AUTHENTICATION, f"{who} was refused{hung_up}; {mend}")
    return TransportFault(Reason.PROTOCOL, f"{connection.where}: the log-in broke off ({one_line(str(error))[:120]})")
