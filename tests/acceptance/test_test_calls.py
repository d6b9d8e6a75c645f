"""Test calls with real far ends: baresip behind Kamailio, sipp with scripted oddities, a whole agent that is stopped.

After each of them the far end has seen the end of its call.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from agent.cadence import next_in_period, phase
from agent.demo.sip_echo import SipEcho
from checks.contract import Context, Reason
from checks.telephony.call import CHECK
from checks.telephony.quality import Coding, rated
from checks.transports import Transports
from testbeds import baresip, call_proxy
from testbeds.agent import RIDGEWAY, Agent
from testbeds.baresip import Baresip
from testbeds.calls import account, called, observed, options, states, summary, telephone
from testbeds.kamailio import PASSWORD
from testbeds.peers import wait_until
from testbeds.single import wall
from testbeds.sipp_calls import far_end, say, take
from testbeds.telling import until

pytestmark = pytest.mark.acceptance
BRIEF = {"seconds": 0.3, "ring_seconds": 0.5}
ESTATE = """\
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum Borough Council}}}}
sites: {{forum: {{council: dacorum, title: The Forum}}}}
vantages: {{here: {{site: forum}}}}
defaults:
  kinds:
    sip_call: {{allowed_numbers: ["5600"], hours: {{monday-sunday: "00:00-24:00"}}, bank_holidays: true}}
credentials:
  test-extension: {{kind: password, user: "7001", password: "file:{secret}"}}
targets:
  pbx:
    address: 127.0.0.1
    site: forum
    credentials: {{sip: test-extension}}
    checks:
      - sip_call: {{name: {name}, number: "5600", port: {port}, seconds: 5, ring_seconds: 5, every: 1m, timeout: 20s}}
"""


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Baresip]:
    folder = tmp_path / "baresip"
    folder.mkdir()
    with baresip.running(folder) as running:
        yield running


@pytest.fixture
async def echo() -> AsyncIterator[SipEcho]:
    endpoint = SipEcho(users={"7001": "s3cret"})
    await endpoint.start()
    yield endpoint
    endpoint.stop()


def home(folder: Path) -> dict[str, str]:
    """The environment of a command that keeps what it keeps in a folder of its own."""
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "RIDGEWAY_CONTROL_SOCKET": str(folder / "none")}


def soon(seconds: float) -> str:
    """A name by which a check that runs every minute is due in about so many seconds."""
    now = time.time() + seconds
    return min(
        (f"call-{number}" for number in range(60)),
        key=lambda name: next_in_period(60, phase(f"pbx/{name}", 60), now),
    )


def estate(folder: Path, port: int, name: str = "call") -> str:
    secret = folder / "extension"
    secret.write_text("s3cret")
    secret.chmod(0o600)
    return ESTATE.format(port=port, secret=secret, name=name)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_baresip_is_called_through_a_proxy_that_asks_who_calls_and_records_its_route(
    phone: Baresip, tmp_path: Path, algorithm: str
) -> None:
    with call_proxy.running(tmp_path, phone.port, algorithm) as proxy:
        said = options(proxy.port, {"seconds": 1.0, "ring_seconds": 5.0})
        assessment = await called(said, credential=account(tmp_path, password=PASSWORD))

    found = states(assessment)
    assert {found[name] for name in ("call", "setup", "audio", "end", "marking")} == {"ok"}, assessment.findings
    assert "our own tone comes back" in summary(assessment, "audio")
    wait_until(lambda: (phone.answered(), phone.over()) == (1, 1), "baresip has heard the BYE")


async def test_a_password_that_the_proxy_refuses_reaches_no_telephone(phone: Baresip, tmp_path: Path) -> None:
    with call_proxy.running(tmp_path, phone.port) as proxy:
        observation = await observed(options(proxy.port, BRIEF), account(tmp_path, password="wr0ng"))

    assert observation.fault is not None
    assert (observation.fault.reason, observation.fault.condition) == (
        Reason.AUTHENTICATION, "credential/test-extension",
    )  # fmt: skip
    assert phone.answered() == 0


async def test_a_run_that_is_cancelled_hangs_up_on_baresip(phone: Baresip, tmp_path: Path) -> None:
    said, transports = options(phone.port, {"seconds": 10.0, "ring_seconds": 5.0}), Transports.open()
    context = Context("here", transports, wall, asyncio.get_running_loop().time() + 60)

    run = asyncio.create_task(CHECK.collect(telephone(said), said, context))
    await until(lambda: phone.answered() == 1, "baresip has answered")
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    await until(lambda: phone.over() == 1, "baresip has heard the BYE")
    await transports.close()


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ((say(100), take("CANCEL"), say(487, "a"), take("ACK")), "critical"),
        ((say(180, "a"), take("CANCEL"), say(487, "a"), take("ACK")), "critical"),
        ((say(180, "a"), take("CANCEL"), say(200, "a"), take("ACK", "BYE")), "critical"),
        (
            (
                say(180, "a"),
                say(200, "a"),
                take("ACK"),
                say(200, "b"),
                take("ACK", "BYE", "BYE"),
            ),
            "ok",
        ),
        ((say(100), say(486, "a"), take("ACK")), "warning"),
        ((say(100), say(302, "a"), take("ACK")), "unknown"),
    ],
    ids=["100 only", "rings", "late 200", "forked", "busy", "redirect"],
)
async def test_sipp_has_seen_the_end_of_its_call_whatever_it_answered(
    tmp_path: Path, steps: tuple[str, ...], state: str
) -> None:
    with far_end(tmp_path, *steps) as far:
        assessment = await called(options(far.port, BRIEF))

        assert await asyncio.to_thread(far.ended_well)

    assert states(assessment)["call"] == state, assessment.findings


async def test_a_call_over_a_bad_line_by_the_command_line(echo: SipEcho, tmp_path: Path) -> None:
    echo.manner.line.loss = 0.05
    (tmp_path / "estate.yaml").write_text(estate(tmp_path, echo.at[1]))
    command = [str(RIDGEWAY), "check", "pbx/call", "--config.file", str(tmp_path / "estate.yaml"), "--json"]

    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, env=home(tmp_path)
    )

    (check,) = json.loads(done.stdout)["checks"]
    values = {(one["name"], *one["labels"].values()): one["value"] for one in check["readings"]}
    found = {one["key"]: one["state"] for one in check["findings"]}
    loss = values[("ridgeway_call_loss_ratio", "received")]
    assert found["sip_call/call"] == found["sip_call/audio"] == "ok" and values[("ridgeway_call_up",)] == 1
    assert abs(loss - 0.05) <= 0.01
    if ("ridgeway_call_r_factor",) in values:  # this machine was not too busy to tell
        most = rated(Coding.G711_PLC, 0.04, 0.08).r
        assert 60 < values[("ridgeway_call_r_factor",)] <= most
    assert done.returncode in (2, 3) or found["sip_call/quality"] == "ok"
    assert "5600" not in done.stdout and "s3cret" not in done.stdout
    assert (echo.asked["BYE"], echo.calls) == (1, 0)


def _as_in_a_terminal() -> None:
    """A job in the background of a script is started with this signal ignored, and so would be what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_command_that_is_ended_in_the_middle_of_a_call_hangs_up(
    echo: SipEcho, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "estate.yaml").write_text(estate(tmp_path, echo.at[1]))
    command = [str(RIDGEWAY), "check", "pbx/call", "--config.file", str(tmp_path / "estate.yaml")]
    started = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=home(tmp_path), preexec_fn=_as_in_a_terminal
    )
    await until(lambda: echo.calls == 1 and echo.asked["ACK"] > 1, "the command calls")

    started.send_signal(number)
    status = await asyncio.to_thread(started.wait, 20)

    assert status not in (0, -number)
    assert (echo.asked["BYE"], echo.calls) == (1, 0)


async def test_an_agent_that_is_stopped_in_the_middle_of_a_call_hangs_up(
    echo: SipEcho, new_agent: Callable[..., Agent], tmp_path: Path
) -> None:
    agent = new_agent()
    agent.write(estate(tmp_path, echo.at[1], soon(40)))
    await asyncio.to_thread(agent.start)
    agent.write(estate(tmp_path, echo.at[1], soon(4)))
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)
    await until(lambda: echo.calls == 1 and echo.asked["ACK"] > 1, "the agent calls", 90)

    await asyncio.to_thread(agent.stop)

    assert (echo.asked["BYE"], echo.calls) == (1, 0)
