"""A real Kamailio as a proxy for calls: it asks who calls, records its route, and says where sound goes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from testbeds import kamailio

_SCRIPT = """
debug=0
log_stderror=yes
fork=no
children=1
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "auth.so"
loadmodule "textops.so"
loadmodule "siputils.so"
modparam("auth", "nonce_expire", 300)
modparam("auth", "algorithm", "{algorithm}")
request_route {{
    $du = "sip:127.0.0.1:{far}";
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (!loose_route()) {{
            sl_send_reply("404", "Not by this way");
            exit;
        }}
        $du = "sip:127.0.0.1:{far}";
        t_relay();
        exit;
    }}
    if (!is_method("INVITE")) {{
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }}
    if (!pv_proxy_authenticate("test", "{password}", "0")) {{
        proxy_challenge("test", "0");
        exit;
    }}
    consume_credentials();
    record_route();
    t_on_reply("SOUND");
    t_relay();
}}
onreply_route[SOUND] {{
    if (has_body("application/sdp")) subst_body('/^c=IN IP4 .*$/c=IN IP4 127.0.0.1/');
}}
"""


@contextlib.contextmanager
def running(folder: Path, far: int, algorithm: str = "MD5") -> Iterator[kamailio.Kamailio]:
    """A proxy before the far end at that UDP port of 127.0.0.1; callers prove themselves with `kamailio.PASSWORD`."""
    with kamailio.running(folder, algorithm, _SCRIPT, far=far) as server:
        yield server
