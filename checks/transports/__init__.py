"""One file per protocol, pooled and bounded. `Transports` is the set an agent owns and hands to every collect."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.transports.aside import Aside
from checks.transports.dns import DnsTransport
from checks.transports.http import HttpTransport
from checks.transports.icmp import IcmpTransport
from checks.transports.inbox import Inbox, NoInbox
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from checks.transports.ntp import NtpTransport
from checks.transports.process import ProcessTransport
from checks.transports.rtp import RtpTransport
from checks.transports.sip import SipTransport
from checks.transports.snmp import Asking, SnmpTransport
from checks.transports.ssh import SshTransport
from checks.transports.tcp import TcpTransport
from checks.transports.tls import TlsTransport
from checks.transports.turns import Turns

THREADS = 512
"""Blocking calls at once: as many as runs, so that devices that hang never keep the others from being asked."""


@dataclass(frozen=True, slots=True)
class Transports:
    """All transports of one agent; made inside the running loop, closed with it."""

    snmp: Asking
    """The polling engine; the second one or a recording may stand in its place."""
    icmp: IcmpTransport
    tcp: TcpTransport
    aside: Aside = field(default_factory=lambda: Aside(THREADS))
    """For calls that block; nothing has to be closed."""
    lockout: Lockout = field(default_factory=Lockout)
    """Asked before any attempt to log in."""
    process: ProcessTransport = field(default_factory=ProcessTransport)
    """Plug-ins: no process is started before the first of them."""
    dns: DnsTransport = field(kw_only=True)
    """dnspython is imported when the first question is asked."""
    http: HttpTransport = field(kw_only=True)
    """requests is imported when the first question is asked."""
    tls: TlsTransport = field(kw_only=True)
    """OpenSSL is imported when the first handshake is made."""
    ntp: NtpTransport = field(kw_only=True)
    ssh: SshTransport = field(kw_only=True)
    """paramiko is imported when the first device is asked."""
    sip: SipTransport = field(kw_only=True)
    rtp: RtpTransport = field(default_factory=RtpTransport)
    """No process is started before the first call."""
    inbox: Inbox = field(default_factory=NoInbox, kw_only=True)
    """What jobs tell of their own accord; only the agent that takes it can read it."""

    @classmethod
    def open(cls, lockout: Lockout | None = None, inbox: Inbox | None = None) -> Transports:
        """Transports that share one cache of names. Sockets are opened when they are first needed."""
        names, aside, lockout, turns = Names(), Aside(THREADS), lockout or Lockout(), Turns()
        dns = DnsTransport(names)
        return cls(
            SnmpTransport(names),
            IcmpTransport(names),
            TcpTransport(names),
            aside,
            lockout,
            dns=dns,
            http=HttpTransport(names, aside, lockout, turns=turns),
            tls=TlsTransport(names),
            ntp=NtpTransport(names),
            ssh=SshTransport(names, aside, lockout, turns=turns),
            sip=SipTransport(names, dns),
            inbox=inbox or NoInbox(),
        )

    async def close(self) -> None:
        """Hang up, and release every socket; safe to call twice."""
        await self.sip.close()
        await self.snmp.close()
        await self.icmp.close()
        await self.tcp.close()
        await self.ssh.close()
        await self.tls.close()
        await self.sip.close()
        await self.process.close()
        await self.rtp.close()
