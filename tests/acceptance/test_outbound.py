"""A real agent tells a real receiver, and pings something outside, through kills; nobody sees URLs and secrets."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from testbeds.agent import Agent, Service
from testbeds.canned import http
from testbeds.leaks import leaks
from testbeds.peers import wait_until
from testbeds.receiver import OTHER_SECRET, SECRET, Receiver
from testbeds.small_estates import one_service

pytestmark = pytest.mark.acceptance

PATHS = ("/", "/incidents", "/targets", "/metrics", "/api/v1/incidents", "/-/healthy", "/nothing")


@pytest.fixture
def new_receiver() -> Iterator[Callable[..., Receiver]]:
    with ExitStack() as stack:

        def make(**options: object) -> Receiver:
            receiver = Receiver(**options)  # type: ignore[arg-type]
            stack.callback(receiver.close)
            return receiver

        yield make


@pytest.fixture
def receiver(new_receiver: Callable[..., Receiver]) -> Receiver:
    return new_receiver()


def outbound(receiver: Receiver, outside: Receiver) -> str:
    return (
        f'webhooks: {{hub: {{url: "{receiver.url}", secrets: [env:HOOK], councils: [dacorum]}}}}\n'
        f'heartbeats: {{outside: {{url: "{outside.url}", every: 10s}}}}\n'
    )


def listed(agent: Agent) -> dict[str, object]:
    (row,) = json.loads(agent.run("webhooks", "list", "--json", status=None))["webhooks"]
    found: dict[str, object] = row
    return found


@pytest.mark.timeout(240)
def test_an_agent_tells_a_webhook_pings_while_it_lives_and_hides_both_urls(
    new_agent: Callable[..., Agent], service: Service, new_receiver: Callable[..., Receiver]
) -> None:
    receiver, outside = new_receiver(), new_receiver()
    agent = new_agent(environment={"HOOK": SECRET})
    agent.write(one_service(service.port) + outbound(receiver, outside))
    agent.start()
    wait_until(lambda: len(outside.got) == 1, "the agent says that it lives")
    wait_until(lambda: listed(agent)["state"] == "active", "the webhook is kept")

    service.close()
    wait_until(lambda: "opened" in kinds(receiver), "the webhook is told of an incident")
    assert all(one.verified == (SECRET,) for one in receiver.got)
    assert receiver.got[-1].event["data"]["about"]["subject"] == "web"
    agent.kill()
    pings = len(outside.got)
    agent.start()
    service.open()
    wait_until(lambda: "resolved" in kinds(receiver), "the webhook is told of its end after a kill")
    wait_until(lambda: len(outside.got) > pings, "the agent says again that it lives")
    assert [id for id in receiver.ids if receiver.ids.count(id) > 2] == []
    told = sorted({one.sequence for one in receiver.got})
    assert told == list(dict.fromkeys(one.sequence for one in receiver.got)), "in order"

    receiver.script = [http(410, b"the-peers-own-words")]
    service.close()
    wait_until(lambda: listed(agent)["state"] == "off", "the webhook is off")
    said = [agent.run("webhooks", "list", status=1), agent.run("webhooks", "retry", "hub", status=None)]
    said.append(agent.run("webhooks", "test", "hub", "--by", "Asha"))
    said.append(agent.run("webhooks", "resume", "hub", "--by", "Asha"))
    wait_until(lambda: listed(agent)["state"] == "active", "the webhook is told again")
    said.append(agent.run("webhooks", "dead", "hub"))
    said.append(agent.run("webhooks", "test", "nobody", status=None))
    said.append(agent.run("validate", "--contact"))
    assert "it answers 410" in said[0]
    assert "hub took it: 204." in said[2]
    assert "hub has no dead letter." in said[4]
    assert "no webhook is called nobody; the estate has hub" in said[5]

    places = {f"page {path}": requests.get(f"{agent.url}{path}", timeout=10).content for path in PATHS}
    places |= {f"said {number}": text.encode() for number, text in enumerate(said)}
    places |= {verb: agent.ask(verb, b'{"name": "hub", "limit": 9}') + agent.ask(verb, b"{}")
               for verb in ("webhooks", "webhook-dead", "webhook-test", "webhook-retry")}  # fmt: skip
    assert agent.stop() == 0
    places["the log"] = agent.log.read_bytes()
    places["the ledger"] = b"\0".join(path.read_bytes() for path in sorted(agent.home.glob("ledger.sqlite3*")))
    hidden = {"the secret": SECRET, "a path": "/hooks/in", "a query": "key=opaque", "an answer": "the-peers-own-words"}
    assert leaks(places, hidden) == []
    assert leaks(places, {"marker": "hub"}) != []


def test_a_reload_tells_another_webhook_from_then_on_and_forgets_the_one_that_is_gone(
    new_agent: Callable[..., Agent], service: Service, new_receiver: Callable[..., Receiver]
) -> None:
    before, after, outside = new_receiver(), new_receiver(secrets=(OTHER_SECRET,)), new_receiver()
    agent = new_agent(environment={"HOOK": SECRET, "OTHER_HOOK": OTHER_SECRET})
    agent.write(one_service(service.port) + outbound(before, outside))
    agent.start()
    wait_until(lambda: listed(agent)["state"] == "active", "the first webhook is kept")

    changed = outbound(after, outside).replace("hub:", "other:").replace("env:HOOK", "env:OTHER_HOOK")
    agent.write(one_service(service.port) + changed)
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: (listed(agent)["name"], listed(agent)["state"]) == ("other", "active"), "the other one is kept")
    service.close()
    wait_until(lambda: "opened" in kinds(after), "the other one is told")

    assert all(one.verified == (OTHER_SECRET,) for one in after.got)
    assert before.got == []
    assert agent.metric("ridgeway_webhook_state", webhook="hub", state="active") is None


def test_what_is_wrong_with_secrets_is_said_before_the_agent_runs(
    new_agent: Callable[..., Agent], service: Service, receiver: Receiver, tmp_path: Path
) -> None:
    agent = new_agent(environment={"HOOK": OTHER_SECRET[:20], "PING": "http://example.com/opaque"})
    agent.write(
        one_service(service.port)
        + f'webhooks: {{hub: {{url: "{receiver.url}", secrets: [env:HOOK, env:NOT_SET], councils: all}}}}\n'
        + "heartbeats: {outside: {url: env:PING}}\n"
    )

    said = agent.run("validate", "--contact", status=None)

    assert "webhook hub, secret 1: env:HOOK: must be whsec_ and 24 to 64 bytes in base64" in said
    assert "webhook hub, secret 2: env:NOT_SET: the environment variable NOT_SET is not set" in said
    assert "heartbeat outside, url: env:PING must begin with https://" in said
    assert leaks({"what it said": said.encode()}, {"secret": OTHER_SECRET[:20], "path": "opaque"}) == []
    assert receiver.got == []


def kinds(receiver: Receiver) -> list[str]:
    return [one.event["data"].get("kind", "") for one in receiver.got]
