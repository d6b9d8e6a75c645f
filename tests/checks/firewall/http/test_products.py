"""Every product that is read over HTTPS: its log-in, its questions and no others, its sessions closed, what it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import unquote

import pytest

from checks.contract import Reason
from checks.firewall.http import gaia, stormshield
from checks.transports import Transports
from config.profiles import SHIPPED, load, names
from config.profiles.asks import Way
from config.profiles.log_ins import Login, only_reads
from testbeds.by_api import Watch
from testbeds.firewall_api import HANGS_UP, PASSWORD, TOKEN, Answer, FirewallApi, firewall_api

PROFILES = [
    name
    for name in names((SHIPPED,))
    if load(name, (SHIPPED,)).way is Way.HTTP and load(name, (SHIPPED,)).firewall is not None
]
SESSIONS = [name for name in PROFILES if load(name, (SHIPPED,)).asks.http.login.value.endswith("session")]  # type: ignore[union-attr]
ROLES = {
    "firewall/fortigate-http": ("fw-1", "active"), "firewall/panos-http": ("self", "active"),
    "firewall/opnsense-http": ("self", "active"), "firewall/pfsense-http": ("self", "active"),
    "firewall/gaia-http": ("gw-1", "active"), "firewall/stormshield-http": ("SN310A00000001", "active"),
}  # fmt: skip


def allowed(api: FirewallApi) -> set[tuple[str, str]]:
    """Everything that may be asked of a firewall: the profile's questions, and its log-in and log-out."""
    by_session = {
        Login.GAIA_SESSION: {f"POST {gaia.LOG_IN}", f"POST {gaia.LOG_OUT}"},
        Login.STORMSHIELD_SESSION: {
            f"POST {stormshield.LOG_IN}", f"POST {stormshield.SESSION}", f"GET {stormshield.LOG_OUT}",
        },
    }  # fmt: skip
    asked = {asked for question in api.asks.questions.values() for asked in question.asked}
    return {tuple(unquote(one).split(" ", 1)) for one in asked | by_session.get(api.asks.login, set())}  # type: ignore[misc]


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_firewall_is_read_whole_and_nothing_beyond_its_profile_is_asked(
    profile: str, transports: Transports
) -> None:
    async with firewall_api(profile) as api:
        said = await Watch(api, transports).said()

        assert said.fault is None and not said.part.not_understood
        assert said.bad == {}
        asked = {(one.method, one.path.partition("sessionid=")[0].rstrip("&?")) for one in api.asked}
        assert asked <= allowed(api) and not api.beyond
        assert api.most_at_once == 1 and api.open_connections == 0 and not api.sessions
        assert api.opened == api.closed
        if profile in ROLES:
            assert said.value("firewall_ha_role", *ROLES[profile]) == 1.0


@pytest.mark.parametrize("profile", PROFILES)
async def test_secrets_stand_in_no_url_and_in_nothing_that_is_kept(profile: str, transports: Transports) -> None:
    async with firewall_api(profile) as api:
        said = await Watch(api, transports).said()

        assert all(TOKEN not in one.path and PASSWORD not in one.path for one in api.asked)
        kept = f"{said.observation!r} {said.assessment!r}"
        assert TOKEN not in kept and PASSWORD not in kept and "session-0" not in kept


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_refused_credential_is_one_cause_and_is_not_tried_until_the_account_is_locked(
    profile: str, transports: Transports
) -> None:
    async with firewall_api(profile) as api:
        watch = Watch(api, transports, secret="another one")
        faults = [(await watch.said()).fault for _ in range(4)]

        reasons = [fault.reason for fault in faults if fault is not None]
        assert reasons == [Reason.AUTHENTICATION, Reason.WITHHELD, Reason.WITHHELD, Reason.WITHHELD]
        assert {fault.condition for fault in faults if fault is not None} == {"credential/api"}
        assert len(api.asked) == 1


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_reading_has_connections_of_its_own(profile: str, transports: Transports) -> None:
    async with firewall_api(profile) as api:
        watch = Watch(api, transports)
        await watch.said()
        first = api.connections
        watch.now += 60
        await watch.said()

        assert api.connections > first and api.open_connections == 0
        assert len(api.asked) == api.connections


@pytest.mark.parametrize("profile", SESSIONS)
async def test_a_session_is_closed_when_the_reading_fails_in_its_middle(profile: str, transports: Transports) -> None:
    async with firewall_api(profile) as api:
        for name in api.answers:
            api.answers[name] = Answer(b"", status=HANGS_UP)
        said = await Watch(api, transports).said()

        assert said.fault is not None
        assert (api.opened, api.closed) == (1, 1)


@pytest.mark.parametrize("profile", SESSIONS)
async def test_a_session_is_closed_when_the_run_is_cancelled(profile: str, transports: Transports) -> None:
    async with firewall_api(profile) as api:
        for name, answer in api.answers.items():
            api.answers[name] = replace(answer, delay=60.0)
        run = asyncio.ensure_future(Watch(api, transports).said())
        while not api.sessions:
            await asyncio.sleep(0.01)
        run.cancel()
        await asyncio.wait([run])

        assert run.cancelled()
        assert (api.opened, api.closed) == (1, 1)


async def test_an_account_that_could_change_a_stormshield_is_not_used(transports: Transports) -> None:
    async with firewall_api("firewall/stormshield-http") as api:
        api.level = "modify,base"
        said = await Watch(api, transports).said()

        assert said.fault is not None and said.fault.reason is Reason.FORBIDDEN
        assert "may change the firewall" in said.fault.message
        assert (api.opened, api.closed) == (1, 1)
        assert not any("/api/command" in one.path for one in api.asked)


async def test_checks_of_one_device_read_it_one_after_another(transports: Transports) -> None:
    async with firewall_api("firewall/gaia-http") as api:
        await asyncio.gather(*(Watch(api, transports).said() for _ in range(3)))

        assert api.most_at_once == 1
        assert (api.opened, api.closed) == (3, 3)


async def test_a_gateway_without_a_cluster_is_well(transports: Transports) -> None:
    alone = Answer(b'{"code": "generic_error", "message": "HA module not started."}', 400)
    async with firewall_api("firewall/gaia-http", cluster=alone, members=alone) as api:
        said = await Watch(api, transports).said()

        assert said.bad == {} and not said.part.not_understood
        assert "not in a cluster" in said.words("firewall/member")


@pytest.mark.parametrize(
    ("login", "asked"),
    [
        (Login.BASIC, "GET /api/core/system/reboot"), (Login.BASIC, "GET /api/core/system/halt"),
        (Login.BASIC, "POST /api/core/firmware/status"), (Login.BASIC, "GET /rpc/request-system-reboot"),
        (Login.BASIC, "GET /rpc/get-system-information/../request-reboot"),
        (Login.GAIA_SESSION, "POST /gaia_api/run-reboot"), (Login.GAIA_SESSION, "POST /gaia_api/run-script"),
        (Login.GAIA_SESSION, "POST /gaia_api/set-hostname"), (Login.GAIA_SESSION, "GET /gaia_api/show-version"),
        (Login.PANOS_KEY, "GET /api/?type=op&cmd=<request><restart><system></system></restart></request>"),
        (Login.PANOS_KEY, "GET /api/?type=config&action=set&xpath=/config"),
        (Login.PANOS_KEY, "GET /api/?type=op&cmd=<show><x/></show>&type=config&action=delete&x=</show>"),
        (Login.PANOS_KEY, "GET /api/?type=export&category=configuration"),
        (Login.BEARER, "POST /api/v2/monitor/system/os/reboot"), (Login.BEARER, "GET /logout"),
        (Login.BEARER, "GET /api/v2/monitor/system/config/backup?scope=global"),
        (Login.BEARER, "GET /api/v2/monitor/../../logout"), (Login.BEARER, "GET /api/v2/monitor/%2e%2e/logout"),
        (Login.BEARER, "GET /api/v2/monitor/system/status#x"),
        (Login.BEARER, "GET /api/v2/monitor/system/status?access_token=secret"),
        (Login.STORMSHIELD_SESSION, "GET /api/command?cmd=MODIFY%20ON%20FORCE"),
        (Login.STORMSHIELD_SESSION, "GET /api/command?cmd=SYSTEM%20REBOOT"),
        (Login.STORMSHIELD_SESSION, "GET /api/command?cmd=HA%20INFO%0AHA%20HALT"),
        (Login.PFSENSE_KEY, "POST /api/v2/diagnostics/reboot"), (Login.PFSENSE_KEY, "GET /api/v2/user/keys"),
    ],
)  # fmt: skip
def test_no_profile_can_ask_what_is_not_known_to_read_only(login: Login, asked: str) -> None:
    assert not only_reads(login, asked)
