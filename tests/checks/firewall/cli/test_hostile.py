"""Whatever a device prints: no parser fails, none is slow, and a spoilt answer never shows another cluster."""

from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.replay import replay_capture
from checks.catalogue import load_catalogue
from checks.firewall.cli import PARSERS, parsed
from checks.network.documents import Document, NotUnderstood
from testbeds.command_outputs import OUTPUTS

KINDS = load_catalogue()
AT = 1_795_990_000.0
CLUSTERS = {
    "fortios/ha-status": "firewall/fortigate-ssh", "panos/ha": "firewall/panos-ssh",
    "asa/failover": "firewall/asa-ssh", "gaia/cluster-state": "firewall/gaia-ssh",
    "srx/cluster-status": "firewall/srx-ssh",
}  # fmt: skip
QUESTIONS = {
    "fortios/ha-status": "ha_status", "panos/ha": "ha", "asa/failover": "failover", "gaia/cluster-state": "cluster",
    "srx/cluster-status": "cluster",
}  # fmt: skip
_EVERY_LINE = sorted({line for text in OUTPUTS.values() for line in text.split("\n")})


def plain(document: Document | NotUnderstood) -> bool:
    """Whether it is what JSON can say, with no long text in it."""
    if isinstance(document, NotUnderstood):
        return bool(document.why) and len(document.raw) <= 200
    return len(json.dumps(document, allow_nan=False)) < 2_000_000


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(PARSERS)), text=st.text(max_size=600))
def test_any_text_is_understood_or_not(name: str, text: str) -> None:
    assert plain(parsed(name, text))


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(PARSERS)), data=st.data())
def test_lines_of_all_products_in_any_order_are_understood_or_not(name: str, data: st.DataObject) -> None:
    own = st.sampled_from(OUTPUTS[name].split("\n"))
    lines = data.draw(st.lists(own | st.sampled_from(_EVERY_LINE), max_size=60))

    assert plain(parsed(name, "\n".join(lines)))


@settings(max_examples=500, deadline=None)
@given(name=st.sampled_from(sorted(PARSERS)), data=st.data())
def test_an_output_with_any_letters_changed_is_understood_or_not(name: str, data: st.DataObject) -> None:
    text = OUTPUTS[name]
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.text(alphabet=string.printable, max_size=5)) + text[at + 1 :]

    assert plain(parsed(name, text))


@pytest.mark.parametrize("name", PARSERS)
def test_lines_that_nearly_match_cost_little(name: str) -> None:
    """All that one reading may bring, made of the lines that patterns like best."""
    nearly = [f"{line}{' ' * 480}"[:498] + "~" for line in OUTPUTS[name].split("\n")]
    nearly += [(line * 60)[:498] for line in OUTPUTS[name].split("\n") if line]
    began = time.process_time()

    parsed(name, "\n".join((nearly * 1_000)[:1_000]))

    assert time.process_time() - began < 1.0


def role_said(name: str, text: str) -> str:
    """What is said of the cluster: the role's state, or that the answer was not understood."""
    (command,) = [line for line in PARSERS[name].commands if line != "show cluster state"]
    profile = CLUSTERS[name]
    # A FortiGate's own serial number and host name are another command's.
    said = {command: text, "get system status": OUTPUTS["fortios/system-status"]}
    (result,) = replay_capture("spoilt", profile, said, KINDS, AT).results
    found = {finding.key: finding for finding in result.assessment.findings}
    if f"firewall/ssh/{QUESTIONS[name]}" in found:
        return "not understood"
    ha = found.get("firewall/ha")
    return "no cluster" if ha is None else f"{ha.state.value}: {ha.summary}"


@pytest.mark.parametrize("name", CLUSTERS)
def test_an_answer_cut_off_anywhere_never_shows_another_cluster(name: str) -> None:
    whole = OUTPUTS[name]
    right = role_said(name, whole)

    for end in range(0, len(whole), 7):
        said = role_said(name, whole[:end])
        assert said in (right, "not understood") or said.startswith("unknown"), whole[:end][-60:]


@pytest.mark.parametrize("name", CLUSTERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_spoilt_letter_or_a_lost_line_never_shows_another_cluster(name: str, data: st.DataObject) -> None:
    whole = OUTPUTS[name]
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(whole) - 1))
        spoilt = whole[:at] + "~" + whole[at + 1 :]
    else:
        lines = whole.split("\n")
        del lines[data.draw(st.integers(0, len(lines) - 1))]
        spoilt = "\n".join(lines)

    said = role_said(name, spoilt)

    assert said in (role_said(name, whole), "not understood") or said.startswith("unknown")
