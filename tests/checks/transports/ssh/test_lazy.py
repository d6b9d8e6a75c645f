"""paramiko costs 0.2 s of CPU and 20 MiB to import: an estate without SSH does not pay for it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["checks.transports", "checks.transports.ssh", "agent.cli.hostkeys"])
def test_paramiko_is_not_imported_before_a_device_is_asked(module: str) -> None:
    program = f"import sys, {module}; print('paramiko' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ran.stdout == "False\n"
