"""What a real firewall's policy simulator printed is understood as it was meant."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from checks.network.command_judgement import CommandAnswers
from checks.path.questions import Mute, filled, plan_of, simulated

pytestmark = pytest.mark.truth

_ANSWER = "ntc/paloalto_panos/test_security-policy-match/paloalto_panos_test_security-policy-match.raw"
FLOW = {"destination": "192.0.2.9", "destination_port": "53", "protocol": "tcp", "protocol_number": "6"}
ZONES = {"from_zone": "Internal", "to_zone": "External", "source": "192.0.2.1"}


def recorded() -> str:
    roots = [Path(os.environ.get("RIDGEWAY_RECORDINGS", "/nowhere"))]
    found = [path for root in roots for path in root.rglob(_ANSWER.rpartition("/")[2])]
    if not found:
        pytest.skip("the recordings are not here")
    return found[0].read_text()


def said(output: str):  # type: ignore[no-untyped-def]
    plan = plan_of("panos-policy-match", filled("panos-policy-match", ZONES, FLOW))
    return simulated(plan, CommandAnswers(output, "", None, False, 0.1))


def test_the_first_rule_that_matches_decides() -> None:
    text = recorded()
    first = re.findall(r'^"([^";]+)', text, re.MULTILINE)[0]

    word = said(text)

    assert (word.passes, word.rule) == (True, first)


@pytest.mark.parametrize("action", ["deny", "drop", "reset-client", "reset-server", "reset-both"])
def test_each_way_of_blocking_is_one(action: str) -> None:
    text = recorded().replace("action allow;", f"action {action};")

    assert said(text).passes is False


@pytest.mark.parametrize("change", [("action allow;", ""), ("action allow;", "action perhaps;"), ("action", "verdict")])
def test_a_changed_wording_is_not_taken_for_a_verdict(change: tuple[str, str]) -> None:
    with pytest.raises(Mute):
        said(recorded().replace(*change))
