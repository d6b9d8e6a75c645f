"""What an error of a socket call means for the target, and how to mend it: one wording for every protocol."""

from __future__ import annotations

import errno

from checks.contract import Reason
from checks.transports.fault import TransportFault

AWAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
"""The network says that there is no way: a router's ICMP error, or this machine's own routing."""
REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
"""The target, or a firewall in its name, turned the question down."""
_FORBIDDEN = frozenset({errno.EPERM, errno.EACCES})
_NOBODY = "connection refused; the service is not listening there, or a firewall refuses"
_SILENT = "no answer to the connection request"


def socket_fault(error: OSError | int, where: str, *, refused: str = _NOBODY, silent: str = _SILENT) -> TransportFault:
    """The fault of an `OSError`, or of a number from errno(3): REFUSED, NO_ANSWER, UNREACHABLE or LOCAL.

    `where` names address and port; `refused` and `silent` say those two in the protocol's own words.
    """
    number = error if isinstance(error, int) else error.errno or 0
    if number in REFUSED:
        return TransportFault(Reason.REFUSED, f"{where}: {refused}")
    if isinstance(error, TimeoutError) or number == errno.ETIMEDOUT:
        return TransportFault(Reason.NO_ANSWER, f"{where}: {silent}")
    if number in AWAY:
        return TransportFault(Reason.UNREACHABLE, f"{where}: the network says that there is no way to it")
    return TransportFault(Reason.LOCAL, f"{where}: {_here(number)}")


def _here(number: int) -> str:
    if number in _FORBIDDEN:
        return "connecting is forbidden on this machine; look at its own firewall"
    if number in (errno.EMFILE, errno.ENFILE):
        return "this process is out of file descriptors; raise LimitNOFILE"
    if number == errno.EAFNOSUPPORT:
        return "this machine has no support for this address family"
    return f"this machine could not connect ({errno.errorcode.get(number, str(number))})"
