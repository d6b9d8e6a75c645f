"""Refused log-ins kept in a small file, for whoever logs in without a ledger: verbs by hand, and probers.

So a command that is repeated, or a prober that is started again and again, does not try an account into its lock. The
file holds names of credentials and targets and moments, no secret. Where it cannot be written (no home, a full disk),
what was refused is remembered by the process alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from checks.transports.lockout import Lockout, Refusals

_LARGEST = 256 * 1024


class RefusalsError(Exception):
    """The file is not what Ridgeway wrote; the message says what to do."""


def lockout_at(
    path: Path, clock: Callable[[], float] = time.time, more: Mapping[str, Refusals] | None = None
) -> Lockout:
    """A guard that knows what the file and `more` say, and keeps there what changes. Raises RefusalsError."""
    kept = _read(path)
    for credential, refusals in (more or {}).items():
        known = kept.get(credential, {})
        kept[credential] = known | {who: max(at, known.get(who, at)) for who, at in refusals.items()}
    return Lockout(clock, kept, lambda credential, refusals: _keep(path, credential, refusals))


def forget(path: Path, credential: str) -> bool:
    """The credential has been mended. False when the file knows of no refusal. Raises RefusalsError."""
    if credential not in _read(path):
        return False
    _keep(path, credential, {})
    return True


def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError:
        return {}
    try:
        if len(raw) > _LARGEST:
            raise ValueError("too large")
        found = json.loads(raw)
        return {str(name): {str(who): float(at) for who, at in row.items()} for name, row in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise RefusalsError(f"{path} is not what Ridgeway wrote there (refused log-ins); delete it") from error


def _keep(path: Path, credential: str, refusals: Refusals) -> None:
    with contextlib.suppress(OSError, RefusalsError):
        kept = _read(path) | {credential: dict(refusals)}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps({name: row for name, row in kept.items() if row}), encoding="utf-8")
        beside.replace(path)
