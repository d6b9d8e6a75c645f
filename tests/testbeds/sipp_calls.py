"""A real sipp as the far end of one call, by a scenario in short. It ends well only if all that it waits for came."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbeds.peers import free_port, need, wait_until

_HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="far end">\n'
_INVITED = """<recv request="INVITE"><action>
<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="1"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="2"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="3"/>
</action></recv>
"""
_SAY = """<send><![CDATA[
SIP/2.0 {status} So
Via:[$1]
From:[$2]
To:[$3]{tag}
[last_Call-ID:]
CSeq: [cseq] {method}
Contact: <sip:5600@127.0.0.1:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

{body}]]></send>
"""
_ANSWER = """<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
_SDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 40000 RTP/AVP 8\n"


def say(status: int, tag: str = "") -> str:
    """An answer to the INVITE."""
    body = _SDP if status == 200 else ""
    return _SAY.format(status=status, tag=f";tag={tag}" if tag else "", method="INVITE", body=body)


def take(*methods: str) -> str:
    """Requests that must come in this order; BYE and CANCEL are answered."""
    return "".join(f'<recv request="{one}"/>\n' + (_ANSWER if one in ("BYE", "CANCEL") else "") for one in methods)


@dataclass(slots=True)
class Sipp:
    """A far end that waits for a call."""

    port: int
    process: subprocess.Popen[bytes]

    def ended_well(self) -> bool:
        """Whether all that the scenario waits for has come; waits for its end."""
        return self.process.wait(40) == 0


@contextlib.contextmanager
def far_end(folder: Path, *steps: str) -> Iterator[Sipp]:
    """A far end that is called, and goes on by these steps."""
    program, port = need("sipp"), free_port(socket.SOCK_DGRAM)
    scenario = folder / "scenario.xml"
    scenario.write_text(_HEAD + _INVITED + "".join(steps) + '<Reference variables="1,2,3"/>\n</scenario>\n')
    command = [str(program), "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-m", "1", "-nostdin",
               "-timeout", "30", "-timeout_error"]  # fmt: skip
    with (folder / "sipp.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or _taken(port), "sipp listens")
        assert process.poll() is None, (folder / "sipp.log").read_text(errors="replace")
        yield Sipp(port, process)
    finally:
        process.kill()
        process.wait()


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
