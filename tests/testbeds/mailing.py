"""Mails of backup jobs as programs send them, and an agent that takes them."""

from __future__ import annotations

import json
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formatdate

from testbeds.peers import free_port
from testbeds.pushing import KEY, PushAgent


def mail(
    subject: str = "[Success] Backup of Ben", text: str = "all done\n", at: float | None = None, **headers: str
) -> EmailMessage:
    """A mail of a backup program; of now unless a time is given."""
    made = EmailMessage(policy=SMTP)
    made["From"] = "nas@forum.example"
    made["To"] = "backups@agent.example"
    made["Subject"] = subject
    made["Date"] = formatdate() if at is None else format_datetime(datetime.fromtimestamp(at, UTC))
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


@dataclass
class MailAgent(PushAgent):
    """An agent that takes mails as well."""

    smtp: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.agent.options = (*self.agent.options, "--push.smtp-listen-address", f"127.0.0.1:{self.smtp}")

    def send(
        self,
        message: EmailMessage | bytes,
        key: str = KEY,
        sender: str = "nas@forum.example",
        tls: ssl.SSLContext | None = None,
    ) -> tuple[int, bytes]:
        """What is answered to the end of the mail, or to what came before."""
        octets = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as client:
            if tls is not None:
                client.starttls(context=tls)
            client.ehlo_or_helo_if_needed()
            client.mail(sender)
            answer = client.rcpt(f"ping+{key}@agent.example")
            return client.data(octets) if answer[0] == 250 else answer

    def subjects(self, job: str = "backups/ben") -> list[str]:
        """Of the mails in the ledger, oldest first."""
        rows = self._rows("SELECT facts FROM pings WHERE job = ? AND sign = 'mail' ORDER BY id", job)
        return [str(json.loads(facts)["mail"]["subject"]) for (facts,) in rows]
