"""Restore drills of backups: a process, a user and credentials of their own, apart from the read-only agent."""
