"""The tcp check: real ports, and what their outcome means for a port that must be open and for one that must not."""

import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.contract import Observation, Reason, State
from checks.network.tcp import CHECK, TcpAnswers, TcpOptions
from checks.transports.tcp import Outcome
from testbeds import network
from testbeds.peers import free_port
from testbeds.single import asked, check, states, subject


@pytest.fixture
async def greeter():
    """A port that says `220 mail ready` with a bell in it."""

    async def greet(reader, writer):
        writer.write(b"220 mail\x07 ready\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def _judged(options: TcpOptions, answers: TcpAnswers):
    observation = Observation("fw-a", "here", 0.0, 0.0, answers)
    (finding,) = CHECK.assess(subject(check("tcp", options)), (observation,), None, 0.0).findings
    return finding


def _answers(outcome: Outcome, control: Outcome | None = None, seconds: float = 0.01, banner: str | None = None):
    return TcpAnswers("10.0.0.1", outcome, seconds, banner, control)


async def test_an_open_port_is_ok_and_its_time_is_read(greeter):
    options = TcpOptions(port=greeter)

    observation = await asked(CHECK, options, "127.0.0.1")
    assessment = CHECK.assess(subject(check("tcp", options)), (observation,), None, 0.0)

    assert states(assessment.findings) == {f"tcp/{greeter}": "ok"}
    ((name, labels),) = [(reading.family.name, reading.labels) for reading in assessment.readings]
    assert (name, labels) == ("ridgeway_tcp_connect_seconds", (str(greeter),))


async def test_a_refused_port_is_critical_although_the_target_was_reached():
    options = TcpOptions(port=free_port())

    observation = await asked(CHECK, options, "127.0.0.1")
    assessment = CHECK.assess(subject(check("tcp", options)), (observation,), None, 0.0)

    assert observation.answers.reached is True
    assert assessment.findings[0].state is State.CRITICAL
    assert "connection refused" in assessment.findings[0].summary
    assert assessment.readings == ()


@pytest.mark.parametrize(("wanted", "state"), [("220 mail", State.OK), ("250 ", State.CRITICAL)])
async def test_the_banner_must_hold_the_expected_text(greeter, wanted, state):
    options = TcpOptions(port=greeter, expect_banner=wanted)

    observation = await asked(CHECK, options, "127.0.0.1")

    assert observation.answers.banner == "220 mail. ready.."
    assert _judged(options, observation.answers).state is state


def test_a_silent_port_is_a_critical_fault_of_the_port_or_an_unreachable_target():
    tests = str(Path(network.__file__).parents[1])
    said = network.run_python(
        f"""
        import asyncio, sys
        sys.path.insert(0, {tests!r})
        from testbeds.single import asked
        from checks.network.tcp import CHECK, TcpOptions
        fault = asyncio.run(asked(CHECK, TcpOptions(port=443), "10.11.0.2", timeout=0.5)).fault
        print(fault.reason.value, fault.condition, fault.state.value, fault.reached)
        fault = asyncio.run(asked(CHECK, TcpOptions(port=443), "203.0.113.1", timeout=0.5)).fault
        print(fault.reason.value, fault.condition, fault.state.value, fault.reached)
        closed = asyncio.run(asked(CHECK, TcpOptions(port=23, expect_closed=True), "10.11.0.2", timeout=0.5))
        print(closed.answers.outcome.value, closed.answers.reached, closed.fault)
        """,
        (*network.SILENT, "ip route add unreachable 203.0.113.1"),
    )

    assert said.splitlines() == [
        "no-answer tcp/443 critical False",
        "unreachable tcp/443 critical False",
        "silent None None",
    ]


async def test_a_name_without_address_is_unknown_not_critical():
    observation = await asked(CHECK, TcpOptions(port=80), "nobody.invalid", timeout=20)

    assert observation.fault.reason is Reason.NAME
    assert (observation.fault.condition, observation.fault.state) == ("tcp/name", State.UNKNOWN)


async def test_a_control_port_is_asked_beside_the_one_that_must_be_closed(greeter):
    options = TcpOptions(port=free_port(), expect_closed=True, control_port=greeter)

    observation = await asked(CHECK, options, "127.0.0.1")

    assert (observation.answers.outcome, observation.answers.control) == (Outcome.REFUSED, Outcome.OPEN)


CLOSED = {"port": 23, "expect_closed": True}


@pytest.mark.parametrize(
    ("options", "answers", "state", "reached"),
    [
        (CLOSED, _answers(Outcome.OPEN), State.CRITICAL, True),
        (CLOSED, _answers(Outcome.REFUSED), State.OK, True),
        (CLOSED, _answers(Outcome.SILENT), State.UNKNOWN, None),
        (CLOSED, _answers(Outcome.UNREACHABLE), State.UNKNOWN, None),
        (CLOSED | {"accept_silence": True}, _answers(Outcome.SILENT), State.OK, None),
        (CLOSED | {"accept_silence": True}, _answers(Outcome.OPEN), State.CRITICAL, True),
        (CLOSED | {"control_port": 443}, _answers(Outcome.SILENT, Outcome.OPEN), State.OK, True),
        (CLOSED | {"control_port": 443}, _answers(Outcome.UNREACHABLE, Outcome.OPEN), State.OK, True),
        (CLOSED | {"control_port": 443}, _answers(Outcome.SILENT, Outcome.SILENT), State.UNKNOWN, None),
        (CLOSED | {"control_port": 443}, _answers(Outcome.SILENT, Outcome.REFUSED), State.UNKNOWN, True),
        (CLOSED | {"control_port": 443}, _answers(Outcome.OPEN, Outcome.SILENT), State.CRITICAL, True),
    ],
)
def test_a_port_that_must_be_closed_is_ok_only_when_something_proves_it(options, answers, state, reached):
    finding = _judged(TcpOptions(**options), answers)

    assert (finding.key, finding.state) == ("tcp/23", state)
    assert answers.reached is reached


@pytest.mark.parametrize(("seconds", "state"), [(0.4, State.OK), (0.5, State.WARNING), (1.0, State.CRITICAL)])
def test_a_slow_connection_is_judged_where_limits_are_given(seconds, state):
    options = TcpOptions(port=443, warning_seconds=0.5, critical_seconds=1.0)

    assert _judged(options, _answers(Outcome.OPEN, seconds=seconds)).state is state


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"port": 0},
        {"port": 65_536},
        {"port": 22, "accept_silence": True},
        {"port": 22, "control_port": 443},
        {"port": 22, "expect_closed": True, "control_port": 22},
        {"port": 22, "expect_closed": True, "expect_banner": "SSH"},
        {"port": 22, "warning_seconds": 2, "critical_seconds": 1},
        {"port": 22, "banner": "SSH"},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError):
        TcpOptions(**options)
