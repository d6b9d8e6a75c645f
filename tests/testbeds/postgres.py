"""A throw-away PostgreSQL cluster on a free loopback port, run as an unprivileged user when the tests run as root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from testbeds.peers import free_port, need, wait_until

_QUICK = {
    # Only the tests' data is at stake.
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "autovacuum": "off",
}


class PostgresCluster:
    """Started by the constructor, gone after `close`. `database()` gives the URL of a new, empty database."""

    def __init__(self, place: Path | None = None, *more: str) -> None:
        """Below a directory, that of all temporary files unless said; `more` is for initdb."""
        initdb = need("initdb")
        self._programs = initdb.resolve().parent
        self._directory = Path(tempfile.mkdtemp(prefix="ridgeway-postgres-", dir=place))
        self._as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self._directory, "nobody", "nogroup")
        self.port = free_port()
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            data = str(self._directory / "data")
            create = [str(self._programs / "initdb"), "-D", data, "-U", "ridgeway", "-A", "trust", "-N", "-E", "UTF8"]
            subprocess.run(
                [*self._as, *create, "--locale=C", *more], check=True, capture_output=True, cwd=self._directory
            )
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start the server (again) and wait until it answers."""
        options = [part for name, value in _QUICK.items() for part in ("-c", f"{name}={value}")]
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self._directory)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as, str(self._programs / "postgres"), "-D", str(self._directory / "data"), *where, *options],
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        wait_until(self._answers, "PostgreSQL answers")

    def stop(self) -> None:
        """End the server at once, breaking its connections; data stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"ledger_{self._databases}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://ridgeway@127.0.0.1:{self.port}/{name}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
