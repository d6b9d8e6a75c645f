"""The unit, where systemd runs the agent."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.diagnosis import Line, broken, ok, unknown, warning

UNIT = "ridgeway.service"
_WANTED = (
    "LoadState", "ActiveState", "SubState", "NRestarts", "NeedDaemonReload", "WatchdogUSec", "DropInPaths", "Result",
)  # fmt: skip


def show() -> Mapping[str, str] | str | None:
    """The unit's properties, or why they cannot be read; None where systemd does not run."""
    if not Path("/run/systemd/system").is_dir():
        return None
    try:
        done = subprocess.run(
            ["systemctl", "show", UNIT, f"--property={','.join(_WANTED)}"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode != 0:
        return done.stderr.strip()[:200] or f"systemctl ended with {done.returncode}"
    return dict(row.split("=", 1) for row in done.stdout.splitlines() if "=" in row)


def unit_lines(found: Mapping[str, str] | str | None) -> Iterator[Line]:
    """Nothing where no such unit is installed."""
    if found is None:
        return
    if isinstance(found, str):
        yield unknown("unit", found, f"look at: systemctl status {UNIT}")
        return
    if found.get("LoadState") == "not-found":
        return
    state = f"{found.get('ActiveState')} ({found.get('SubState')})"
    journal = "look at: journalctl -u ridgeway -p warning"
    if found.get("ActiveState") != "active":
        yield broken("unit", f"{state}, {found.get('Result')}", f"{journal}; then systemctl restart ridgeway", UNIT)
    elif found.get("NRestarts", "0") != "0":
        yield warning("unit", f"{state}, restarted {found['NRestarts']} times since its start", journal, UNIT)
    else:
        yield ok("unit", state, UNIT)
    if found.get("NeedDaemonReload") == "yes":
        yield warning("unit", "its files were changed and are not in force", "systemctl daemon-reload", UNIT)
    if found.get("WatchdogUSec") in ("0", "infinity"):
        yield warning("watchdog", "systemd does not watch it", "put WatchdogSec=60s back into the unit", UNIT)
    for drop_in in found.get("DropInPaths", "").split():
        yield ok("drop-in", "is in force", drop_in)
