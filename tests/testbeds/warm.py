"""Importing this loads what any command of the agent's loads: for `testbeds.forked`."""

import psycopg
from sqlalchemy.dialects.postgresql import psycopg as dialect

from agent.cli import backup_verbs, restore
from agent.cli.estate import kinds
from agent.ledger import ledger
from exporters.webhooks import worker

__all__ = ["backup_verbs", "dialect", "ledger", "psycopg", "restore", "worker"]
kinds()
