"""An agent as it is started and treated by hand: a first start, a hang-up, a second agent beside the first."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from testbeds.agent import RIDGEWAY, Agent, Service
from testbeds.peers import free_port, wait_until
from testbeds.small_estates import one_service

pytestmark = pytest.mark.acceptance


def test_a_first_start_makes_its_own_state_directory_and_the_other_verbs_find_the_agent(
    tmp_path: Path, service: Service
) -> None:
    (tmp_path / "estate.yaml").write_text(one_service(service.port))
    unset = ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "RIDGEWAY_LEDGER_URL", "RIDGEWAY_CONTROL_SOCKET")
    home = {key: value for key, value in os.environ.items() if key not in unset}
    home["XDG_STATE_HOME"] = str(tmp_path / "state")
    started = subprocess.Popen(
        [RIDGEWAY, "run", "--config", tmp_path / "estate.yaml", "--web.listen-address", f"127.0.0.1:{free_port()}"],
        env=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until((tmp_path / "state/ridgeway/control.socket").exists, "the agent listens")

        done = subprocess.run([RIDGEWAY, "explain", "web"], env=home, capture_output=True, text=True, timeout=60)
    finally:
        started.terminate()
        started.wait(20)

    assert (done.returncode, done.stderr) == (0, "")
    assert "web" in done.stdout
    assert (tmp_path / "state/ridgeway").stat().st_mode & 0o777 == 0o700


def test_a_service_reloads_at_sighup_and_goes_on_probing(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()
    assert agent.process is not None

    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: '"estate reloaded, it is as it was"' in agent.log.read_text(), "the agent says that it heard")

    runs = agent.metric("ridgeway_check_runs_total", kind="tcp") or 0
    wait_until(lambda: (agent.metric("ridgeway_check_runs_total", kind="tcp") or 0) > runs, "it still probes")


def test_a_second_agent_does_not_take_the_socket_of_the_first(
    new_agent: Callable[..., Agent], service: Service
) -> None:
    first, second = new_agent(), new_agent()
    first.write(one_service(service.port))
    second.write(one_service(service.port))
    first.start()

    said = second.run(
        "run", "--control.socket", str(first.control), "--web.listen-address", f"127.0.0.1:{free_port()}", status=None
    )

    assert "another agent listens there" in said
    assert "web" in first.run("explain", "web")
