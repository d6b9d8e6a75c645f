"""What holds the demo's backups: a real restic repository, or where that cannot be, a simulated Veeam server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from agent.restore_drills.canary import plant
from agent.restore_drills.scratch import in_memory
from checks.backup.tools import DIRECTORIES

OBJECT = "benefits"
"""The estate's name of what is protected, and the drill's."""
HOST = "srv-benefits"
_OLDEST = (0, 14)
_NIGHTS = (28.0, 4.0)
"""How many hours ago the backups were made."""
_ROOM = 16 * 1024**2
"""Octets that a drill may restore: its `max_size`."""
_PATIENCE = 60.0
_NICE = 10
"""Drills give way to the agent, who has more to watch."""
_AT = "%Y-%m-%d %H:%M:%S"


class NoRestic(Exception):
    """Why this machine cannot play with a real restic."""


class Vault(Protocol):
    """Backups of one object, which can be damaged and mended."""

    @property
    def title(self) -> str:
        """What it is, for the console."""
        ...

    @property
    def options(self) -> Mapping[str, object]:
        """The product, as the estate has it."""
        ...

    async def start(self) -> None:
        """Be there. Raises OSError."""
        ...

    def stop(self) -> None:
        """Be gone; safe to call twice."""
        ...

    async def listed(self) -> str:
        """What the product's own list says now."""
        ...

    async def drill(self) -> str:
        """Restore from it, and leave what came of that for the agent; in words."""
        ...

    def damage(self) -> None:
        """Change one octet of what is kept."""
        ...

    def mend(self) -> None:
        """Put the sound copy back."""
        ...


class ResticVault:
    """A repository below a folder, and drills in a place in memory that is removed at the end."""

    def __init__(self, folder: Path, proofs: Path) -> None:
        """Make it, with the backups of two nights: takes seconds. Raises NoRestic."""
        self._restic, self.title = found_restic()
        self._folder = folder
        self._repository, self._password = folder / "repository", folder / "password"
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_hex(16), encoding="ascii")
        self._fill()
        self._scratch = place_in_memory()
        self._plan = folder / "drills.yaml"
        self._plan.write_text(json.dumps(self._drills(proofs)), encoding="utf-8")
        self._sound: tuple[Path, bytes] | None = None

    @property
    def options(self) -> Mapping[str, object]:
        where = {"repository": str(self._repository), "password_file": str(self._password)}
        return {"product": "restic", "local": True, **where}

    async def start(self) -> None:
        pass  # files need nobody who runs

    def stop(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    async def listed(self) -> str:
        told, words = await _told([self._restic, *self._where(), "--no-lock", "--json", "snapshots"])
        if not isinstance(told, list):
            return f"restic does not list its snapshots: {words}"
        newest = max((str(one.get("time")) for one in told), default="none")[:16].replace("T", " ")
        return f"restic lists {len(told)} snapshots, the newest of {newest} UTC, and complains of nothing"

    async def drill(self) -> str:
        ridgeway = Path(sys.executable).with_name("ridgeway")
        line = [str(ridgeway), "restore-drill", "run", OBJECT, "--config", str(self._plan), "--json"]
        told, words = await _told(line)
        rows = told.get("restores") if isinstance(told, dict) else None
        if not rows:
            return f"it could not be run: {words}"
        return "; ".join(f"{row['by'].partition(' ')[0]} {row['outcome']}: {row['message']}" for row in rows)

    def damage(self) -> None:
        pack = self._largest_pack()
        octets = bytearray(pack.read_bytes())
        self._sound = pack, bytes(octets)
        octets[len(octets) // 2] ^= 1
        _overwrite(pack, octets)

    def mend(self) -> None:
        if self._sound is not None:
            _overwrite(*self._sound)

    def _largest_pack(self) -> Path:
        packs = [path for path in (self._repository / "data").rglob("*") if path.is_file()]
        return max(packs, key=lambda path: path.stat().st_size)

    def _fill(self) -> None:
        self._run("init")
        source = self._folder / "benefits"
        source.mkdir()
        (source / "claims.db").write_bytes(secrets.token_bytes(1_500_000))
        (source / "letters.txt").write_text("Dear resident,\n" * 400, encoding="utf-8")
        for hours in _NIGHTS:
            at = time.time() - hours * 3600
            plant(source / "canary", at - 60)
            when = datetime.fromtimestamp(at, UTC).strftime(_AT)
            self._run("backup", "--host", HOST, "--time", when, str(source))

    def _run(self, *arguments: str) -> None:
        try:
            done = subprocess.run(
                [self._restic, *self._where(), *arguments],
                capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False, env=_environment(),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise NoRestic(f"restic {arguments[0]} takes more than {_PATIENCE:.0f} s here") from error
        if done.returncode != 0:
            raise NoRestic(f"restic {arguments[0]} fails here: {done.stderr.strip()[-200:]}")

    def _where(self) -> tuple[str, ...]:
        return ("--repo", str(self._repository), "--password-file", str(self._password), "--no-cache")

    def _drills(self, proofs: Path) -> dict[str, Any]:
        source = self._folder / "benefits"
        drill = {
            "object": OBJECT, "product": "restic", "of": f"{HOST}:*", "repository": str(self._repository),
            "password_file": f"file:{self._password}", "canary": {"path": f"{source}/canary", "max_age": "26h"},
            "samples": {"under": str(source), "count": 3}, "max_size": "16 MiB", "max_time": "60s",
        }  # fmt: skip
        return {"proofs": str(proofs), "scratch": str(self._scratch), "drills": {OBJECT: drill}}


def found_restic() -> tuple[str, str]:
    """The program, and what it calls itself. Raises NoRestic, which says why there is none for us."""
    program = shutil.which("restic")
    if program is None:
        raise NoRestic("restic is not installed")
    if Path(program).parent not in DIRECTORIES:
        places = " or ".join(map(str, DIRECTORIES))
        raise NoRestic(f"{program} is not where the agent looks for it ({places})")
    done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    version = re.match(r"restic (\d+)\.(\d+)\S*", done.stdout)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        raise NoRestic(f"{program} is older than {'.'.join(map(str, _OLDEST))}")
    return program, version[0]


def place_in_memory() -> Path:
    """A new directory of our own in a file system in memory, with room for a drill. Raises NoRestic."""
    for place in map(Path, filter(None, (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"))):  # noqa: S108 - made by mkdtemp
        ours = place.resolve() == place and os.access(place, os.W_OK | os.X_OK) and in_memory(place)
        if ours and shutil.disk_usage(place).free > 2 * _ROOM:
            return Path(tempfile.mkdtemp(prefix="ridgeway-demo-", dir=place))
    raise NoRestic("a drill restores into memory, and neither XDG_RUNTIME_DIR nor /dev/shm is a tmpfs to write to")


async def _told(line: list[str]) -> tuple[Any, str]:
    """The JSON that a command prints, None where it prints none, and its last words."""
    process = await asyncio.create_subprocess_exec(
        *line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
    )
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
    try:
        async with asyncio.timeout(2 * _PATIENCE):
            printed, words = await process.communicate()
        return json.loads(printed), ""
    except ValueError:
        return None, words.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    except TimeoutError:
        return None, "it takes too long"
    finally:
        if process.returncode is None:
            process.kill()


def _environment() -> dict[str, str]:
    return {**os.environ, "TZ": "UTC"}  # restic takes --time for local time


def _overwrite(file: Path, octets: bytes | bytearray) -> None:
    file.chmod(0o600)  # restic keeps packs read-only
    file.write_bytes(octets)
