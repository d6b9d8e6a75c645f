"""`python -m agent.cli.reader`: the process that reads an estate for a running agent, so that its loop is not held.

Not a verb for people. Each line on standard input is the path of an estate, as a JSON string; the answer on standard
output is its pieces (`agent.parcel`) up to the end. It ends when standard input does. It is bounded in memory; the
agent bounds it in time.

A file that somebody is writing is not taken: its bytes must be the same when reading begins, when it is read, and
`SETTLE` seconds later.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from agent.parcel import Mark, Piece, packed, problems_piece
from config.load import load_estate
from config.problems import EstateError, Problem
from config.source import revision_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.kinds import DeskLike, KindLike

SETTLE = 0.15
"""Seconds within which a file must not change; the pause in which an editor or rsync goes on writing is shorter."""
MEMORY = 1024 * 1024 * 1024
"""Octets of address space. An estate of 16 MiB takes some 600 MB while it is read."""
CHANGING = "changed while it was read; once whoever writes it is done, reload again"


def answer(path: Path, kinds: Mapping[str, KindLike], desks: Mapping[str, DeskLike]) -> Iterator[Piece]:
    """The pieces of the estate at `path`, or what is wrong with it."""
    begun = time.monotonic()
    try:
        before = revision_of(path)
        estate = load_estate(path, kinds, desks)
        time.sleep(max(0.0, begun + SETTLE - time.monotonic()))
        if not before == estate.revision == revision_of(path):
            raise EstateError([Problem(str(path), 1, 1, "", CHANGING)])
        yield from packed(estate)
    except EstateError as error:
        yield problems_piece(error.problems)
    except MemoryError:
        yield problems_piece((Problem(str(path), 1, 1, "", f"takes more than {MEMORY >> 20} MiB to read"),))
    yield Piece(Mark.END)


def main() -> None:
    """Answer until standard input ends."""
    from agent.cli.estate import kinds

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard), hard))
    out = _own_output()
    checks, desks = kinds()
    out.write(Piece(Mark.HELLO, version("ridgeway").encode()).wire())
    out.flush()
    for line in sys.stdin:
        for piece in answer(Path(json.loads(line)), checks, desks):
            out.write(piece.wire())
        out.flush()


def _own_output() -> BinaryIO:
    """Standard output for the pieces alone: whatever a plug-in prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb", buffering=1024 * 1024)
    os.dup2(2, 1)
    return out


if __name__ == "__main__":
    main()
