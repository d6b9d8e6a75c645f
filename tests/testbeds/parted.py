"""How `make test` parts the tests among its processes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling


class ByFile(LoadFileScheduling):
    """A file's tests stay together, as they share fixtures; so do those of the desk, which takes long to start.

    The recordings are read one by one: their files are long, come last, and share nothing.
    xdist's own `loadgroup` would do, but marks tests by changing their names, which pytest 9 does not let it do.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        if file.startswith("tests/truth/"):
            return nodeid
        return "testbeds.rt" if _needs_the_desk(self.config.rootpath / file) else file


@cache
def _needs_the_desk(file: Path) -> bool:
    return "from testbeds.rt import" in file.read_text(encoding="utf-8")
