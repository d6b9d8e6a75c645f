"""What the small network checks share: address families by option, and when to give up."""

from __future__ import annotations

import socket
from collections.abc import Mapping

FAMILIES: Mapping[int | None, int] = {None: 0, 4: int(socket.AF_INET), 6: int(socket.AF_INET6)}
"""The option `ip_version` as getaddrinfo(3) takes it."""


def give_up_at(deadline: float, begun: float) -> float:
    """A little before the deadline, so that the check itself says what was missing: by a twentieth, at most 0.1 s."""
    return deadline - min(0.1, (deadline - begun) / 20)
