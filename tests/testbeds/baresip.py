"""A real baresip on loopback that answers by itself and echoes what it hears.

It has no terminal, so no `stdio`; and whatever address it is called by, its SDP names the machine's outside one, as
behind a gateway that does not know its own address.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbeds.peers import free_port, need, wait_until

_CONFIG = """\
module_path /usr/lib/baresip/modules
sip_listen 127.0.0.1:{port}
audio_source aubridge,a
audio_player aubridge,a
audio_alert aubridge,b
rtp_ports {rtp}-{last}
module g711.so
module aubridge.so
module_app account.so
module_app echo.so
"""


@dataclass(slots=True)
class Baresip:
    """A running telephone."""

    port: int
    log: Path

    def answered(self) -> int:
        """How many calls it has taken."""
        return self.log.read_text(errors="replace").count("Call established")

    def over(self) -> int:
        """How many calls have ended."""
        return self.log.read_text(errors="replace").count("session closed")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Baresip]:
    """A telephone whose configuration lies in `folder`. At its end every call that it took has been hung up."""
    program = need("baresip")
    port, rtp = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM) // 2 * 2
    (folder / "config").write_text(_CONFIG.format(port=port, rtp=rtp, last=rtp + 40))
    (folder / "accounts").write_text("<sip:5600@127.0.0.1>;regint=0;answermode=auto\n")
    log = folder / "baresip.log"
    with log.open("wb") as written:
        process = subprocess.Popen([str(program), "-f", str(folder)], stdout=written, stderr=written)
    phone = Baresip(port, log)
    try:
        wait_until(lambda: process.poll() is not None or "baresip is ready" in log.read_text(), "baresip is ready")
        assert process.poll() is None, log.read_text()
        yield phone
        wait_until(lambda: phone.over() == phone.answered(), "baresip has no call left")
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
