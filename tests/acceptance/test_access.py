"""A real agent behind TLS, passwords and tokens: a real Prometheus gets in, others do not, and nothing leaks."""

from __future__ import annotations

import socket
import ssl
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import pytest
import requests

from testbeds.agent import Agent, Service
from testbeds.certificates import Authority
from testbeds.front import hashed
from testbeds.leaks import leaks
from testbeds.peers import free_port, need, wait_until
from testbeds.small_estates import one_service

pytestmark = pytest.mark.acceptance

SECRETS = {
    "password": 'pass/"word&of<prometheus>+Zq7',
    "wrong password": "a-password-of-another-place-Zq7",
    "token": "token/of+prometheus=Zq7abcdef",
    "wrong token": "token-of-another-place-Zq7",
}
SCRAPES = """
global: {{scrape_interval: 500ms}}
scrape_configs:
  - job_name: password
    scheme: https
    tls_config: {{ca_file: {ca}}}
    basic_auth: {{username: prometheus, password_file: {home}/password}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: token
    scheme: https
    tls_config: {{ca_file: {ca}}}
    authorization: {{credentials_file: {home}/token}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: wrong
    scheme: https
    tls_config: {{ca_file: {ca}}}
    basic_auth: {{username: prometheus, password_file: {home}/wrong}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@dataclass
class Guarded:
    agent: Agent
    ca: Path
    authority: Authority = field(default_factory=Authority)

    def renew(self) -> int:
        """Another certificate for the agent; its serial number."""
        self.ca.write_text(self.authority.pem)
        issued = self.authority.issue()
        _, key = issued.write(self.agent.home)
        key.chmod(0o600)
        return issued.certificate.serial_number

    def configure(self, content: str) -> None:
        (self.agent.home / "web-config.yml").write_text(content)

    def ask(self, path: str, **options: object) -> requests.Response:
        return requests.get(f"{self.agent.url}{path}", timeout=20, verify=str(self.ca), **options)  # type: ignore[arg-type]

    def metric(self, start: str) -> float:
        """The value of the one series that begins so."""
        page = self.ask("/metrics", auth=("prometheus", SECRETS["password"])).text
        (found,) = [line for line in page.splitlines() if line.startswith(start)]
        return float(found.rpartition(" ")[2])


WEB = "tls_server_config: {{cert_file: server.pem, key_file: server.key}}\nbasic_auth_users: {{prometheus: {hash}}}\n"


@pytest.fixture
def guarded(new_agent: Callable[..., Agent], service: Service, tmp_path: Path) -> Iterator[Guarded]:
    ca = tmp_path / "authority.pem"
    agent = new_agent(authority=ca, environment={"PROMETHEUS_TOKEN": SECRETS["token"]})
    agent.options = ("--web.config.file", str(agent.home / "web-config.yml"))
    made = Guarded(agent, ca)
    made.renew()
    made.configure(WEB.format(hash=hashed(SECRETS["password"])))
    token = "access: {tokens: {prometheus: {token: env:PROMETHEUS_TOKEN, councils: all}}}\n"
    agent.write(one_service(service.port) + token)
    agent.start()
    yield made


def up(prometheus: str) -> dict[str, str]:
    """What Prometheus says of each of its jobs."""
    query = urllib.parse.urlencode({"query": "up"})
    try:
        found = requests.get(f"{prometheus}/api/v1/query?{query}", timeout=10).json()["data"]["result"]
    except requests.RequestException:
        return {}
    return {one["metric"]["job"]: one["value"][1] for one in found}


def test_prometheus_scrapes_by_password_and_by_token_also_when_the_certificate_is_renewed(
    guarded: Guarded, tmp_path: Path
) -> None:
    for name, secret in (("password", "password"), ("token", "token"), ("wrong", "wrong password")):
        (tmp_path / name).write_text(SECRETS[secret])
    config = tmp_path / "prometheus.yml"
    config.write_text(SCRAPES.format(ca=guarded.ca, home=tmp_path, port=guarded.agent.port))
    port = free_port()
    command = [need("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    with (tmp_path / "prometheus.log").open("w") as log, Popen(command, stdout=log, stderr=log) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: up(url) == {"password": "1", "token": "1", "wrong": "0"}, "the scrapes", 60)
            serial = guarded.renew()
            wait_until(lambda: shown(guarded.agent.port, guarded.ca) == serial, "the new certificate is shown")
            refused = guarded.metric('ridgeway_web_requests_refused_total{reason="password"}')
            wait_until(
                lambda: guarded.metric('ridgeway_web_requests_refused_total{reason="password"}') > refused + 1,
                "two more scrapes",
            )
            still = up(url)
        finally:
            process.terminate()
            process.wait(30)

    assert still == {"password": "1", "token": "1", "wrong": "0"}


def shown(port: int, ca: Path) -> int:
    """The serial number of the certificate that is shown now."""
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", port), 10) as line,
        context.wrap_socket(line, server_hostname="localhost") as secure,
    ):
        certificate = secure.getpeercert()
    assert certificate is not None
    return int(str(certificate["serialNumber"]), 16)


def test_no_secret_stands_in_what_is_shown_or_logged_however_people_get_it_wrong(guarded: Guarded) -> None:
    wrong = [
        {"auth": ("prometheus", SECRETS["wrong password"])},
        {"auth": (SECRETS["password"], "in the wrong field")},
        {"headers": {"Authorization": f"Bearer {SECRETS['wrong token']}"}},
        {"headers": {"Authorization": f"Basic {SECRETS['token']}"}},
        {"headers": {"Authorization": SECRETS["token"]}},
        {"headers": {"Authorization": b"Bearer \xff\xfe" + SECRETS["wrong token"].encode()}},
        {"headers": {"Authorization": "Basic " + "QUJD" * 3000}},
    ]
    answers = {f"answer {number}": guarded.ask("/incidents", **options) for number, options in enumerate(wrong)}
    guarded.configure(WEB.format(hash=SECRETS["wrong password"]))
    wait_until(lambda: guarded.metric("ridgeway_web_config_last_reload_successful") == 0, "the broken file is seen")
    good = {"auth": ("prometheus", SECRETS["password"])}
    pages = {path: guarded.ask(path, **good) for path in ("/", "/metrics", "/api/v1/incidents", "/targets")}
    guarded.agent.stop()

    assert {answer.status_code for answer in answers.values()} == {401}
    assert {page.status_code for page in pages.values()} == {200}
    log = guarded.agent.log.read_bytes()
    assert b'"reason":"password"' in log.replace(b'": "', b'":"')
    assert b"must be a bcrypt hash" in log
    places = {name: answer.content + str(answer.headers).encode() for name, answer in (answers | pages).items()}
    assert leaks(places | {"log": log}, SECRETS) == []
