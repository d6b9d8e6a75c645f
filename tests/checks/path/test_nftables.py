"""Real packets against real rules: dropped, rejected, closed and open, told apart by the rule's own counter."""

from __future__ import annotations

from typing import Any

import pytest

from testbeds.walled import CLOSED, DROPPED, LET_IN, MISTAKEN, REJECTED, tried

pytestmark = pytest.mark.acceptance


def flow(name: str, port: int, must: str, comment: str = "") -> str:
    """One flow as a line of the estate."""
    where = f"{{table: p, chain: in, comment: {comment}}}"
    counter = f", counter: {{command: nft-drop-rule, port: SSH_PORT, with: {where}}}" if comment else ""
    who = "owner: network team, reason: the test"
    return f"            {name}: {{from: hemel, to: 127.0.0.1, port: {port}, must: {must}, {who}{counter}}}"


FLOWS = "\n".join(
    [
        flow("passes", LET_IN, "pass"),
        flow("pass-dropped", DROPPED, "pass"),
        flow("pass-rejected", REJECTED, "pass"),
        flow("pass-closed", CLOSED, "pass"),
    ]
)
BLOCKED = "\n".join(
    [
        flow("dropped", DROPPED, "block", "dropped"),
        flow("rejected", REJECTED, "block", "rejected"),
        flow("closed", CLOSED, "block", "never-met"),
        flow("accepting-rule", CLOSED, "block", "accepted"),
        flow("no-rule", CLOSED, "block", "not-there"),
        flow("open", MISTAKEN, "block", "never-met"),
    ]
)


def states(found: dict[str, Any]) -> dict[str, str]:
    return {key.removeprefix("path/"): state for key, (state, _) in found["findings"].items()}


def test_what_must_pass_passes_or_says_how_it_does_not() -> None:
    found = tried(FLOWS)

    assert states(found) == {
        "passes": "ok", "pass-dropped": "critical", "pass-rejected": "critical", "pass-closed": "critical",
    }  # fmt: skip
    said = {key: summary for key, (_, summary) in found["findings"].items()}
    assert "no answer" in said["path/pass-dropped"]
    assert "cannot be told apart" in said["path/pass-rejected"]
    assert said["path/pass-rejected"].partition(": ")[2] == said["path/pass-closed"].partition(": ")[2]
    assert ["ridgeway_path_flow_ok", ["passes", "hemel", "pass"], 1.0] in found["readings"]
    assert found["reached"] is None, "nothing is said of the firewall itself"


def test_what_must_be_blocked_is_proved_by_the_rule_s_counter_and_by_nothing_less() -> None:
    found = tried(BLOCKED)

    assert states(found) == {
        "dropped": "ok", "rejected": "ok", "closed": "unknown", "accepting-rule": "unknown", "no-rule": "unknown",
        "open": "critical", "asking": "ok",
    }  # fmt: skip
    assert found["evidence"]["path/dropped"]["counter"] == "0 before, 2 after"
    assert found["evidence"]["path/rejected"]["counter"] == "0 before, 1 after"
    assert ["ridgeway_path_flow_passes", ["dropped", "hemel", "block"], 0.0] in found["readings"]
    assert ["ridgeway_path_flow_passes", ["open", "hemel", "block"], 1.0] in found["readings"]
    assert not any(labels[0] == "closed" for _, labels, _ in found["readings"])
