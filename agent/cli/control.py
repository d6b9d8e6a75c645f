"""The command line's side of the daemon's control socket: HTTP and JSON over a Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.cli.errors import Failure

_TIMEOUT = 10.0
_MAX_ANSWER = 16 * 1024 * 1024


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the standard library lacks only the connecting."""

    def __init__(self, path: Path, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(
    path: Path,
    verb: str,
    arguments: Mapping[str, Any],
    *,
    patience: float = _TIMEOUT,
    statuses: Mapping[int, int] = {},
) -> dict[str, Any]:
    """Ask the daemon; returns its decoded answer. Failure when nobody listens or the daemon says no.

    `patience`: seconds to wait for it. `statuses`: the exit status for an HTTP status, where it is not 1.
    """
    connection = _UnixConnection(path, patience)
    try:
        connection.request(
            "POST", f"/control/{verb}", body=json.dumps(arguments), headers={"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        body = response.read(_MAX_ANSWER)
    except (FileNotFoundError, ConnectionRefusedError):
        raise Failure(
            f"No agent listens at {path}. Is it running? (systemctl status ridgeway) "
            "If it runs elsewhere, name its socket with --control.socket.",
            status=3,
            nobody=True,
        ) from None
    except PermissionError:
        raise Failure(f"You may not speak to the agent at {path}; use its user or root (sudo).", status=3) from None
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"The agent at {path} did not answer: {error}.", status=3) from error
    finally:
        connection.close()
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise Failure(
            f"What listens at {path} is no agent: it answered something that is not JSON.", status=3
        ) from error
    if response.status != http.client.OK:
        detail = answer.get("detail") if isinstance(answer, dict) else None
        text = str(detail or f"The agent at {path} answered {response.status}; its log says why.")
        raise Failure(text, status=statuses.get(response.status, 1))
    if not isinstance(answer, dict):
        raise Failure(f"What listens at {path} is no agent: it answered {type(answer).__name__}.", status=3)
    return answer
