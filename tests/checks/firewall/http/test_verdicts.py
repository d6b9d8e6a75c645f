"""Declared changes of every product's sample answers, and the verdict that each must bring about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.api_captures import ApiCapture
from agent.replay import replay_api
from checks.catalogue import load_catalogue
from checks.contract import State
from checks.firewall.http.shape import understood
from config.profiles import load, search_path
from testbeds.by_api import AT
from testbeds.firewall_api import asks_of, samples

KINDS = load_catalogue()
CHANGES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("verdicts.yaml").read_text(encoding="utf-8")
)
PRODUCTS = ("fortigate", "gaia", "opnsense", "panos", "pfsense", "srx", "stormshield")
DAY = 86_400.0


def judged(profile: str, bodies: Mapping[str, bytes], at: float = AT) -> dict[str, str]:
    """What is not well, by finding; questions that ask the same get the same answer."""
    asks, documents = asks_of(profile), {}
    for name, question in asks.questions.items():
        alike = [other for other, one in asks.questions.items() if one.paths == question.paths and other in bodies]
        if alike:
            documents[name] = understood(question, bodies[alike[0]], bodies[alike[0]].decode())
    of = replay_api(ApiCapture("sample", load(profile, search_path()), documents), KINDS, at)
    findings = of.results[0].assessment.findings
    return {finding.key: finding.state.value for finding in findings if finding.state is not State.OK}


@pytest.mark.parametrize("name", CHANGES)
def test_each_declared_change_brings_its_verdict(name: str) -> None:
    case = CHANGES[name]
    profile, question = f"firewall/{case['profile']}-http", case["question"]
    bodies = samples(profile)
    text = bodies[question].decode()
    assert case["before"] in text

    assert judged(profile, bodies) == {}
    changed = bodies | {question: text.replace(case["before"], case["after"]).encode()}
    bad = {f"firewall/{key}": state for key, state in case["bad"].items()}
    assert judged(profile, changed, AT + case.get("days", 0) * DAY) == bad


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("kind", ["cut", "page"])
def test_no_answer_that_is_cut_or_a_web_page_is_ever_well(product: str, kind: str) -> None:
    profile = f"firewall/{product}-http"
    for question, body in samples(profile).items():
        wrong = body[: len(body) // 2] if kind == "cut" else b"<!DOCTYPE html><html><body>Log in</body></html>"

        assert judged(profile, samples(profile) | {question: wrong}).get(f"firewall/http/{question}") == "unknown"
