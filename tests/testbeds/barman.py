"""A real Barman with a real PostgreSQL: base backups by pg_basebackup, the log streamed to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from testbeds.peers import need, wait_until
from testbeds.postgres import PostgresCluster


class Barman(PostgresCluster):
    """A cluster, and Barman's own directory beside it, with the log flowing. Gone after `close`."""

    def __init__(self) -> None:
        need("barman")
        super().__init__()
        self.home = self._directory
        self.config = self.home / "barman.conf"
        self._receiver: subprocess.Popen[bytes] | None = None
        line = f"host=127.0.0.1 port={self.port} user=ridgeway dbname=postgres"
        user = "nobody" if self._as else str(os.environ.get("USER", ""))
        (self.home / "barman").mkdir()
        (self.home / "barman.d").mkdir()
        self.config.write_text(
            f"[barman]\nbarman_home = {self.home}/barman\nbarman_user = {user}\n"
            f"configuration_files_directory = {self.home}/barman.d\nlog_file = {self.home}/barman/log\n"
            f"[main]\ndescription = main\nconninfo = {line}\nstreaming_conninfo = {line}\nbackup_method = postgres\n"
            f"streaming_archiver = on\nslot_name = barman\ncreate_slot = auto\nimmediate_checkpoint = true\n"
            f"path_prefix = {self._programs}\n"
        )
        if self._as:
            shutil.chown(self.home / "barman", "nobody", "nogroup")
        try:
            self.receive()
        except BaseException:
            self.close()
            raise

    def barman(self, *arguments: str, zone: str = "Europe/London") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._as, need("barman"), "-c", str(self.config), *arguments],
            capture_output=True, text=True, timeout=90, check=False, cwd=self.home, env=self._environment(zone),
        )  # fmt: skip

    def backup(self, zone: str = "Europe/London") -> Path:
        """Take a backup; where it lies."""
        self.barman("switch-wal", "--archive", "--force", "main")  # without a segment it takes no backup
        done = self.barman("backup", "main", zone=zone)
        assert done.returncode == 0, done.stdout + done.stderr
        return max((self.home / "barman/main/base").iterdir())

    def receive(self) -> None:
        """Have the log streamed, until `deaf` or the cluster's end."""
        self.barman("receive-wal", "--create-slot", "main")
        self._receiver = subprocess.Popen(
            [*self._as, need("barman"), "-c", str(self.config), "receive-wal", "main"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.home, env=self._environment(),
            start_new_session=True,
        )  # fmt: skip
        streamed = self.home / "barman/main/streaming"
        wait_until(lambda: streamed.is_dir() and any(streamed.glob("*.partial")), "Barman receives the log")

    def deaf(self) -> None:
        """Nothing of the log arrives any more."""
        if self._receiver is not None:
            os.killpg(self._receiver.pid, 15)
            self._receiver.wait(10)
            self._receiver = None

    def close(self) -> None:
        if getattr(self, "_receiver", None) is not None:
            self.deaf()
        super().close()

    def _environment(self, zone: str = "Europe/London") -> dict[str, Any]:
        return {"PATH": os.environ["PATH"], "TZ": zone, "HOME": str(self.home / "barman"), "LC_ALL": "C"}
