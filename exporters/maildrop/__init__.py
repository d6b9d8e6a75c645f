"""Mails of backup jobs: a listener for SMTP that takes mail for the keys of the estate, and passes nothing on."""

from exporters.maildrop.door import Door
from exporters.maildrop.server import MailServer

__all__ = ["Door", "MailServer"]
