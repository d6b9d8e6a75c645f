"""The shipped Prometheus files: valid, each alert tested and with its runbook, and only with families that exist."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from exporters.prometheus.families import GENERIC
from exporters.prometheus.own import OwnMetrics
from testbeds.peers import need

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "config" / "prometheus"
RULES = SHIPPED / "rules" / "ridgeway.yml"
TESTS = Path(__file__).parent / "ridgeway_rules.yml"


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([need("promtool"), *arguments], capture_output=True, text=True, timeout=60, cwd=SHIPPED)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.acceptance
def test_promtool_accepts_the_example_configuration_and_the_rules() -> None:
    promtool("check", "config", SHIPPED / "prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)


@pytest.mark.acceptance
def test_each_alert_fires_when_it_should_and_is_silent_when_all_is_well() -> None:
    promtool("test", "rules", TESTS)


def test_each_alert_has_a_firing_and_a_silent_case() -> None:
    cases = [case for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test.get("alert_rule_test", [])]

    firing = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}

    names = {rule["alert"] for rule in ALERTS}
    assert firing == names
    assert silent == names - {"RidgewayWatchdog"}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_each_alert_says_how_bad_it_is_and_has_a_runbook_that_exists(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"].endswith(".")
    base, _, name = rule["annotations"]["runbook_url"].rpartition("/")
    assert base == "https://ridgeway.example/runbooks"
    assert name == rule["alert"]
    assert (ROOT / "docs" / "runbooks" / f"{name}.md").is_file()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.get("alert") or rule["record"]))
def test_rules_ask_only_for_families_and_labels_that_the_agent_has(rule: dict[str, Any]) -> None:
    own = OwnMetrics("", "", dict, lambda: 0).declared()
    known = {family.name: {*family.labels, "job", "instance"} for family in (*GENERIC, *own)}
    known["up"] = {"job", "instance"}

    for selector in selectors(promql_parser.parse(rule["expr"])):
        assert selector.name in known
        used = {matcher.name for matcher in selector.matchers.matchers}
        assert used <= known[selector.name]


def selectors(node: Any) -> list[promql_parser.VectorSelector]:
    """Every vector selector inside an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    parts = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
    parts += list(getattr(node, "args", []) or [])
    return [found for part in parts if part is not None for found in selectors(part)]
