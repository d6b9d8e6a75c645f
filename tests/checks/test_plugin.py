"""The plugin check: real plug-ins of Debian and hostile ones of our own, and what is made of their word."""

import asyncio
import time

import pytest
from pydantic import TypeAdapter, ValidationError

from checks.contract import Context, Observation, Reason, State
from checks.plugin import CHECK, PluginAnswers, PluginOptions
from checks.transports import Transports
from checks.transports.process import Outcome
from config.estate import Target
from testbeds.peers import free_port, need
from testbeds.plugins import PYTHON, install
from testbeds.single import asked, check, subject


def judged(answers: PluginAnswers, name="backup-disk", **options):
    chosen = PluginOptions(**{"plugin": "check_it", **options})
    observation = Observation("fw-a", "here", 0.0, 0.0, answers)
    return CHECK.assess(subject(check("plugin", chosen, name=name)), (observation,), None, 0.0)


def exited(status, stdout="", stderr="", **more):
    return PluginAnswers(Outcome.EXITED, status, stdout=stdout, stderr=stderr, **more)


async def run(monkeypatch, folder, timeout=20.0, **options):
    """One run of a plug-in of this folder, judged; the observation where nothing could be judged."""
    monkeypatch.setenv("RIDGEWAY_PLUGINS", str(folder))
    chosen = PluginOptions(**{"plugin": "it", **options})
    observation = await asked(CHECK, chosen, "127.0.0.1", timeout)
    if observation.answers is None:
        return observation
    return CHECK.assess(subject(check("plugin", chosen, name="it")), (observation,), None, 0.0)


def values(assessment):
    return {
        (each.family.name.removeprefix("ridgeway_plugin_"), *each.labels): each.value for each in assessment.readings
    }


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "plugins"


@pytest.mark.parametrize(("status", "state"), list(enumerate([State.OK, State.WARNING, State.CRITICAL, State.UNKNOWN])))
def test_the_exit_status_is_the_state_and_the_first_line_the_summary(status, state):
    (finding,) = judged(exited(status, "DISK - /backup 3% free | /backup=97%\nsecond line\n")).findings

    assert (finding.key, finding.state) == ("plugin/backup-disk", state)
    assert finding.summary == "DISK - /backup 3% free"
    assert finding.evidence == {"exit_status": str(status), "output": "second line"}


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (exited(42, "hello"), "status 42, which means nothing to a monitoring system: hello"),
        (exited(4), "status 4"),
        (exited(126), "cannot be executed"),
        (exited(127, "", "sh: nmap: not found"), "is not there: sh: nmap: not found"),
        (exited(139), "signal 11"),
        (exited(255, "", "Traceback"), "status 255"),
        (exited(0), "without a word"),
        (exited(0, " \n\n"), "without a word"),
        (exited(0, "", "something on stderr"), "without a word: something on stderr"),
        (exited(3), "status 3 and no text"),
        (PluginAnswers(Outcome.KILLED, signal=11), "signal 11 (SIGSEGV)"),
        (PluginAnswers(Outcome.KILLED, signal=24), "more processor time"),
        (PluginAnswers(Outcome.KILLED, signal=9, out_of_memory=True), "more than 512 MiB"),
        (PluginAnswers(Outcome.TIMEOUT, stdout="connecting\n", seconds=27.0), "within 27 s and was killed with all"),
        (PluginAnswers(Outcome.TIMEOUT, stdout="OK - fine\n", seconds=27.0), "OK - fine"),
        (PluginAnswers(Outcome.OUTPUT, printed=16 << 20), "more than 16 MiB"),
        (PluginAnswers(Outcome.PROCESSES), "more than 32 processes"),
        (PluginAnswers(Outcome.REFUSED, why="No such file or directory"), "cannot be executed: No such file"),
    ],
    ids=str,
)
def test_what_cannot_be_taken_for_an_answer_is_unknown(answers, words):
    (finding,) = judged(answers).findings

    assert finding.state is State.UNKNOWN
    assert words in finding.summary


def test_bad_news_without_text_stays_bad_and_shows_what_went_to_stderr():
    (finding,) = judged(exited(2, "", "cannot connect")).findings

    assert finding.state is State.CRITICAL
    assert "cannot connect" in finding.summary


def test_performance_data_become_readings():
    assessment = judged(
        exited(0, "OK | time=12ms;100;200 in=5c;; '/our files'=40%;@80:90;95 t=5C;2:;~:9 x=U\n", seconds=0.5)
    )

    assert values(assessment) == {
        ("run_seconds", "backup-disk"): 0.5,
        ("cpu_seconds", "backup-disk"): 0.0,
        ("value", "backup-disk", "time", "seconds"): 0.012,
        ("threshold", "backup-disk", "time", "seconds", "warning", "upper"): 0.1,
        ("threshold", "backup-disk", "time", "seconds", "critical", "upper"): 0.2,
        ("count_total", "backup-disk", "in"): 5.0,
        ("value", "backup-disk", "/our files", "ratio"): 0.4,
        ("threshold", "backup-disk", "/our files", "ratio", "critical", "upper"): pytest.approx(0.95),
        ("value", "backup-disk", "t", "C"): 5.0,
        ("threshold", "backup-disk", "t", "C", "warning", "lower"): 2.0,
        ("threshold", "backup-disk", "t", "C", "critical", "upper"): 9.0,
    }


def test_performance_data_of_a_run_that_counts_for_nothing_are_not_read():
    assessment = judged(exited(42, "OK | a=1"))

    assert {name for name, *_ in values(assessment)} == {"run_seconds", "cpu_seconds"}


def test_long_texts_are_cut():
    (finding,) = judged(exited(1, "x" * 5_000 + "\n" + "y" * 50_000, "z" * 50_000)).findings

    assert len(finding.summary) == 300
    assert {name: len(text) for name, text in finding.evidence.items()} == {
        "exit_status": 1,
        "output": 2_000,
        "stderr": 2_000,
    }


@pytest.mark.parametrize(
    ("proves", "status", "reached"), [(False, 0, None), (True, 0, True), (True, 1, True), (True, 2, None)]
)
async def test_only_where_the_estate_says_so_success_proves_that_the_target_was_reached(
    monkeypatch, folder, proves, status, reached
):
    install(folder, "it", f"echo said; exit {status}")
    monkeypatch.setenv("RIDGEWAY_PLUGINS", str(folder))

    observation = await asked(CHECK, PluginOptions(plugin="it", proves_target=proves), "127.0.0.1", 20)

    assert observation.answers.reached is reached


@pytest.mark.acceptance
async def test_the_targets_address_and_name_are_filled_in_and_nothing_else_is(monkeypatch, folder):
    install(folder, "it", 'echo "$1 $2 $3"')

    assessment = await run(monkeypatch, folder, arguments=["{address}", "{name}:x", "$(id) %s {0}"])

    assert assessment.findings[0].summary == "127.0.0.1 fw-a:x $(id) %s {0}"


@pytest.mark.acceptance
async def test_a_secret_is_a_variable_and_never_shown(monkeypatch, folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter22\n")
    secret.chmod(0o600)
    install(folder, "it", 'echo "logged in with $TOKEN | $TOKEN=1"; echo "$TOKEN" >&2; cat /proc/$$/cmdline')

    assessment = await run(monkeypatch, folder, secrets={"TOKEN": f"file:{secret}"})

    assert assessment.findings[0].summary == "logged in with [secret]"
    assert "hunter22" not in repr(assessment)


@pytest.mark.acceptance
async def test_a_secret_at_the_cut_of_a_long_output_is_not_shown_in_part(monkeypatch, folder):
    monkeypatch.setenv("THE_TOKEN", "hunter22hunter22")
    install(folder, "it", 'head -c 65530 /dev/zero | tr "\\0" x; echo "$TOKEN"')

    chosen = PluginOptions(plugin="it", secrets={"TOKEN": "env:THE_TOKEN"})
    monkeypatch.setenv("RIDGEWAY_PLUGINS", str(folder))
    observation = await asked(CHECK, chosen, "127.0.0.1", 20)

    assert observation.answers.stdout.endswith("xxx[secret]")


@pytest.mark.acceptance
async def test_a_secret_in_an_argument_stops_the_run(monkeypatch, folder):
    monkeypatch.setenv("THE_TOKEN", "hunter22")
    install(folder, "it", "exit 0")

    observation = await run(
        monkeypatch, folder, arguments=["--login", "me:hunter22"], secrets={"TOKEN": "env:THE_TOKEN"}
    )

    assert observation.fault.reason is Reason.LOCAL
    assert "an argument holds the secret TOKEN" in observation.fault.message
    assert "hunter22" not in observation.fault.message


@pytest.mark.acceptance
async def test_a_secret_that_is_not_there_is_a_local_fault(monkeypatch, folder):
    install(folder, "it", "exit 0")

    observation = await run(monkeypatch, folder, secrets={"TOKEN": "env:NOBODY_SET_THIS"})

    assert (observation.fault.reason, observation.fault.condition) == (Reason.LOCAL, "plugin/local")
    assert "NOBODY_SET_THIS" in observation.fault.message


@pytest.mark.acceptance
async def test_a_plug_in_that_may_not_run_is_a_local_fault_and_says_nothing_of_the_target(monkeypatch, folder):
    install(folder, "it", "exit 0").chmod(0o777)

    observation = await run(monkeypatch, folder)

    assert (observation.fault.reason, observation.fault.reached) == (Reason.LOCAL, None)
    assert "chmod go-w" in observation.fault.message


OCTETS = "".join(f"\\{number:03o}" for number in (*range(9), *range(11, 256)))
HOSTILE = {
    "hangs": ("sleep 600", "did not end within"),
    "ignores-term": ("trap '' TERM; while :; do sleep 600; done", "did not end within"),
    "binary": (f"printf 'a\\011{OCTETS}'; exit 42", "status 42"),
    "escape": ("printf '\\033[2J\\033]0;owned\\007'; exit 0", "without a word"),
    "suicide": ("kill -9 $$", "signal 9"),
    "silent": ("exec >&- 2>&-; sleep 600", "did not end within"),
}


@pytest.mark.acceptance
@pytest.mark.parametrize(("body", "words"), list(HOSTILE.values()), ids=list(HOSTILE))
async def test_a_hostile_plug_in_is_unknown_and_its_text_harmless(monkeypatch, folder, body, words):
    install(folder, "it", body)

    assessment = await run(monkeypatch, folder, timeout=0.8)

    (finding,) = assessment.findings
    assert finding.state is State.UNKNOWN
    assert words in finding.summary
    assert finding.summary.isprintable()


async def test_an_observation_travels_as_json(monkeypatch, folder):
    install(folder, "it", "printf 'a\\377\\000 | b=1'; kill -9 $$")
    monkeypatch.setenv("RIDGEWAY_PLUGINS", str(folder))
    codec = TypeAdapter(PluginAnswers)

    observation = await asked(CHECK, PluginOptions(plugin="it"), "127.0.0.1", 20)

    assert codec.validate_json(codec.dump_json(observation.answers)) == observation.answers


@pytest.mark.acceptance
async def test_ten_megabytes_and_a_daemon_left_behind_do_not_spoil_an_honest_word(monkeypatch, folder):
    install(
        folder, "it",
        'import os, time\nprint("WARNING - too long | a=1")\nprint("x" * 10_000_000, flush=True)\n'
        "if os.fork() == 0: os.setsid(); time.sleep(600)\nos._exit(1)", PYTHON,
    )  # fmt: skip

    assessment = await run(monkeypatch, folder)

    (finding,) = assessment.findings
    assert (finding.state, finding.summary) == (State.WARNING, "WARNING - too long")
    assert finding.evidence["left_behind"].startswith("1 processes")
    assert values(assessment)["value", "it", "a", ""] == 1.0


@pytest.mark.acceptance
async def test_the_plug_ins_of_debian_run_as_they_are(monkeypatch):
    folder = need("check_dummy").parent

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    closed = str(free_port())
    found = {}
    for name, *arguments in (
        ("check_dummy", "1", "by order"),
        ("check_load", "-w", "9000,9000,9000", "-c", "9999,9999,9999"),
        ("check_disk", "-w", "0%", "-c", "0%", "-p", "/"),
        ("check_http", "-H", "{address}", "-p", port),
        ("check_tcp", "-H", "{address}", "-p", closed),
        ("check_procs", "-w", "100000"),
    ):
        found[name] = await run(monkeypatch, folder, plugin=name, arguments=arguments)
    server.close()
    await server.wait_closed()

    assert {name: assessment.findings[0].state.value for name, assessment in found.items()} == {
        "check_dummy": "warning",
        "check_load": "ok",
        "check_disk": "ok",
        "check_http": "ok",
        "check_tcp": "critical",
        "check_procs": "ok",
    }
    assert {("value", "it", f"load{n}", "") for n in (1, 5, 15)} <= values(found["check_load"]).keys()
    assert values(found["check_load"])["threshold", "it", "load1", "", "warning", "upper"] == 9000
    assert values(found["check_disk"])["value", "it", "/", "bytes"] > 0
    assert values(found["check_http"])["value", "it", "size", "bytes"] > 0
    assert values(found["check_http"])["value", "it", "time", "seconds"] > 0


@pytest.mark.acceptance
async def test_one_launcher_serves_all_checks_of_an_agent(monkeypatch, folder):
    install(folder, "it", "echo $PPID; exit 0")
    monkeypatch.setenv("RIDGEWAY_PLUGINS", str(folder))
    transports = Transports.open()
    target = Target("fw-a", "127.0.0.1", "dacorum", "forum", ("here",), ())
    context = Context("here", transports, time.time, asyncio.get_running_loop().time() + 20)

    seen = await asyncio.gather(*(CHECK.collect(target, PluginOptions(plugin="it"), context) for _ in range(5)))
    await transports.close()

    assert {each.answers.status for each in seen} == {0}
    assert len({each.answers.stdout for each in seen}) == 5


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"plugin": "/bin/sh"},
        {"plugin": "../check_it"},
        {"plugin": "check it"},
        {"plugin": "it", "arguments": "-w 5"},
        {"plugin": "it", "arguments": ["a\0b"]},
        {"plugin": "it", "arguments": ["{adress}"]},
        {"plugin": "it", "arguments": ["--password=hunter22"]},
        {"plugin": "it", "arguments": ["--password", "hunter22"]},
        {"plugin": "it", "arguments": ["--community=public"]},
        {"plugin": "it", "arguments": ["--api-key=abc"]},
        {"plugin": "it", "arguments": ["file:/etc/ridgeway/token"]},
        {"plugin": "it", "arguments": ["--auth=env:TOKEN"]},
        {"plugin": "it", "secrets": {"TOKEN": "hunter22"}},
        {"plugin": "it", "secrets": {"PATH": "env:TOKEN"}},
        {"plugin": "it", "secrets": {"LD_PRELOAD": "env:TOKEN"}},
        {"plugin": "it", "secrets": {"BASH_ENV": "env:TOKEN"}},
        {"plugin": "it", "secrets": {"token": "env:TOKEN"}},
        {"plugin": "it", "memory_mib": 1},
        {"plugin": "it", "shell": True},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError) as caught:
        PluginOptions(**options)
    messages = " ".join(error["msg"] for error in caught.value.errors())
    assert "hunter22" not in messages
