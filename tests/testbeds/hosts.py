"""Names and addresses of a test's own, in place of the system's resolver."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def look_up(hosts: Mapping[str, Sequence[str]]) -> Callable[..., Any]:
    """What `Names` takes for getaddrinfo(3): the addresses of these hosts, and of no others."""

    def found(host: str, *_: Any, **__: Any) -> list[Any]:
        if not hosts.get(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [_row(ip) for ip in hosts[host]]

    return found


def _row(ip: str) -> tuple[Any, ...]:
    if ":" in ip:
        return (socket.AF_INET6, 0, 0, "", (ip, 0, 0, 0))
    return (socket.AF_INET, 0, 0, "", (ip, 0))
