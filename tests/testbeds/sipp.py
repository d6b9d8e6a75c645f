"""A real sipp that answers as a scenario of its own tells it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from testbeds.peers import free_port, need, wait_until

_HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="test">\n{steps}\n</scenario>\n'
_RESPONSE = (
    "<send><![CDATA[\nSIP/2.0 {status}\n{via}\n{sender}\n[last_To:];tag={tag}\n{call_id}\n[last_CSeq:]\n{more}"
    "Content-Length: 0\n\n]]></send>"
)


def asked(method: str = "OPTIONS", more: str = "") -> str:
    """The step in which a request is waited for."""
    return f'<recv request="{method}"{more}/>'


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def response(
    status: str,
    *more: str,
    tag: str = "sipp",
    via: str = "[last_Via:]",
    sender: str = "[last_From:]",
    call_id: str = "[last_Call-ID:]",
) -> str:
    """The step in which a response is sent; `more` are further header lines."""
    lines = "".join(f"{line}\n" for line in more)
    return _RESPONSE.format(status=status, tag=tag, via=via, sender=sender, call_id=call_id, more=lines)


@contextlib.contextmanager
def playing(folder: Path, *steps: str, tcp: bool = False) -> Iterator[int]:
    """A server that plays these steps with everybody who calls; gives its port."""
    program, port = need("sipp"), free_port(socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    scenario = folder / "scenario.xml"
    scenario.write_text(_HEAD.format(steps="\n".join(steps)))
    command = [
        str(program), "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-t", "t1" if tcp else "u1", "-nostdin",
        "-nr", "-timeout", "60",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or _taken(port, tcp), "sipp listens")
        assert process.poll() is None
        yield port
    finally:
        process.kill()
        process.wait()


def _taken(port: int, tcp: bool) -> bool:
    """Whether somebody has the port: seen without a connection, which would begin the scenario."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
