"""Which addresses stand on a member, by its own system's list over SSH: what a member without its cluster program still
holds is told by nothing else.

Net-SNMP's own table of addresses would tell it without a login, but keeps what it read for long: measured, it still
listed an address 12 seconds after that was taken away, which looks like an address on both after every take-over.
"""

from __future__ import annotations

import json
from ipaddress import ip_address

from checks.contract import Context, Target
from checks.network.ssh_login import ROLE, device_of
from checks.transports.fault import TransportFault
from checks.transports.ssh import ssh_fault
from config.commands import load, search_path

NO_CREDENTIAL = "it has no credential `ssh`"
_LARGEST = 65_536
_MOST = 2_000


class NotListed(Exception):
    """What was printed is no list of addresses; the message says why."""


async def asked(target: Target, command: str, port: int, ctx: Context, deadline: float) -> tuple[list[str] | None, str]:
    """The addresses, or None and why. The command is that of a template, which has no parameters."""
    if ROLE not in target.credentials:
        return None, NO_CREDENTIAL
    device = device_of(target, port)
    try:
        ran = await ctx.transports.ssh.run(device, load(command, search_path()).run, deadline=deadline, limit=_LARGEST)
        if ran.exit_status != 0 or ran.truncated:
            return None, f"`{command}` ended with status {ran.exit_status}" if not ran.truncated else "too much of them"
        return listed(ran.stdout), ""
    except NotListed as error:
        return None, str(error)
    except TransportFault as error:
        return None, ssh_fault(error, "ssh_command", device.credential).message[:300]


def listed(text: str) -> list[str]:
    """The addresses in what `ip -j -p addr show` prints (ip-address(8)), sorted. Raises NotListed."""
    try:
        interfaces = json.loads(text)
        found = {
            str(ip_address(entry["local"]))
            for interface in interfaces
            for entry in interface.get("addr_info", ())
            if "local" in entry
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotListed("what `ip -j -p addr show` printed is not its list") from None
    if not found:
        raise NotListed("`ip -j -p addr show` listed no address at all, not even the loopback's")
    return sorted(found)[:_MOST]
