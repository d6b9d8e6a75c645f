"""Commands, shells of network devices and files over SSH, on kept connections to devices whose host key is pinned.

`SshTransport` is what a check uses; paramiko is imported when the first device is asked, not before.
"""

from __future__ import annotations

from checks.transports.ssh.faults import HOST_KEY, ONLY_SHA1, HostKeyChanged, NoSuchPath, OnlySha1, ssh_fault
from checks.transports.ssh.model import HostKey, Listing, Ran, RemoteFile, ShellProfile, SshDevice
from checks.transports.ssh.transport import SshTransport

__all__ = [
    "HOST_KEY", "ONLY_SHA1", "HostKey", "HostKeyChanged", "Listing", "NoSuchPath", "OnlySha1", "Ran", "RemoteFile",
    "ShellProfile", "SshDevice", "SshTransport", "ssh_fault",
]  # fmt: skip
