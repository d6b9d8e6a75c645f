"""How an API is shown who asks, and what can be asked of it that is known to read only.

"Read only" cannot mean "GET only": `GET /api/core/system/reboot` restarts an OPNsense, and Gaia has `run-reboot` beside
`show-version`. So a question of a profile, a profile of one's own included, must be of a form that is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import unquote


class Login(StrEnum):
    """How the device is shown who asks."""

    BEARER = "bearer"
    """`Authorization: Bearer` (RFC 6750): FortiOS."""
    PANOS_KEY = "panos-key"
    """`X-PAN-KEY`."""
    PFSENSE_KEY = "pfsense-key"
    """`X-API-Key`, of pfSense's REST API package."""
    BASIC = "basic"
    """RFC 7617: OPNsense's key and secret, Junos."""
    GAIA_SESSION = "gaia-session"
    """Check Point: `login` gives a session identifier, `logout` ends it."""
    STORMSHIELD_SESSION = "stormshield-session"
    MITEL_STATUS = "mitel-status"
    """The status page of a MiVoice Office 250: it is shown to whoever asks, or by RFC 7617."""


_STRAYS = re.compile(r"\.\.|[#\x00-\x1f\x7f]")
"""What leads to another place than it seems, however it is written: steps upwards, fragments, ends of lines."""
_READING: Mapping[Login, re.Pattern[str]] = {
    # A download of FortiOS is a whole file, with secrets in it.
    Login.BEARER: re.compile(r"GET /api/v2/(monitor|cmdb)/(?!.*(/backup|/download|access_token))[!-~]+"),
    # Operational commands that show something, and the list of licences; never type=config, export or import.
    Login.PANOS_KEY: re.compile(
        r"GET /api/\?type=op&cmd=(<show>[!-%'-~]+</show>|<request><license><info></info></license></request>)"
    ),
    Login.PFSENSE_KEY: re.compile(r"GET /api/v2/(status|system|firewall|services|vpn)/[A-Za-z0-9_/?=&-]+"),
    # Junos: procedures that get something. OPNsense: the last word of the path, before a section, is one of reading.
    Login.BASIC: re.compile(
        r"GET (/rpc/get-[a-z-]+(\?[a-z0-9=&-]+)?|/api/[a-z]+/[a-zA-Z_]+/"
        r"(get|search|status|show|info|list|version|memory|pf_?states|pfStates|system_?[rR]esources)[A-Za-z0-9_]*(/[a-z]+)?)"
    ),
    Login.GAIA_SESSION: re.compile(r"POST /gaia_api/(v[0-9.]+/)?show-[a-z-]+"),
    Login.STORMSHIELD_SESSION: re.compile(
        r"GET /api/command\?cmd=(HA%20INFO|SYSTEM%20(PROPERTY|LICENSE%20DUMP|DATE)|MONITOR%20[A-Z0-9]+(%20[A-Z0-9]+)*)"
    ),
    Login.MITEL_STATUS: re.compile(r"GET /diag_connect\.cgi"),
}


def only_reads(login: Login, asked: str) -> bool:
    """Whether a question, as `GET /path`, is of a form that changes nothing on the product of this log-in."""
    return not _STRAYS.search(unquote(asked)) and _READING[login].fullmatch(asked) is not None
