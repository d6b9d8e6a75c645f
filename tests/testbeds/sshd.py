"""A real OpenSSH sshd on a free loopback port, with its own host keys, and users let in by key or by certificate.

It lets in the user who runs the tests (`USER`) and nobody else. `start` and `stop` may alternate: port, keys and
log are kept. `change_host_key` is what a device replaced by another looks like.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from checks.transports.ssh.model import SshDevice
from config.estate import Credential
from config.secrets import SecretReference
from testbeds.peers import free_port, need, wait_until

USER = getpass.getuser()
ORDINARY = "postgres" if os.getuid() == 0 else USER
"""A user without special rights who has a shell: the package postgresql brings one. OpenSSH kills nothing of root's."""


class Sshd:
    """One sshd. Its directory holds `user` (the key that is let in), `stranger` (one that is not) and `ca`."""

    def __init__(self, directory: Path, kinds: tuple[str, ...] = ("ed25519",), *lines: str) -> None:
        self._program = need("sshd")
        self._keygen = need("ssh-keygen")
        self.port = free_port()
        self.directory = directory
        self.kinds = kinds
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("user", "stranger", "ca"):
            self.make_key(name)
        for kind in kinds:
            self.make_key(f"host_{kind}", kind)
        (directory / "authorized_keys").write_bytes((directory / "user.pub").read_bytes())
        self._configure(lines)

    def _configure(self, lines: tuple[str, ...]) -> None:
        text = [
            *lines,  # of each setting the first counts
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"PidFile {self.directory}/pid",
            *(f"HostKey {self.directory}/host_{kind}" for kind in self.kinds),
            f"AuthorizedKeysFile {self.directory}/authorized_keys", f"TrustedUserCAKeys {self.directory}/ca.pub",
            "StrictModes no", "UsePAM no", "PermitRootLogin yes", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", "LogLevel VERBOSE", "UseDNS no", "PrintMotd no", "MaxStartups 100",
            "Subsystem sftp internal-sftp", f"AllowUsers {USER} {ORDINARY}",
            "SetEnv SHLVL=5",  # else bash reads the account's own start file for each command
        ]  # fmt: skip
        (self.directory / "sshd_config").write_text("\n".join(text) + "\n")

    def make_key(self, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        """A new private key in `name`, the public one in `name.pub`."""
        path = self.directory / name
        for old in (path, path.with_name(f"{name}.pub")):
            old.unlink(missing_ok=True)
        bits = ["-b", "2048"] if kind == "rsa" else []
        self._keygen_run("-q", "-t", kind, *bits, "-N", passphrase, "-C", name, "-f", str(path))
        return path

    def certify(self, name: str, principal: str = USER) -> Path:
        """A certificate for the key `name`, signed by the CA that this sshd trusts."""
        self._keygen_run("-q", "-s", str(self.directory / "ca"), "-I", name, "-n", principal,
                         str(self.directory / f"{name}.pub"))  # fmt: skip
        certificate = self.directory / f"{name}-cert.pub"
        certificate.chmod(0o600)
        return certificate

    def _keygen_run(self, *arguments: str) -> str:
        done = subprocess.run([self._keygen, *arguments], check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    def start(self) -> None:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd parts its privileges
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", "-e", "-f", str(self.directory / "sshd_config")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(self._listens, "sshd accepts connections")

    def stop(self) -> None:
        """End the listener and every session."""
        if self._process is None:
            return
        ended = self._process
        self._process = None
        sessions = self.sessions(ended.pid)
        for pid in (*sessions, ended.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended.wait(10)

    def end_sessions(self) -> None:
        """Kill the sessions and go on listening, as a device does that drops idle ones."""
        assert self._process is not None
        for pid in self.sessions(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def frozen_sessions(self) -> Iterator[None]:
        """For the time of the block the sessions that are open now answer nothing, as behind a dead line."""
        frozen = self.sessions()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in frozen:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def sessions(self, parent: int | None = None) -> list[int]:
        """Process ids of everything below the listener."""
        if parent is None:
            parent = self._process.pid if self._process is not None else -1
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        found: list[int] = []
        wanted = [parent]
        while wanted:
            below = [pid for pid, above in parents.items() if above == wanted[0]]
            found += below
            wanted = wanted[1:] + below
        return found

    def change_host_key(self, kind: str = "ed25519") -> None:
        """Another key of this kind; takes effect at once, since sshd is restarted if it runs."""
        running = self._process is not None
        self.stop()
        self.make_key(f"host_{kind}", kind)
        if running:
            self.start()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5) as client:
            return client.recv(4) == b"SSH-"
        return False

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def host_key(self, kind: str = "ed25519") -> str:
        """The host key as the estate writes it: `ssh-ed25519 SHA256:…`."""
        public = self.directory / f"host_{kind}.pub"
        name = public.read_text().split()[0]
        return f"{name} {self._keygen_run('-lf', str(public)).split()[1]}"

    def credential(self, key: str = "user", certificate: Path | None = None, name: str = "ops") -> Credential:
        settings: dict[str, str | int | SecretReference] = {
            "user": USER,
            "key": SecretReference("file", str(self.directory / key)),
        }
        if certificate is not None:
            settings["certificate"] = SecretReference("file", str(certificate))
        return Credential(name, "ssh-key", settings)

    def device(
        self,
        credential: Credential | None = None,
        target: str = "mon-sshd",
        host_keys: tuple[str, ...] | None = None,
        keep: bool = True,
    ) -> SshDevice:
        """This sshd as a device, its first host key approved unless others are given."""
        pinned = (self.host_key(self.kinds[0]),) if host_keys is None else host_keys
        return SshDevice(target, "127.0.0.1", credential or self.credential(), pinned, port=self.port, keep=keep)


@contextlib.contextmanager
def running(kinds: tuple[str, ...] = ("ed25519",), *lines: str) -> Iterator[Sshd]:
    """An sshd for the time of the block; `lines` are added to its sshd_config."""
    scratch = Path(tempfile.mkdtemp(prefix="sshd-"))
    server = Sshd(scratch, kinds, *lines)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def soon(seconds: float = 10.0) -> float:
    """A deadline in loop time."""
    return asyncio.get_running_loop().time() + seconds
