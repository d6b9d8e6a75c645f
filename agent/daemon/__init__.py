"""The composition root: puts the parts together, starts and stops them."""

from agent.daemon.core import Daemon, StartError, run_daemon
from agent.daemon.settings import Address, Settings, SettingsError

__all__ = ["Address", "Daemon", "Settings", "SettingsError", "StartError", "run_daemon"]
