"""Secrets are planted everywhere in an estate where everything fails, and everything is searched for them."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from agent.demo.devices import SimulatedUser
from testbeds.agent import RIDGEWAY, Agent, Service
from testbeds.canned import CannedServer, canned, http
from testbeds.leaks import leaks, spellings
from testbeds.peers import free_port, wait_until
from testbeds.simulation import FULL, HEALTHY, MEMORY, Desk, Simulation

pytestmark = pytest.mark.acceptance

MARKER = "marker-5d1f"
"""Is planted where it may be seen: what does not find it would not find a secret either."""
SECRETS = {
    "community of the environment": 'env1/"com&mu<nity>+Zq7',
    "community of a file": "file2/comm'unity=%Zq7",
    "v3 authentication password": 'auth3/"pass&wo<rd>+Zq7',
    "v3 privacy password": "priv4/pass'word=%Zq7",
    "token of the environment": "1-23-env5/token+Zq7abc=",
    "token of a file": "1-23-file6/token+Zq7abc=",
    "token of a credential": "1-23-cred7/token+Zq7abc=",
    "token of the working desk": "1-23-fine8/token+Zq7abc=",
    "secret of a webhook": "whsec_aG9va05pbmU5L3NlY3JldCtacTdhYmNkZWZnaA==",
    "secret of a webhook without its prefix": "aG9va05pbmU5L3NlY3JldCtacTdhYmNkZWZnaA==",
    "secret of another webhook": "whsec_aG9va1RlbjEwL3NlY3JldCtacTdhYmNkZWZnaA==",
    "address of a webhook": "path11-Zq7-of-a-webhook",
    "address of another webhook": "path12-Zq7-of-a-webhook",
    "address of a heartbeat": "path13-Zq7-of-a-heartbeat",
    "address of another heartbeat": "path14-Zq7-of-a-heartbeat",
    "token of a reader": "read15/token+Zq7abcdefgh=",
    "token of nobody": "read16/token+Zq7abcdefgh=",
}
VERBS = (
    "incidents",
    "incident",
    "events",
    "acknowledge",
    "maintenance-add",
    "maintenance-list",
    "maintenance-end",
    "explain",
)
PATHS = ("/", "/incidents", "/targets", "/runbooks/", "/metrics", "/api/v1/incidents", "/api/v1/incidents?state=ended",
         "/api/v1/events?limit=1000", "/api/v1/events?after=no", "/api/v1/feed.atom", "/api/v1/feed.json",
         "/api/v1/openapi.json", "/api/v1/targets", "/api/v1/status", "/api/v1/nothing", "/-/reload",
         "/-/healthy", "/-/ready", "/nothing", "/targets/nothing", "/incidents/nothing")  # fmt: skip


@dataclass
class Estate:
    """What the searched estate is made of."""

    agent: Agent
    fine: Desk
    broken: Mapping[str, CannedServer]
    outside: Mapping[str, CannedServer]
    """Receivers of webhooks and heartbeats: one of each takes what comes, the other repeats it in an error."""
    targets: tuple[str, ...]


@contextmanager
def datagrams(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A UDP peer that gives one answer to each question; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    question, asker = listening.recvfrom(65_535)
                except TimeoutError:
                    continue
                listening.sendto(answer(question), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join(10)


@pytest.fixture
def estate(new_agent: Callable[..., Agent], service: Service, tmp_path: Path) -> Iterator[Estate]:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    names = {"community": "community of a file", "auth": "v3 authentication password", "privacy": "v3 privacy password",
             "token-file": "token of a file", "token-credential": "token of a credential",
             "hook": "secret of another webhook"}  # fmt: skip
    for file, name in names.items():
        (kept / file).write_text(SECRETS[name] + "\n")
        (kept / file).chmod(0o600)
    (kept / "open").write_text(SECRETS["community of a file"])
    (kept / "open").chmod(0o644)
    played = Simulation((SimulatedUser("ridgeway", "sha256", "another-password", "aes128", "yet-another-one"),))
    token = quote(SECRETS["token of a file"], safe="")
    with ExitStack() as stack:
        stack.callback(played.close)
        played.add("other-community")
        played.devices.add(
            MARKER,
            {**HEALTHY, "1.3.6.1.2.1.1.1.0": MARKER, MEMORY: ("gauge", FULL)},
            community=SECRETS["community of a file"],
        )
        played.start()
        fine = played.desk(SECRETS["token of the working desk"])
        broken = {
            "says-401": stack.enter_context(canned(http(401, b"{request}", b"X-Echo: {request}"))),
            "says-500": stack.enter_context(canned(http(500, b'{"message": "{request}"}', b"X-Echo: {request}"))),
            "redirects": stack.enter_context(
                canned(http(302, b"{request}", b"Location: /login?token=" + token.encode()))
            ),
        }
        outside = {
            name: stack.enter_context(canned(http(500, b"{request}", b"X-Echo: {request}") if echo else http(204)))
            for name, echo in (("hook", False), ("hook that echoes", True), ("ping", False), ("ping that echoes", True))
        }
        addresses = dict(zip(outside, (name for name in SECRETS if name.startswith("address")), strict=True))
        urls = {name: f"{outside[name].url}/{SECRETS[address]}" for name, address in addresses.items()}
        (kept / "hook-url").write_text(urls["hook that echoes"])
        (kept / "hook-url").chmod(0o600)
        garbage = stack.enter_context(datagrams(lambda question: b"\x30\x82\xff\xff" + question[::-1]))
        echo = stack.enter_context(datagrams(lambda question: question))
        refused = free_port(socket.SOCK_DGRAM)
        agent = new_agent(
            environment={
                "ENV_COMMUNITY": SECRETS["community of the environment"],
                "ENV_TOKEN": SECRETS["token of the environment"],
                "FINE_TOKEN": SECRETS["token of the working desk"],
                "HOOK": SECRETS["secret of a webhook"],
                "HOOK_URL": urls["hook"],
                "PING_URL": urls["ping"],
                "ECHOED_PING_URL": urls["ping that echoes"],
                "READER": SECRETS["token of a reader"],
                "CREDENTIALS_DIRECTORY": str(kept),
            },
            headers={"Authorization": f"Bearer {SECRETS['token of a reader']}"},
        )
        snmp = "checks: [{{snmp: {{profile: firewall/fortigate, port: {}, retries: 0}}}}]"
        targets = {
            "wrong-community": ("by-env", played["other-community"].port),
            "refused": ("by-env", refused),
            "garbage": ("by-env", garbage),
            "echo": ("by-file", echo),
            "wrong-password": ("by-user", played["other-community"].port),
            "no-secret": ("by-nothing", refused),
            "open-file": ("by-open-file", refused),
            MARKER: ("by-file", played[MARKER].port),
        }
        rows = [
            f"  {name}: {{address: 127.0.0.1, site: forum, credentials: {{snmp: {credential}}}, {snmp.format(port)}}}"
            for name, (credential, port) in targets.items()
        ]
        tokens = {"says-401": "env:ENV_TOKEN", "says-500": "credential:token-credential",
                  "redirects": f"file:{kept}/token-file"}  # fmt: skip
        desks = [
            f'  {name}: {{kind: {"demo" if name == "says-500" else "request-tracker"}, url: "{broken[name].url}", '
            f'token: "{reference}", timeout: 2}}'
            for name, reference in tokens.items()
        ]
        agent.write(
            f"estate: {{name: {MARKER}, vantage: here}}\n"
            "councils: {dacorum: {title: Dacorum}}\n"
            "sites: {forum: {council: dacorum}}\n"
            "vantages: {here: {site: forum}}\n"
            "defaults: {every: 1s, timeout: 500ms, open_after: 2 of 2, clear_after: 2 of 2, hold_down: 1s,"
            " reopen_window: 5m}\n"
            "credentials:\n"
            "  by-env: {kind: snmp-v2c, community: env:ENV_COMMUNITY}\n"
            f'  by-file: {{kind: snmp-v1, community: "file:{kept}/community"}}\n'
            "  by-nothing: {kind: snmp-v2c, community: env:NOT_SET_ANYWHERE}\n"
            f'  by-open-file: {{kind: snmp-v2c, community: "file:{kept}/open"}}\n'
            "  by-user: {kind: snmp-v3, user: ridgeway, auth: {protocol: sha256, password: credential:auth},"
            f' privacy: {{protocol: aes128, password: "file:{kept}/privacy"}}}}\n'
            "targets:\n" + "\n".join(rows) + "\n"
            f"  web: {{address: 127.0.0.1, site: forum, title: {MARKER}, "
            f"checks: [{{tcp: {{port: {service.port}}}}}]}}\n"
            "desks:\n" + "\n".join(desks) + "\n"
            f'  fine: {{kind: demo, url: "{fine.url}", token: "env:FINE_TOKEN", timeout: 2, max_in_flight: 0.3}}\n'
            "routes: [{name: all, desks: [fine, says-401, says-500, redirects], queue: dacorum}]\n"
            "access: {tokens: {reader: {token: env:READER, councils: all, may: act}}}\n"
            "webhooks:\n"
            "  takes: {url: env:HOOK_URL, secrets: [env:HOOK], councils: all}\n"
            f'  echoes: {{url: "file:{kept}/hook-url", secrets: ["file:{kept}/hook"], councils: all}}\n'
            "heartbeats:\n"
            "  takes: {url: env:PING_URL, every: 10s}\n"
            "  echoes: {url: env:ECHOED_PING_URL, every: 10s}\n"
        )
        service.close()
        yield Estate(agent, fine, broken, outside, (*targets, "web"))


@pytest.mark.timeout(240)
def test_no_secret_is_anywhere_and_the_marker_is_everywhere(estate: Estate) -> None:
    agent = estate.agent
    agent.start()
    count = len(estate.targets)
    wait_until(lambda: len(agent.causes("open")) >= count, "everything that fails is an incident", 60)
    wait_until(lambda: len(estate.fine.tickets()) >= count, "the working desk has the tickets", 60)
    for desk in estate.broken.values():
        wait_until(lambda desk=desk: len(desk.requests) > 1, "every desk was asked more than once", 60)  # type: ignore[misc]
    for name, receiver in estate.outside.items():
        wait_until(lambda receiver=receiver: len(receiver.requests) > 0, f"the {name} got something", 60)  # type: ignore[misc]

    places = {
        **_pages(agent),
        **_control(agent),
        **_commands(agent, estate.targets),
        "the tickets": json.dumps([asdict(ticket) for ticket in estate.fine.tickets()]).encode(),
    }
    places |= {f"requests to {name}": _without_own_token(desk) for name, desk in estate.broken.items()}
    places |= {f"requests to the {name}": _without_own_address(peer) for name, peer in estate.outside.items()}
    agent.stop()
    places["the log"] = agent.log.read_bytes()
    places["the ledger"] = b"\0".join(path.read_bytes() for path in sorted(agent.home.glob("ledger.sqlite3*")))
    # Whatever a command has left behind: archives (of .tar, which hides nothing), copies, files of state.
    places |= {f"the file {path.name}": path.read_bytes() for path in agent.home.rglob("*") if path.is_file()}

    assert leaks(places, SECRETS) == []
    seen = {leak.place for leak in leaks(places, {"marker": MARKER})}
    assert seen >= {"page /", "page /metrics", "page /targets", "page /incidents", "page /api/v1/incidents"}
    assert seen >= {"the log", "the ledger", "the tickets", "OpenMetrics", "control explain", "control incidents"}
    assert seen >= {
        "the file kept.tar",
        "doctor --json",
        "plan --json",
        "requests to the hook",
        "requests to the hook that echoes",
    }
    assert seen >= {"page /api/v1/events?limit=1000", "page /api/v1/feed.atom", "the stream", "control events"}
    assert seen >= {f"check {MARKER} --json", f"check {MARKER}", "validate", "validate --contact --json"}
    assert seen >= {
        f"explain {MARKER}",
        "incidents list --state all",
        "incidents list --state all --json",
        "events --limit 1000",
    }


@pytest.mark.parametrize(
    "line",
    [
        'desks: {{rt: {{kind: request-tracker, url: "https://rt.example", token: "{secret}"}}}}',
        'desks: {{rt: {{kind: request-tracker, url: "https://ridgeway:{secret}@rt.example", token: env:T}}}}',
        'desks: {{rt: {{kind: request-tracker, url: "https://rt.example/?token={secret}", token: env:T}}}}',
        'credentials: {{read: {{kind: snmp-v2c, community: "{secret}"}}}}',
        'credentials: {{read: {{kind: snmp-v3, user: r, auth: {{protocol: sha1, password: "{secret}"}}}}}}',
        'credentials: {{read: {{kind: snmp-v2c, comunity: "{secret}"}}}}',
        'credentials: {{read: {{kind: snmp-v2c, community: ["{secret}"]}}}}',
    ],
)
def test_a_secret_written_into_the_estate_is_refused_without_being_repeated(tmp_path: Path, line: str) -> None:
    secret = "1-23-literal9-Zq7abc"
    file = tmp_path / "estate.yaml"
    file.write_text(
        "estate: {name: test, vantage: here}\nsites: {forum: {council: shared}}\nvantages: {here: {site: forum}}\n"
        + line.format(secret=secret)
        + "\n"
    )

    said = b""
    for verb in (["validate", "--contact", "--json"], ["run"]):
        done = subprocess.run([RIDGEWAY, *verb, "--config", str(file)], capture_output=True, timeout=60)
        said += done.stdout + done.stderr
        assert done.returncode != 0, done.stdout

    assert b"estate.yaml:4" in said
    assert leaks({"what it said": said}, {"the secret": secret}) == []


@pytest.mark.parametrize("spelling", spellings(SECRETS["token of a file"]))
def test_the_search_finds_every_spelling(spelling: str) -> None:
    secret = SECRETS["token of a file"]

    place = b"before " + spellings(secret)[spelling] + b" after"

    assert leaks({"somewhere": place}, {"token": secret}) != []
    assert (
        leaks({"somewhere": place.replace(b"o", b"_").replace(b"2", b"_").replace(b"Z", b"_")}, {"token": secret}) == []
    )


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_the_search_finds_a_secret_inside_something_that_is_base64(before: str) -> None:
    place = base64.b64encode(f"{before}{SECRETS['token of a file']} and more".encode())

    assert leaks({"somewhere": place}, {"token": SECRETS["token of a file"]}) != []


def _pages(agent: Agent) -> dict[str, bytes]:
    incidents = [f"/incidents/{row['id']}" for row in agent.known()]
    api = [f"/api/v1{path}" for path in incidents]
    targets = [f"/targets/{name}" for name in ("web", "wrong-community", "wrong-password", "no-secret", MARKER)]
    places = {}
    for path in (*PATHS, *incidents, *api, *targets):
        answer = requests.get(f"{agent.url}{path}", headers=agent.headers, timeout=10)
        places[f"page {path}"] = answer.content + repr(answer.headers).encode()
    nobody = SECRETS["token of nobody"]
    refused = (f"Bearer {nobody}", f"Basic {base64.b64encode(f'ann:{nobody}'.encode()).decode()}", nobody)
    for authorization in refused:
        answer = requests.get(f"{agent.url}/api/v1/incidents", headers={"Authorization": authorization}, timeout=10)
        assert answer.status_code == 401
        places[f"refusal of {authorization.split()[0]}"] = answer.content + repr(answer.headers).encode()
    open_metrics = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "identity"}
    open_metrics |= agent.headers
    with requests.get(
        f"{agent.url}/api/v1/events/stream?after=0", headers=agent.headers, stream=True, timeout=10
    ) as stream:
        places["the stream"] = next(stream.iter_content(1_000_000))
    places["OpenMetrics"] = requests.get(f"{agent.url}/metrics", headers=open_metrics, timeout=10).content
    return places


def _control(agent: Agent) -> dict[str, bytes]:
    """Every verb, with a question that fits and some that do not."""
    incident = agent.known()[0]["id"]
    questions: tuple[object, ...] = (
        {}, {"state": "all", "limit": 1000}, {"limit": 1000}, {"id": incident}, {"target": MARKER, "check": None},
        {"target": "no-secret"},
        {"id": incident, "by": "a", "comment": "b", "seconds": 1}, {"id": "no"}, [], "text",
    )  # fmt: skip
    places = {}
    for verb in VERBS:
        places[f"control {verb}"] = b"".join(agent.ask(verb, json.dumps(question).encode()) for question in questions)
    return places


def _commands(agent: Agent, targets: tuple[str, ...]) -> dict[str, bytes]:
    incident = agent.known()[0]["id"]
    lines = [
        *(f"check {name} --json" for name in targets),
        f"check {MARKER}",
        "check wrong-password",
        "validate",
        "validate --contact",
        "validate --contact --json",
        "incidents list --state all",
        "incidents list --state all --json",
        f"incidents show {incident}",
        f"incidents show {incident} --json",
        f"incidents ack {incident} --comment mine --by Asha --json",
        f"explain {MARKER}",
        "explain wrong-community --json",
        "explain no-secret",
        "desk test",
        "desk test --json",
        "events --limit 1000",
        "events --limit 1000 --json",
        "maintenance add --target web --hours 1 -m why --by Asha",
        "maintenance list --json",
        "webhooks list",
        "webhooks list --json",
        "webhooks test takes",
        "webhooks test echoes",
        "webhooks retry echoes",
        "webhooks dead echoes --json",
        "plan",
        "plan --json",
        "apply --expect 0000 --change CHG-1",
        "reload",
        f"backup {agent.home / 'kept.tar'}",
        "doctor",
        "doctor --json",
        "ledger verify --json",
        "ledger info --json",
        "schema",
    ]

    def said(line: str) -> bytes:
        return agent.run(*line.split(), status=None).encode()

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(lines, pool.map(said, lines), strict=True))


def _without_own_token(desk: CannedServer) -> bytes:
    """What the desk was sent, without the one header in which its own token belongs."""
    lines = b"\r\n".join(desk.requests).split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"authorization:")]
    assert len(kept) < len(lines)
    return b"\r\n".join(kept)


def _without_own_address(receiver: CannedServer) -> bytes:
    """What a receiver was sent, without the first lines, in which its own address belongs."""
    return b"\n".join(request.partition(b"\r\n")[2] for request in receiver.requests)
