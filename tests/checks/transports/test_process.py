"""Programs under limits: which may run, what they get, and that nothing of them is left whatever they do."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.process import Outcome, ProcessTransport, Program
from checks.transports.process.programs import DIRECTORIES, directories, find
from testbeds.peers import need
from testbeds.plugins import PYTHON, alive, install, pids

pytestmark = pytest.mark.acceptance
ROOT = os.geteuid() == 0


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "plugins"


@pytest.fixture
async def transport(folder):
    made = ProcessTransport((folder,))
    yield made
    await made.close()


async def _run(transport, name="it", *arguments, timeout=20.0, **more):
    program = Program(name, arguments, **more)
    return await transport.run(program, asyncio.get_running_loop().time() + timeout)


async def _until(condition, what="it happens"):
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


async def test_what_a_program_says_and_how_it_ends_is_told(transport, folder):
    install(folder, "it", "echo out; echo err >&2; exit 2")

    ended = await _run(transport)

    assert (ended.outcome, ended.status, ended.stdout, ended.stderr) == (Outcome.EXITED, 2, "out\n", "err\n")
    assert (ended.left_behind, ended.printed) == (0, 8)
    assert ended.seconds > 0
    assert ended.cpu_seconds > 0


async def test_a_program_gets_arguments_as_they_are_and_a_clean_world(transport, folder, monkeypatch):
    monkeypatch.setenv("RT_TOKEN", "hunter2")
    body = """
    import json, os, sys, signal
    print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), sys.stdin.read(),
        sorted(os.listdir("/proc/self/fd")), os.getsid(0) == os.getpid(), os.nice(0),
        [n for n in range(1, 65) if n not in (9, 19, 32, 33) and signal.getsignal(n) == signal.SIG_IGN
            and n not in (signal.SIGPIPE, signal.SIGXFSZ)]]))
    """
    install(folder, "it", body, PYTHON)

    ended = await _run(transport, "it", "$HOME `id`", "a b", "", environment={"KEY": "value"})

    arguments, environment, folder_, stdin, descriptors, leads, nice, ignored = json.loads(ended.stdout)
    assert arguments == ["$HOME `id`", "a b", ""]
    assert environment.keys() - {"LC_CTYPE"} == {"PATH", "LC_ALL", "LANG", "HOME", "KEY"}
    assert (folder_, stdin, leads, ignored) == ("/", "", True, [])
    assert descriptors == ["0", "1", "2", "3"]  # the last is the listing itself
    assert nice >= 5


async def test_a_program_that_hangs_is_ended_with_all_its_children(transport, folder, tmp_path):
    noted = tmp_path / "pids"
    install(
        folder, "it", f"trap '' TERM INT HUP; echo begun; echo $$ >>{noted}; sleep 600 & echo $! >>{noted}; wait; wait"
    )

    ended = await _run(transport, timeout=0.6)

    assert (ended.outcome, ended.status, ended.stdout) == (Outcome.TIMEOUT, None, "begun\n")
    assert len(pids(noted)) == 2
    assert not any(alive(pid) for pid in pids(noted))


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        open({noted!r}, "a").write(f"{{os.getpid()}}\\n")
        time.sleep(600)
    os._exit(0)
while not os.path.exists({noted!r}): time.sleep(0.01)
print("started a daemon")
"""


@pytest.mark.parametrize("hangs", [False, True], ids=["exits", "hangs"])
async def test_a_daemon_that_left_session_and_parent_is_ended_too(transport, folder, tmp_path, hangs):
    noted = tmp_path / "pids"
    install(
        folder, "it", DAEMON.format(noted=str(noted)) + ("sys.stdout.flush(); time.sleep(600)" if hangs else ""), PYTHON
    )

    ended = await _run(transport, timeout=1.5 if hangs else 20.0)

    assert ended.stdout == "started a daemon\n"
    assert (ended.outcome, ended.left_behind) == ((Outcome.TIMEOUT, 0) if hangs else (Outcome.EXITED, 1))
    (daemon,) = pids(noted)
    assert not alive(daemon)


async def test_of_ten_megabytes_64_kib_are_kept(transport, folder):
    install(folder, "it", "head -c 10000000 /dev/zero | tr '\\0' 'x'; exit 1")

    ended = await _run(transport)

    assert (ended.outcome, ended.status, ended.printed) == (Outcome.EXITED, 1, 10_000_000)
    assert ended.stdout == "x" * 65_536


async def test_a_program_that_prints_without_end_is_ended(transport, folder):
    install(folder, "it", "yes")

    ended = await _run(transport)

    assert ended.outcome is Outcome.OUTPUT


async def test_octets_that_are_no_text_come_as_text(transport, folder):
    install(folder, "it", "printf 'a\\377\\000\\033[31mb'")

    ended = await _run(transport)

    assert ended.stdout == "a\N{REPLACEMENT CHARACTER}\0\x1b[31mb"


async def test_a_program_that_closes_its_output_and_goes_on_is_waited_for_until_the_deadline(transport, folder):
    install(folder, "it", "echo hello; exec >&- 2>&-; sleep 600")

    ended = await _run(transport, timeout=0.6)

    assert (ended.outcome, ended.stdout) == (Outcome.TIMEOUT, "hello\n")


async def test_a_program_that_is_killed_says_by_which_signal(transport, folder):
    install(folder, "it", "kill -SEGV $$")

    ended = await _run(transport)

    assert (ended.outcome, ended.status, ended.signal) == (Outcome.KILLED, None, signal.SIGSEGV)


async def test_memory_is_bounded(transport, folder):
    install(folder, "it", "print(len(bytearray(400 << 20)))", PYTHON)

    bounded = await _run(transport, memory=128 << 20)
    enough = await _run(transport, memory=1024 << 20)

    assert bounded.status == 1
    assert "MemoryError" in bounded.stderr
    assert enough.stdout == f"{400 << 20}\n"


async def test_files_are_bounded(transport, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("checks.transports.process.transport.FILE", 100_000)
    install(folder, "it", f"exec head -c 1000000 /dev/zero >{tmp_path}/big")

    ended = await _run(transport)

    assert (tmp_path / "big").stat().st_size == 100_000
    assert ended.status != 0


BOMB = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
open({noted!r}, "a").write(f"{{os.getpid()}}\\n")
time.sleep(600)
"""


@pytest.mark.skipif(not ROOT, reason="root's processes are counted, those of others limited")
async def test_a_fork_bomb_is_counted_and_ended_whole(transport, folder, tmp_path):
    noted = tmp_path / "pids"
    install(folder, "it", BOMB.format(noted=str(noted)), PYTHON)

    ended = await _run(transport, processes=16)

    assert ended.outcome is Outcome.PROCESSES
    assert not any(alive(pid) for pid in pids(noted))


async def test_limits_are_set_and_cannot_be_raised(transport, folder):
    install(folder, "it", "ulimit -H -u; ulimit -S -u; ulimit -H -c; ulimit -H -n; ulimit -H -t", "#!/bin/bash\n")

    ended = await _run(transport, processes=10, timeout=20)

    hard, soft, core, files, seconds = ended.stdout.split()
    assert hard == soft
    assert 266 <= int(soft) < 100_000
    assert (core, files, seconds) == ("0", "1024", "18")


async def test_fifty_at_once_all_answer_and_no_more_run_than_there_are_places(folder, tmp_path):
    install(
        folder,
        "it",
        f"mkdir {tmp_path}/now.$$; ls -d {tmp_path}/now.* | wc -l; sleep 0.05; rmdir {tmp_path}/now.$$; exit $1",
    )
    transport = ProcessTransport((folder,), places=8)

    ended = await asyncio.gather(*(_run(transport, "it", str(n % 4)) for n in range(50)))
    await transport.close()

    assert [each.status for each in ended] == [n % 4 for n in range(50)]
    assert max(int(each.stdout) for each in ended) <= 8


async def test_no_place_in_time_is_a_local_fault(folder):
    install(folder, "it", "sleep 600")
    transport = ProcessTransport((folder,), places=1)

    first = asyncio.create_task(_run(transport, timeout=30))
    await asyncio.sleep(0)
    with pytest.raises(TransportFault) as caught:
        await _run(transport, timeout=0.1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await transport.close()

    assert caught.value.reason is Reason.LOCAL
    assert "no place in time" in caught.value.message


async def test_a_run_that_is_cancelled_is_ended(transport, folder, tmp_path):
    noted = tmp_path / "pids"
    install(folder, "it", f"echo $$ >>{noted}; exec sleep 600")

    task = asyncio.create_task(_run(transport, timeout=60))
    await _until(lambda: pids(noted))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await _until(lambda: not alive(pids(noted)[0]))


async def test_the_end_of_the_transport_ends_what_runs(transport, folder, tmp_path):
    noted = tmp_path / "pids"
    install(folder, "it", f"echo $$ >>{noted}; exec sleep 600")
    task = asyncio.create_task(_run(transport, timeout=60))
    await _until(lambda: pids(noted))

    launcher = transport._launcher.pid
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await transport.close()
    await transport.close()

    assert not alive(launcher)
    assert not alive(pids(noted)[0])
    with pytest.raises(TransportFault, match="the agent is ending"):
        await _run(transport)


async def test_a_launcher_that_is_killed_takes_its_runs_along_and_is_started_again(transport, folder, tmp_path):
    noted = tmp_path / "pids"
    install(folder, "it", f"echo $$ >>{noted}; exec sleep 600")
    install(folder, "next", "echo fine")
    task = asyncio.create_task(_run(transport, timeout=60))
    await _until(lambda: pids(noted))

    transport._launcher.kill()
    with pytest.raises(TransportFault) as caught:
        await task
    after = await _run(transport, "next")

    assert caught.value.reason is Reason.LOCAL
    assert after.stdout == "fine\n"
    await _until(lambda: not alive(pids(noted)[0]))


async def test_runs_that_are_being_ended_are_ended_even_if_the_launcher_is_killed_meanwhile(
    transport, folder, tmp_path
):
    noted = tmp_path / "pids"
    install(folder, "it", f"echo $$ >>{noted}; setsid -f sh -c 'echo $$ >>{noted}; exec sleep 600'; sleep 600")
    tasks = [asyncio.create_task(_run(transport, timeout=60)) for _ in range(12)]
    await _until(lambda: len(pids(noted)) == 24)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    transport._launcher.kill()

    await _until(lambda: not any(alive(pid) for pid in pids(noted)))


async def test_many_that_hang_at_once_are_all_ended_in_time(folder):
    install(folder, "it", "exec sleep 600")
    transport = ProcessTransport((folder,), places=24)

    ended = await asyncio.gather(*(_run(transport, timeout=3) for _ in range(24)))
    await transport.close()

    assert {each.outcome for each in ended} == {Outcome.TIMEOUT}


async def test_a_program_that_kills_its_keeper_is_ended_by_the_launcher(transport, folder, tmp_path):
    noted = tmp_path / "pids"
    install(folder, "it", f"echo $$ >>{noted}; kill -KILL $PPID; sleep 600")

    with pytest.raises(TransportFault) as caught:
        await _run(transport, timeout=20)

    assert "ended from outside" in caught.value.message
    await _until(lambda: not alive(pids(noted)[0]))


def test_nothing_outlives_an_agent_that_is_killed(folder, tmp_path):
    noted = tmp_path / "pids"
    install(folder, "it", DAEMON.format(noted=str(noted)) + "sys.stdout.flush(); time.sleep(600)", PYTHON)
    code = f"""
    import asyncio
    from pathlib import Path
    from checks.transports.process import *
    async def main():
        transport = ProcessTransport((Path({str(folder)!r}),))
        await transport.run(Program("it"), asyncio.get_running_loop().time() + 60)
    asyncio.run(main())
    """
    agent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    try:
        _wait(lambda: pids(noted))
    finally:
        agent.kill()
        agent.wait()

    (daemon,) = pids(noted)
    _wait(lambda: not alive(daemon))


def _wait(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


async def test_a_program_whose_interpreter_is_missing_is_refused_with_the_systems_words(transport, folder):
    install(folder, "it", "", "#!/nowhere/perl\n")

    ended = await _run(transport)

    assert (ended.outcome, ended.why) == (Outcome.REFUSED, "No such file or directory")


async def test_a_file_that_is_no_program_is_refused(transport, folder):
    install(folder, "it", "\1\2\3", "")

    ended = await _run(transport)

    assert (ended.outcome, ended.why) == (Outcome.REFUSED, "Exec format error")


def test_the_directories_are_those_of_the_environment_or_the_usual_ones():
    assert directories("/a:/b/c::relative") == (Path("/a"), Path("/b/c"))
    assert directories("") == ()
    assert [str(each) for each in directories(None)] == list(DIRECTORIES)


@pytest.mark.parametrize("name", ["", "../it", "/bin/sh", "a/b", ".", "..", "-rf", "a b", "it\n", "x" * 101])
def test_only_plain_names_are_looked_for(folder, name):
    install(folder, "it", "")

    with pytest.raises(TransportFault, match="plain name"):
        find(name, (folder,))


def test_a_program_that_is_nowhere_is_refused_with_where_was_looked(folder):
    with pytest.raises(TransportFault) as caught:
        find("check_it", (folder, Path("/nowhere")))

    assert f"{folder}:/nowhere" in caught.value.message
    assert "RIDGEWAY_PLUGINS" in caught.value.message


def _writable_by_others(path):
    path.chmod(0o757)


def _writable_by_its_group(path):
    path.chmod(0o775)


def _folder_writable(path):
    path.parent.chmod(0o777)


def _parent_writable(path):
    path.parent.parent.chmod(0o777)


def _not_executable(path):
    path.chmod(0o644)


def _a_folder(path):
    path.unlink()
    path.mkdir()


def _link_out(path):
    path.unlink()
    path.symlink_to("/bin/sh")


def _link_to_nothing(path):
    path.unlink()
    path.symlink_to("nothing")


def _of_a_stranger(path):
    if not ROOT:
        pytest.skip("only root can give files away")
    os.chown(path, 12345, -1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_writable_by_others, "every user"),
        (_writable_by_its_group, "its group"),
        (_folder_writable, "every user"),
        (_parent_writable, "every user"),
        (_not_executable, "not executable"),
        (_a_folder, "not a file"),
        (_link_out, "outside the plug-in directories"),
        (_link_to_nothing, "cannot be looked at"),
        (_of_a_stranger, "belongs to user 12345"),
    ],
)
def test_a_program_that_others_could_have_made_is_refused(folder, spoil, words):
    path = install(folder, "it", "exit 0")
    assert find("it", (folder,)) == path

    spoil(path)

    with pytest.raises(TransportFault) as caught:
        find("it", (folder,))
    assert caught.value.reason is Reason.LOCAL
    assert words in caught.value.message


def test_a_link_to_another_allowed_program_is_run_by_its_own_name(folder):
    install(folder, "check_tcp", "")
    (folder / "check_ftp").symlink_to("check_tcp")

    assert find("check_ftp", (folder,)) == folder / "check_ftp"


def _unified() -> Path | None:
    """A cgroup (v2) of this process's own user in which others can be made."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line and os.access(line.split()[4], os.W_OK) and ROOT:
            return Path(line.split()[4])
    return None


SLICED = """
import asyncio, json, os, sys
from pathlib import Path
from checks.transports.process import *
place, folder = Path(sys.argv[1]), Path(sys.argv[2])
(place / "cgroup.procs").write_text("0")
async def main():
    transport = ProcessTransport((folder,))
    until = asyncio.get_running_loop().time()
    told = await transport.run(Program("where"), until + 20)
    hung = await transport.run(Program("hang"), asyncio.get_running_loop().time() + 1)
    left = [each.name for each in (place / "plugins").iterdir() if each.is_dir()]
    await transport.close()
    return [transport.sliced, told.stdout, hung.outcome.value, left, Path("/proc/self/cgroup").read_text()]
print(json.dumps(asyncio.run(main())))
"""


@pytest.mark.skipif(_unified() is None, reason="no cgroup (v2) can be made here")
def test_where_a_cgroup_is_delegated_each_run_has_its_own(folder, tmp_path):
    noted = tmp_path / "pids"
    place = _unified() / f"ridgeway-test-{os.getpid()}"
    install(folder, "where", "cat /proc/self/cgroup")
    install(folder, "hang", DAEMON.format(noted=str(noted)) + "sys.stdout.flush(); time.sleep(600)", PYTHON)
    place.mkdir()
    try:
        os.setxattr(place, "user.delegate", b"1")
        said = subprocess.run(
            [sys.executable, "-c", SLICED, str(place), str(folder)], capture_output=True, text=True, timeout=60
        )
        assert said.returncode == 0, said.stderr
        sliced, told, outcome, left, agent = json.loads(said.stdout)
    finally:
        for each in sorted(place.rglob("*"), reverse=True):
            if each.is_dir():
                each.rmdir()
        place.rmdir()

    assert sliced is True
    assert f"0::/{place.name}/plugins/run-" in told
    assert f"0::/{place.name}/agent" in agent
    assert (outcome, left) == ("timeout", [])
    assert not any(alive(pid) for pid in pids(noted))


async def test_the_launcher_can_be_run_by_the_plug_ins_of_debian():
    transport = ProcessTransport((need("check_dummy").parent,))

    ended = await _run(transport, "check_dummy", "2", "by order")
    await transport.close()

    assert (ended.status, ended.stdout) == (2, "CRITICAL: by order\n")
