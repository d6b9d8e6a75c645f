"""The composition root: puts the parts together, starts and stops them."""

from agent.daemon.core import Daemon, run_daemon
from agent.daemon.life import StartError
from agent.daemon.settings import Address, Settings, SettingsError

__all__ = ["Address", "Daemon", "Settings", "SettingsError", "StartError", "run_daemon"]
