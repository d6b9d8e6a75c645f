"""What is taken at the door for mails, and what is answered (RFC 5321): a handler for aiosmtpd.

A mail for `KEY@anywhere` or `ping+KEY@anywhere` is a ping of that key's job. Every other recipient has one and the
same answer; no key stands in a log or an answer. 250 is said once the ping is on the disk; what cannot be kept now is
refused for now (451), so that the mail server that brought it comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from agent.complaints import place
from agent.push.keeping import NotKept
from agent.push.keys import keys_in
from agent.push.letter import Letter, read_letter, sent_at
from agent.push.limits import Limits, network_of
from agent.push.tail import masked
from checks.transports.inbox import Mail, Ping, Sign

_PREFIX = "ping+"
_LATER = "send it again later"
_AT_ONCE = 2
"""Mails that are read at once: reading one is work for the processor alone."""


class Outcome(StrEnum):
    """What became of a mail, for the metrics."""

    TAKEN = "taken"
    IGNORED = "ignored"
    """A bounce, or an answer of a machine."""
    UNKNOWN = "unknown"
    """A recipient that is no key."""
    LIMITED = "limited"
    UNFIT = "unfit"
    """For a key of ours, and too large, not a mail, or of a sender that the estate does not name."""
    NOT_KEPT = "not_kept"
    """The ledger could not keep it."""


@dataclass(slots=True)
class Door:
    """Belongs to the event loop's thread."""

    job_of: Callable[[str], str | None]
    takes_from: Callable[[str, str], bool]
    """Whether mail of a job is taken from this address."""
    keep: Callable[[Ping], Awaitable[None]]
    """Done once it is on the disk. Raises NotKept."""
    count: Callable[[str], None]
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    meet: Callable[[asyncio.BaseTransport], object] = lambda _transport: True
    """Looks at the certificate that a client showed; None: it gets no further."""
    limits: Limits = field(default_factory=Limits)
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    # What aiosmtpd calls; its names

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        del server, envelope
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    def handle_STARTTLS(self, server: SMTP, session: Session, envelope: Envelope) -> bool:  # noqa: N802
        del session, envelope
        return server.transport is not None and self.meet(server.transport) is not None

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The envelope carries the job, not the key."""
        del server, options
        now, peer = self.monotonic(), _peer(session)
        if not self.limits.addresses.take(peer, now) or not self.limits.all.take(now):
            self.count(Outcome.LIMITED)
            return f"451 4.7.1 too many mails; {_LATER}"
        job = self.job_of(address.rpartition("@")[0].removeprefix(_PREFIX))
        if job is None:
            self.count(Outcome.UNKNOWN)
            if self.limits.may_tell(peer, now):
                self._log().warning("mail for a key that nobody has, refused", address=peer)
            return "550 5.1.1 no such mailbox"
        if not self.limits.jobs.take(job, now):
            self.count(Outcome.LIMITED)
            return f"451 4.7.1 this job sends too often; 12 mails a minute is the most; {_LATER}"
        if job not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(job)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """What aiosmtpd would tell whoever asks; a defect, since what was meant to be refused is."""
        self._log().error("a mail could not be taken", what=place(error))
        return f"451 4.3.0 it cannot be taken now; {_LATER}"

    # What the connection calls

    async def take(self, envelope: Envelope) -> str:
        """A mail that has come whole; what is answered."""
        assert isinstance(envelope.content, bytes)
        now = self.clock()
        async with self.reading:
            letter = await asyncio.to_thread(self._read, envelope.content)
        jobs = envelope.rcpt_tos
        if envelope.mail_from == "<>" or letter.automatic:
            self.count(Outcome.IGNORED)
            self._log().info("an automatic answer by mail, ignored", jobs=jobs)
            return "250 2.0.0 ignored: an automatic answer, or no sender"
        taken = [job for job in jobs if self.takes_from(job, letter.sender)]
        if not taken:
            self.refused(jobs, "it is of a sender that the estate does not name")
            return "550 5.7.1 no mail is taken from that sender"
        return await self._keep([self._ping(job, letter, now) for job in taken])

    def refused(self, jobs: list[str], why: str) -> None:
        """A mail for these jobs was refused for good."""
        self.count(Outcome.UNFIT)
        self._log().warning("a mail of a job is not taken", jobs=jobs, reason=why)

    async def _keep(self, pings: list[Ping]) -> str:
        try:
            await asyncio.gather(*(self.keep(ping) for ping in pings))
        except NotKept:
            self.count(Outcome.NOT_KEPT)
            return f"451 4.3.0 it cannot be kept now; {_LATER}"
        self.count(Outcome.TAKEN)
        return "250 2.0.0 kept"

    def _ping(self, job: str, letter: Letter, now: float) -> Ping:
        return Ping(
            job,
            sent_at(letter.dated, now),
            Sign.MAIL,
            now,
            log=letter.text,
            id=letter.id,
            mail=Mail(letter.subject, letter.dated, letter.left_out),
        )

    def _read(self, octets: bytes) -> Letter:
        letter = read_letter(octets)
        return replace(letter, subject=self._masked(letter.subject), text=self._masked(letter.text))

    def _masked(self, text: str) -> str:
        return masked(text, keys_in(text, self.job_of))

    def _log(self) -> structlog.typing.FilteringBoundLogger:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger("exporters.maildrop")
        return log


def _peer(session: Session) -> str:
    return network_of(str(session.peer[0])) if session.peer else ""
