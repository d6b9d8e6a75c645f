"""Two directories change places at once: renameat2(2) with RENAME_EXCHANGE, which Python does not offer."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from agent.keeping.errors import KeepingError

_HERE = -100  # AT_FDCWD
_EXCHANGE = 2


def exchange(first: Path, second: Path) -> None:
    """Raises KeepingError where the file system cannot do it; then nothing has changed."""
    call = ctypes.CDLL(None, use_errno=True).renameat2
    if call(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0:
        return
    number = ctypes.get_errno()
    why = "this file system cannot exchange directories" if number == errno.EINVAL else os.strerror(number)
    raise KeepingError(
        f"{second} cannot be replaced at once: {why}; restore to another --config.file and move it by hand"
    )
