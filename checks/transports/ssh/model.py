"""What is asked over SSH, and what comes back: plain values, no library behind them."""

from __future__ import annotations

from dataclasses import dataclass

from config.estate import Credential

LIMIT = 256 * 1024
"""Octets of output that are read when nobody says otherwise."""
QUOTED = "; the last line is "
"""Behind these words a message quotes what the device showed."""
MOST = 10_000
"""Directory entries that are listed when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class SshDevice:
    """A device that is asked over SSH, how it lets us in, and the host keys that somebody approved."""

    target: str
    """Its name in the estate: for messages, the lock-out guard and the place where blocking calls run."""
    address: str
    credential: Credential
    """Of kind `password` or `ssh-key`."""
    host_keys: tuple[str, ...]
    """`ssh-ed25519 SHA256:<43 base64 characters>`; without any, nothing is asked at all."""
    port: int = 22
    keep: bool = True
    """False for devices that have few sessions: the connection is closed as soon as it was used."""
    interactive: bool = False
    """The device takes a password only as the answer to a question (keyboard-interactive, RFC 4256)."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that was run. Texts are UTF-8, control characters removed except line feed and tab."""

    stdout: str
    stderr: str
    exit_status: int | None
    """None when the device told none, as many network devices do, or when it was stopped for its length."""
    truncated: bool
    """More came than the limit; what came until then is here, the command was cut off."""
    seconds: float


@dataclass(frozen=True, slots=True)
class ShellProfile:
    """How one kind of device's command line behaves. Patterns are Python regular expressions."""

    prompt: str
    """Matches the whole last line when the device waits for a command, for example `[\\w-]+ [#$] ?`."""
    pager: str | None = r"<?-+ ?\(?[Mm](ore|ORE)[^)>-]*\)? ?-+>?.*"
    """Matches the whole last line when a pager waits for a key; None when there is no pager."""
    more: str = " "
    """The key that makes a pager go on."""
    prepare: tuple[str, ...] = ()
    """Commands sent first, whose output is thrown away: `terminal length 0`."""
    leave: str = "exit"
    """Ends the session in order; empty when closing is enough."""
    enter: str = "\n"
    """What the Enter key sends; a few devices want a carriage return."""
    echo: bool = True
    """The device repeats what is typed. A prompt is believed only after that, so that a late one is not taken for the
    end of the next command."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """An entry of a remote directory; what the server did not tell is None."""

    name: str
    """Control characters removed."""
    size: int | None
    """Octets."""
    mtime: int | None
    """Unix seconds."""
    is_directory: bool
    is_file: bool = True
    """A regular file, as far as the server tells: no link (it is not followed), no pipe, no device."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory, in the server's order, without `.` and `..`."""

    entries: list[RemoteFile]
    complete: bool
    """False when there are more entries than were asked for."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key that a device shows for itself, as `ssh-keygen -lf` prints it."""

    kind: str
    """`ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, `…384` or `…521`."""
    fingerprint: str
    """`SHA256:` and 43 base64 characters."""
    bits: int

    @property
    def line(self) -> str:
        """As it is written under `host_keys` in the estate."""
        return f"{self.kind} {self.fingerprint}"
