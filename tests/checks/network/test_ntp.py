"""The ntp check: how far a clock is from the agent's, whether it is synchronised, and what cannot be told."""

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.fold import with_answers
from checks.contract import Observation, Reason, State, covered
from checks.families import family_faults
from checks.network.ntp import CHECK, NtpAnswers, NtpOptions
from testbeds import ntp_server
from testbeds.datagrams import peer
from testbeds.peers import free_port, need, wait_until
from testbeds.single import asked, check, states, subject

PLAIN = NtpAnswers("10.0.0.1", 1, 0.0, 0.01, 0, 4, 2, 0.01, 0.01, "0a000001")


def _judged(answers, options=None, fault=None):
    chosen = options or NtpOptions()
    observation = Observation("fw-a", "here", 0.0, 0.1, answers, fault)
    return CHECK.assess(subject(check("ntp", chosen)), (observation,), None, 0.0)


def _found(assessment):
    return {key.removeprefix("ntp/"): state for key, state in states(assessment.findings).items()}


async def _asked(answer, timeout=2.0, **options):
    async with peer(answer) as server:
        observation = await asked(CHECK, NtpOptions(port=server.port, **options), "127.0.0.1", timeout)
    return observation, server


def _honest(question, **more):
    return [ntp_server.reply(question, now=time.time(), **more)]


def _slowly(question, **more):
    """From far away: an exchange of 5 ms and more is vague where a millisecond counts."""
    time.sleep(0.005)
    return _honest(question, **more)


@pytest.mark.parametrize(
    ("offset", "delay", "state", "said"),
    [
        (0.0, 0.0, "ok", "0 ms"),
        (0.004, 0.01, "ok", "no difference to the agent's clock that could be told (measured +4 ms ± 5 ms)"),
        (0.9, 0.01, "ok", "900 ms ± 5 ms ahead of"),
        (-1.0, 0.01, "warning", "1 s ± 5 ms behind the agent's; 1 s is too much"),
        (1.2, 0.5, "warning", "1.2 s ± 250 ms ahead"),
        (9.99, 0.01, "warning", "9.99 s"),
        (-10.0, 0.01, "critical", "behind"),
        (3600.0, 0.01, "critical", "3600 s"),
        (-86_400.0 * 30, 0.01, "critical", "30 days ± 5 ms behind"),
        (0.5, 3.0, "unknown", "too slow to judge"),
        (2.0, 3.0, "unknown", "too slow to judge"),
        (5.0, 3.0, "warning", "5 s ± 1.5 s"),
        (11.0, 21.0, "unknown", "too slow to judge"),
        (15.0, 21.0, "critical", "15 s"),
    ],
)
def test_an_offset_is_judged_with_the_error_of_its_measuring(offset, delay, state, said):
    assessment = _judged(replace(PLAIN, offset=offset, delay=delay))

    assert _found(assessment)["offset"] == state
    assert said in assessment.findings[0].summary


@pytest.mark.parametrize(("leap", "stratum"), [(3, 2), (0, 16), (3, 16)])
def test_a_server_that_is_not_synchronised_is_critical_and_has_no_distance(leap, stratum):
    assessment = _judged(replace(PLAIN, leap=leap, stratum=stratum))

    assert _found(assessment) == {"offset": "ok", "synchronised": "critical"}
    assert not covered(assessment.covers, "ntp/distance")


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({}, "ok", "within 15 ms"),
        ({"root_dispersion": 1.5}, "warning", "has it lost its own time servers?"),
        ({"root_delay": 4.0}, "warning", "has it lost its own time servers?"),
        ({"stratum": 9}, "ok", "stratum 9"),
        ({"stratum": 10}, "warning", "a clock that runs by itself"),
        ({"leap": 1}, "ok", "within"),
    ],
)
def test_the_distance_to_the_reference_clock_is_judged(changed, state, said):
    assessment = _judged(replace(PLAIN, **changed))

    assert _found(assessment)["distance"] == state
    assert said in assessment.findings[2].summary


async def test_one_good_exchange_is_enough():
    observation, server = await _asked(_honest)

    assert len(server.questions) == 1
    assert observation.fault is None
    assert _found(_judged(observation.answers)) == {"offset": "ok", "synchronised": "ok", "distance": "ok"}
    readings = {reading.family.name for reading in _judged(observation.answers).readings}
    assert readings == {family.name for family in CHECK.families()}


async def test_a_vague_exchange_is_followed_by_others_and_the_best_counts():
    observation, server = await _asked(
        _slowly, warning_offset_seconds=0.001, critical_offset_seconds=1, samples=4, spacing_seconds=0.2
    )

    assert len(server.questions) == 4
    assert observation.answers.samples == 4


async def test_a_lost_datagram_is_no_news_when_the_next_is_answered():
    count = []

    def answer(question):
        count.append(1)
        return [] if len(count) == 1 else _honest(question)

    observation, _ = await _asked(answer, timeout=6.0, spacing_seconds=0.2)

    assert observation.fault is None
    assert observation.answers.samples == 1


async def test_an_hour_ahead_is_critical():
    observation, _ = await _asked(lambda question: _honest(question, ahead=3600.0))

    assert _found(_judged(observation.answers))["offset"] == "critical"


@pytest.mark.parametrize(
    ("changed", "condition", "reason"),
    [
        ({"stratum": 0, "reference": b"RATE"}, "ntp/kiss", Reason.LIMIT),
        ({"stratum": 0, "reference": b"DENY"}, "ntp/kiss", Reason.FORBIDDEN),
        ({"mode": 5}, "ntp/protocol", Reason.PROTOCOL),
        ({"sent": 0}, "ntp/protocol", Reason.PROTOCOL),
    ],
)
async def test_an_answer_that_gives_no_time_is_unknown(changed, condition, reason):
    observation, server = await _asked(lambda question: _honest(question, **changed))

    assert observation.answers is None
    assert (observation.fault.condition, observation.fault.reason) == (condition, reason)
    assert observation.fault.state is State.UNKNOWN
    assert len(server.questions) == 1


async def test_a_refusal_after_a_good_exchange_leaves_the_good_one_and_says_so():
    count = []

    def answer(question):
        count.append(1)
        return _slowly(question, **({} if len(count) == 1 else {"stratum": 0, "reference": b"RATE"}))

    observation, _ = await _asked(
        answer, warning_offset_seconds=0.001, critical_offset_seconds=100, spacing_seconds=0.2
    )
    folded = with_answers("ntp", _judged(observation.answers, fault=observation.fault), observation.fault, None, 0.0)

    assert _found(folded)["kiss"] == "unknown"
    assert "ntp/kiss" not in folded.may_go


def test_a_good_run_ends_the_kiss():
    assessment = _judged(PLAIN)

    assert covered(assessment.covers, "ntp/kiss")
    assert covered(assessment.may_go, "ntp/kiss")


@pytest.mark.parametrize("listens", [False, True])
async def test_a_service_that_is_not_there_is_critical(listens):
    if listens:
        observation, _ = await _asked(lambda question: [], timeout=0.3)
    else:
        observation = await asked(CHECK, NtpOptions(port=free_port(socket.SOCK_DGRAM)), "127.0.0.1")

    assert observation.fault.state is State.CRITICAL
    assert (observation.fault.condition, observation.fault.reached) == (
        ("ntp/no-answer", False) if listens else ("ntp/refused", True)
    )


def test_an_observation_survives_its_journey_as_json():
    adapter = TypeAdapter(NtpAnswers)

    assert adapter.validate_python(json.loads(adapter.dump_json(PLAIN))) == PLAIN


@pytest.mark.parametrize(
    "options",
    [
        {"critical_offset_seconds": 0.5}, {"samples": 5}, {"spacing_seconds": 0.1}, {"max_stratum": 16},
        {"warning_offset_seconds": 0}, {"server": "x"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_or_would_harm_are_refused(options):
    with pytest.raises(ValidationError):
        NtpOptions(**options)


def test_the_families_keep_the_rules():
    assert [fault for family in CHECK.families() for fault in family_faults(family)] == []


@contextmanager
def _chronyd(folder, *lines):
    """A chronyd that serves its own machine's clock on loopback and touches nothing."""
    port = free_port(socket.SOCK_DGRAM)
    own = (f"port {port}", "bindaddress 127.0.0.1", "cmdport 0", "allow 127.0.0.1", f"pidfile {folder}/pid")
    (folder / "chrony.conf").write_text("\n".join((*own, f"bindcmdaddress {folder}/socket", *lines)) + "\n")
    command = [need("chronyd"), "-x", "-d", "-u", "root", "-f", folder / "chrony.conf"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: _answers(port), f"chronyd answers: {(folder / 'log').read_text()}")
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _answers(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        asking.connect(("127.0.0.1", port))
        try:
            asking.send(b"\x23" + bytes(39) + b"12345678")
            return len(asking.recv(100)) >= 48
        except OSError:
            return False


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["local stratum 8"], {"offset": "ok", "synchronised": "ok", "distance": "ok"}),
        (["local stratum 10"], {"offset": "ok", "synchronised": "ok", "distance": "warning"}),
        ([], {"offset": "ok", "synchronised": "critical"}),
    ],
    ids=["serves", "runs by itself", "not synchronised"],
)
async def test_a_real_chronyd_is_judged_as_it_is(tmp_path, lines, found):
    with _chronyd(tmp_path, *lines) as port:
        observation = await asked(CHECK, NtpOptions(port=port), "127.0.0.1")

    assert observation.fault is None
    assert _found(_judged(observation.answers)) == found
