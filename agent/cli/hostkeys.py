"""`ridgeway hostkeys scan TARGET…`: the SSH host keys that devices show, to be compared and approved by a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import read
from agent.cli.options import config_option, json_option
from agent.cli.tables import table

if TYPE_CHECKING:
    from checks.transports.ssh import HostKey, SshTransport
    from config.estate import Estate, Target

_SECONDS = 15.0
_PORT = 22


@dataclass(frozen=True, slots=True)
class _Scan:
    """What one target showed, or why it showed nothing."""

    target: Target
    port: int
    keys: tuple[HostKey, ...]
    fault: str | None = None

    def approved(self, key: HostKey) -> bool:
        return key.line in self.target.host_keys

    @property
    def changed(self) -> bool:
        """Keys were approved, and it shows none of them."""
        return bool(self.target.host_keys and self.keys) and not any(map(self.approved, self.keys))


@click.group("hostkeys")
def command() -> None:
    """Which SSH host keys the devices show, to be approved by a person."""


@command.command("scan")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@config_option
@json_option
@click.option("--port", type=click.IntRange(1, 65535), help="The SSH port, if no check of the target names it.")
def scan(targets: tuple[str, ...], config_file: Path, as_json: bool, port: int | None) -> int:
    """Show the SSH host keys of targets. No user name and no password is sent.

    Exit status: 0 all were read, 1 one shows none of its approved keys, 3 one could not be read.
    """
    estate = read(config_file)
    chosen = [_target(estate, name) for name in targets]
    scans = asyncio.run(_scan(chosen, port))
    if as_json:
        click.echo(json.dumps([_report(each) for each in scans], indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(_for_people(each) for each in scans))
    return 3 if any(each.fault for each in scans) else int(any(each.changed for each in scans))


def _target(estate: Estate, name: str) -> Target:
    target = estate.targets.get(name)
    if target is None:
        from difflib import get_close_matches

        close = get_close_matches(name, list(estate.targets), 1)
        raise Failure(f"No target is called {name!r}.{f' Did you mean {close[0]}?' if close else ''}")
    return target


async def _scan(targets: Sequence[Target], port: int | None) -> list[_Scan]:
    from checks.transports import Transports

    transports = Transports.open()
    try:
        return list(await asyncio.gather(*(_one(transports.ssh, each, port or _port(each)) for each in targets)))
    finally:
        await transports.close()


async def _one(ssh: SshTransport, target: Target, port: int) -> _Scan:
    from checks.transports.fault import TransportFault

    try:
        keys = await ssh.scan(target.address, port, asyncio.get_running_loop().time() + _SECONDS)
    except TransportFault as fault:
        return _Scan(target, port, (), fault.message)
    return _Scan(target, port, tuple(keys))


def _port(target: Target) -> int:
    """The port that a check of the target asks over SSH; 22 when none says."""
    ports = [getattr(spec.options, "port", None) for spec in target.checks if spec.kind in ("ssh_command", "sftp_file")]
    return next((port for port in ports if isinstance(port, int)), _PORT)


def _report(scan: _Scan) -> dict[str, object]:
    return {
        "target": scan.target.name,
        "address": scan.target.address,
        "port": scan.port,
        "changed": scan.changed,
        "fault": scan.fault,
        "keys": [
            {"kind": key.kind, "bits": key.bits, "fingerprint": key.fingerprint, "approved": scan.approved(key)}
            for key in scan.keys
        ],
        "host_keys": [key.line for key in scan.keys],
    }


def _for_people(scan: _Scan) -> str:
    head = f"{scan.target.name} ({scan.target.address} port {scan.port})"
    if scan.fault is not None:
        return f"{head}\n{scan.fault}"
    rows = [
        (key.kind, str(key.bits), key.fingerprint, "approved" if scan.approved(key) else "NOT APPROVED")
        for key in scan.keys
    ]
    parts = [head, table(("kind", "bits", "fingerprint", ""), rows)]
    if scan.changed:
        parts.append("It shows none of the keys that were approved: it was replaced, or somebody stands between.")
    if not all(map(scan.approved, scan.keys)):
        parts.append(_how_to_approve(scan))
    return "\n".join(parts)


def _how_to_approve(scan: _Scan) -> str:
    lines = "\n".join(f'  - "{key.line}"' for key in scan.keys)
    return (
        "A scan proves nothing by itself. Compare each fingerprint with what the device says on its own console\n"
        "(on Linux: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then put those that agree under the target:\n"
        f"host_keys:\n{lines}"
    )
