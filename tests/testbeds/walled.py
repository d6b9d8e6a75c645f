"""A firewall of nftables and what stands behind it, in a network of its own, tried there by the real runner.

Ports: 8022 is dropped and 8080 rejected, each with a listener behind it; 8443 and 8444 are let in; so is 9999, where
nobody listens. `python -m testbeds.walled` inside the network loads the rules, starts listeners and an sshd, runs a
check of the flows on its standard input once, and prints what was found.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from testbeds import sshd
from testbeds.agent import Service
from testbeds.apart import apart
from testbeds.network import allowed
from testbeds.peers import need

LET_IN, DROPPED, REJECTED, CLOSED, MISTAKEN = 8443, 8022, 8080, 9999, 8444
_RULES = f"""
table inet p {{
    chain in {{
        type filter hook input priority 0
        tcp dport {DROPPED} counter drop comment "dropped"
        tcp dport {REJECTED} counter log prefix "no: " reject with tcp reset comment "rejected"
        tcp dport 1 counter drop comment "never-met"
        tcp dport {CLOSED} counter accept comment "accepted"
    }}
}}
"""
FIREWALL = """
  fw:
    address: 127.0.0.1
    site: forum
    credentials: {{ssh: ops}}
    host_keys: ["{host_key}"]
"""


def tried(checks: str) -> dict[str, Any]:
    """What one run of a `path` check found whose flows are these lines of YAML: findings, evidence, readings."""
    need("nft")
    need("sshd")
    allowed(apart(["true"])[:-3])
    done = subprocess.run(
        apart([sys.executable, "-m", "testbeds.walled"]), input=checks, capture_output=True, text=True, timeout=90,
        check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _estate(server: sshd.Sshd, flows: str) -> str:
    return f"""
estate: {{name: walled, vantage: hemel}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{hemel: {{site: forum}}}}
credentials: {{ops: {{kind: ssh-key, user: {sshd.USER}, key: "file:{server.directory}/user"}}}}
targets:{FIREWALL.format(host_key=server.host_key())}
    checks:
      - path:
          timeout: 20s
          flows:
{flows}
"""


async def _run(path: Path) -> dict[str, Any]:
    from agent.run import Runner
    from checks.catalogue import load_catalogue
    from checks.transports import Transports
    from config.load import load_estate

    kinds, transports = load_catalogue(), Transports.open()
    estate = load_estate(path, kinds, {})
    try:
        runner = Runner(estate, kinds, transports, vantage=estate.vantage, clock=time.time)
        result = await runner.run(estate.targets["fw"].checks[0], time.time())
    finally:
        await transports.close()
    assessment = result.assessment
    return {
        "findings": {one.key: [one.state.value, one.summary] for one in assessment.findings},
        "evidence": {one.key: dict(one.evidence) for one in assessment.findings},
        "readings": [[one.family.name, list(one.labels), one.value] for one in assessment.readings],
        "reached": result.reached,
    }


def _main() -> None:
    flows = sys.stdin.read()
    subprocess.run([need("nft"), "-f", "-"], input=_RULES, text=True, check=True, timeout=20)
    services = [Service(port=port) for port in (LET_IN, DROPPED, REJECTED, MISTAKEN)]
    with sshd.running() as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estate.yaml"
        path.write_text(_estate(server, flows.replace("SSH_PORT", str(server.port))))
        print(json.dumps(asyncio.run(_run(path))))
    for service in services:
        service.close()


if __name__ == "__main__":
    _main()
