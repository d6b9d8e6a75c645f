"""A real Bacula on loopback: director with an SQLite catalogue, storage daemon and file daemon, in the foreground.

The director's package cannot be configured without a database of its own choice, so the packages are unpacked and not
installed (tests/setup/peers.sh).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from testbeds.peers import UNPACKED, free_port, need, wait_until

_SCHEMA = UNPACKED / "bacula/usr/share/dbconfig-common/data/bacula-director-sqlite3/install/sqlite3"
COMMANDS = ("restore", "cancel", "list", "llist", ".bvfs_update", ".bvfs_lsdirs", ".bvfs_lsfiles",
            ".bvfs_get_jobids", ".bvfs_restore", ".bvfs_cleanup")  # fmt: skip
"""What the console of a drill may say."""
_DAEMONS = ("bacula-sd", "bacula-fd", "bacula-dir")


class Bacula:
    """Started by the constructor, gone after `close`. Its files, volumes and catalogue are below `home`."""

    def __init__(self, home: Path, drills: Path | None = None) -> None:
        """`drills`: the one place to which a console named `drill`, that may only restore, restores."""
        for program in (*_DAEMONS, "bconsole"):
            need(program)
        self.home = home
        self.source, self.catalogue, self.volume = home / "source", home / "work/bacula.db", home / "volumes/Vol-0001"
        for name in ("source", "work", "volumes", "restored"):
            (home / name).mkdir()
        with sqlite3.connect(self.catalogue) as catalogue:
            catalogue.executescript(_SCHEMA.read_text())
        catalogue.close()
        self._ports = {name: free_port() for name in (*_DAEMONS, "drill-fd")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for name, text in _settings(home, self._ports, drills).items():
            (home / f"{name}.conf").write_text(text)
            (home / f"{name}.conf").chmod(0o600)
        try:
            for name in _DAEMONS:
                self.start(name)
            for name in _DAEMONS:
                wait_until(lambda at=self._ports[name]: _listens(at), f"{name} listens")  # type: ignore[misc]
            wait_until(lambda: "1000 OK" in self.console("version"), "Bacula's director answers")
        except BaseException:
            self.close()
            raise

    @property
    def drill_port(self) -> int:
        """Where the director looks for the file daemon of a drill."""
        return self._ports["drill-fd"]

    def start(self, daemon: str) -> None:
        with (self.home / f"{daemon}.log").open("ab") as log:
            self._processes[daemon] = subprocess.Popen(
                [need(daemon), "-f", "-P", "-c", str(self.home / f"{daemon}.conf")],
                stdout=log, stderr=log, cwd=self.home, env=environment(),
            )  # fmt: skip

    def stop(self, daemon: str) -> None:
        process = self._processes.pop(daemon)
        process.kill()
        process.wait(10)

    def close(self) -> None:
        for daemon in list(self._processes):
            self.stop(daemon)
        shutil.rmtree(self.home, ignore_errors=True)

    def console(self, *commands: str, by: str = "bconsole") -> str:
        """What bconsole says to the commands. `by`: the console, or `drill`."""
        done = subprocess.run(
            [need("bconsole"), "-n", "-c", str(self.home / f"{by}.conf")], input="\n".join((*commands, "quit", "")),
            capture_output=True, text=True, timeout=60, check=False, env=environment(), cwd=self.home,
        )  # fmt: skip
        return done.stdout + done.stderr

    def run(self, job: str, *more: str) -> int:
        """Run a job to its end; its JobId."""
        return self._ended(self.console(" ".join(("run", f"job={job}", *more, "yes"))))

    def restore(self, *jobs: int) -> int:
        """Restore all that these jobs took, to another place; the restore's JobId."""
        listed = ",".join(map(str, jobs))
        return self._ended(self.console(f"restore jobid={listed} client=lab-fd restorejob=restore all done yes"))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the catalogue says."""
        with contextlib.closing(sqlite3.connect(self.catalogue, timeout=10)) as catalogue:
            return catalogue.execute(statement).fetchall()

    def write(self, statement: str) -> None:
        """Change the catalogue, as the director would."""
        with contextlib.closing(sqlite3.connect(self.catalogue, timeout=10)) as catalogue, catalogue:
            catalogue.execute(statement)

    def age(self, job: int, seconds: int) -> None:
        """Make a job as if it had run earlier."""
        earlier = ", ".join(f"{name} = datetime({name}, '-{seconds} seconds')" for name in ("starttime", "endtime"))
        self.write(f"UPDATE job SET {earlier}, jobtdate = jobtdate - {seconds} WHERE jobid = {job}")

    def _ended(self, said: str) -> int:
        queued = re.search(r"JobId=(\d+)", said)
        assert queued is not None, said
        status = f"SELECT jobstatus FROM job WHERE jobid = {queued[1]}"
        wait_until(lambda: self.rows(status)[0][0] in "TWEefADI", f"job {queued[1]} ends")
        return int(queued[1])

    def flip(self, at: int) -> None:
        """Damage one octet of the volume."""
        with self.volume.open("r+b") as volume:
            volume.seek(at)
            octet = volume.read(1)
            volume.seek(at)
            volume.write(bytes([octet[0] ^ 1]))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def environment() -> dict[str, str]:
    libraries = (UNPACKED / "bacula/usr/lib/bacula", *(UNPACKED / "bacula").glob("**/lib/*-linux-gnu"))
    return os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)), "TZ": "Europe/London"}


def _settings(home: Path, ports: dict[str, int], drills: Path | None) -> dict[str, str]:
    here = {"WorkingDirectory": f"{home}/work", "PidDirectory": f"{home}/work", "Maximum Concurrent Jobs": 4}
    known = _block("Director", Name="lab-dir", Password="p") + _block("Messages", Name="Std", director="lab-dir = all")
    device = {"Media Type": "File", "Archive Device": f"{home}/volumes", "LabelMedia": "yes", "Random Access": "yes",
              "AutomaticMount": "yes", "RemovableMedia": "no"}  # fmt: skip
    at = {"Address": "127.0.0.1", "DIRport": ports["bacula-dir"]}
    return {
        "bacula-dir": _director(home, ports, here) + (_for_drills(drills, ports["drill-fd"]) if drills else ""),
        "bacula-sd": _block("Storage", Name="lab-sd", SDAddress="127.0.0.1", SDPort=ports["bacula-sd"], **here)
        + _block("Device", Name="FS", **device) + known,
        "bacula-fd": _block("FileDaemon", Name="lab-fd", FDAddress="127.0.0.1", FDPort=ports["bacula-fd"], **here)
        + known,
        "bconsole": _block("Director", Name="lab-dir", Password="p", **at),
        "drill": _block("Director", Name="lab-dir", Password="none", **at)
        + _block("Console", Name="drill", Password="restore-only"),
        "verify": _block("Director", Name="lab-dir", Password="none", **at)
        + _block("Console", Name="verify", Password="verify-only"),
        "drill-fd": _block("Director", Name="lab-dir", Password="of-the-drill"),
    }  # fmt: skip


def _for_drills(place: Path, port: int) -> str:
    """What docs/restore-drills.md has the director's configuration say."""
    anywhere = {f"{kind}ACL": name for kind, name in
                (("Storage", "St"), ("Pool", "Default"), ("FileSet", "Ledger"), ("Catalog", "Cat"))}  # fmt: skip
    job = {"Client": "drill-fd", "Storage": "St", "Pool": "Default", "Messages": "Std", "FileSet": "Ledger"}
    return "".join((
        _block("Client", Name="drill-fd", Address="127.0.0.1", FDPort=port, Catalog="Cat", Password="of-the-drill"),
        _block("Job", Name="drill-restore", Type="Restore", Where=place, **job),
        _block("Job", Name="drill-verify", Type="Verify", Level="VolumeToCatalog", **job,
               **{"Verify Job": "nightly"}),
        _block("Console", Name="drill", Password="restore-only", CommandACL=", ".join(COMMANDS),
               JobACL="nightly, drill-restore", BackupClientACL="lab-fd", RestoreClientACL="drill-fd",
               WhereACL=f'"{place}"', **anywhere),
        _block("Console", Name="verify", Password="verify-only", CommandACL="run, cancel, list, llist",
               JobACL="drill-verify", ClientACL="drill-fd", **anywhere),
    ))  # fmt: skip


def _director(home: Path, ports: dict[str, int], here: dict[str, Any]) -> str:
    peer = {"Address": "127.0.0.1", "Password": "p"}
    job = {"Type": "Backup", "Level": "Full", "Client": "lab-fd", "Storage": "St", "Pool": "Default",
           "Messages": "Std", "FileSet": "Ledger"}  # fmt: skip
    jobs: dict[str, dict[str, Any]] = {
        "nightly": {},
        "broken": {"FileSet": "Broken"},
        "fatal": {"Client Run Before Job": "/bin/false"},
        "again": {"Type": "Verify", "Level": "VolumeToCatalog", "Verify Job": "nightly"},
        "restore": {"Type": "Restore", "Where": f"{home}/restored"},
    }
    pool = {"Pool Type": "Backup", "Label Format": '"Vol-"', "Volume Retention": "30 days"}
    return "".join((
        _block("Director", Name="lab-dir", DirAddress="127.0.0.1", DirPort=ports["bacula-dir"], Password="p",
               Messages="Std", QueryFile=f"{home}/none", **here),
        _block("Catalog", Name="Cat", dbname="bacula", dbuser='""', dbpassword='""'),
        _block("Client", Name="lab-fd", FDPort=ports["bacula-fd"], Catalog="Cat", **peer),
        _block("Storage", Name="St", SDPort=ports["bacula-sd"], Device="FS", **peer, **{"Media Type": "File"}),
        _block("Pool", Name="Default", **pool),
        _block("Messages", Name="Std", console="all, !skipped", catalog="all, !skipped"),
        _files("Ledger", f"{home}/source"),
        _files("Broken", f"{home}/source", f"{home}/nowhere"),
        *(_block("Job", Name=name, **(job | more)) for name, more in jobs.items()),
    ))  # fmt: skip


def _block(kind: str, **settings: object) -> str:
    """A resource, a line for each setting: one that stands in a single line is not read."""
    return "\n".join((f"{kind} {{", *(f"  {name} = {value}" for name, value in settings.items()), "}", ""))


def _files(name: str, *paths: str) -> str:
    include = (
        "  Include {",
        "    Options {",
        "      signature = SHA1",
        "    }",
        *(f"    File = {path}" for path in paths),
        "  }",
    )
    return "\n".join(("FileSet {", f"  Name = {name}", *include, "}", ""))
