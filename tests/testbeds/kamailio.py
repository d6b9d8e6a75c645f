"""A real Kamailio on loopback: it answers OPTIONS by the user that is asked, and is a registrar with digest."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbeds.peers import free_port, need, wait_until
from testbeds.registrar import PASSWORD

_SCRIPT = """
debug=0
log_stderror=yes
fork=no
children=1
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "algorithm", "{algorithm}")
request_route {{
    if (is_method("REGISTER")) {{ route(REGISTER); exit; }}
    if (!is_method("OPTIONS")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    if ($rU == "busy") {{ sl_send_reply("486", "Busy Here"); exit; }}
    if ($rU == "guarded") {{
        append_to_reply("WWW-Authenticate: Digest realm=\\"test\\", nonce=\\"n\\"\\r\\n");
        sl_send_reply("401", "Unauthorized");
        exit;
    }}
    if ($rU == "maintenance") {{
        append_to_reply("Retry-After: 30\\r\\n");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }}
    if ($rU == "moved") {{
        append_to_reply("Contact: <sip:other@192.0.2.1>\\r\\n");
        sl_send_reply("302", "Moved Temporarily");
        exit;
    }}
    if ($rU == "silent") {{ exit; }}
    sl_send_reply("200", "Keepalive");
    exit;
}}
route[REGISTER] {{
    if ($tU == "maintenance") {{
        append_to_reply("Retry-After: 30\\r\\n");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }}
    if ($tU == "moved") {{
        append_to_reply("Contact: <sip:other@192.0.2.1>\\r\\n");
        sl_send_reply("302", "Moved Temporarily");
        exit;
    }}
    if ($tU == "proxied" && !pv_proxy_authenticate("$td", "{password}", "0")) {{
        proxy_challenge("$td", "0");
        exit;
    }}
    if ($tU != "proxied" && !pv_www_authenticate("$td", "{password}", "0")) {{
        www_challenge("$td", "0");
        exit;
    }}
    if ($tU == "brief" && $hdr(Expires) == "60") {{
        append_to_reply("Min-Expires: 90\\r\\n");
        sl_send_reply("423", "Interval Too Brief");
        exit;
    }}
    save("location");
}}
"""


@dataclass(slots=True)
class Kamailio:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int

    def stop(self) -> None:
        """From now on nobody listens there."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running(folder: Path, algorithm: str = "MD5", script: str = _SCRIPT, **more: int) -> Iterator[Kamailio]:
    """A server whose configuration lies in `folder`; it takes any extension with `PASSWORD`, by that digest.

    `script` is another one than the registrar's, and `more` what it names in braces.
    """
    program = need("kamailio")
    port = free_port()
    path = folder / "kamailio.cfg"
    path.write_text(script.format(port=port, algorithm=algorithm, password=PASSWORD, **more))
    command = [str(program), "-f", str(path), "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Kamailio(process, port)
    try:
        wait_until(lambda: process.poll() is not None or _listens(port), "Kamailio listens")
        assert process.poll() is None
        yield server
    finally:
        server.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
