"""Samples with anything in the place of any of their parts are judged without a crash, and never well by mistake."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.replay import replay_answers
from checks.catalogue import load_catalogue
from checks.contract import State
from checks.firewall.http.shape import understood
from config.profiles import load, search_path
from testbeds.by_api import AT
from testbeds.firewall_api import asks_of, samples

KINDS = load_catalogue()
JSON_PRODUCTS = ("fortigate", "gaia", "opnsense", "pfsense")
XML_PRODUCTS = ("panos", "srx", "stormshield")
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def states(profile: str, question: str, body: bytes) -> dict[str, State]:
    documents = {question: understood(asks_of(profile).questions[question], body, body.decode("utf-8", "replace"))}
    of = replay_answers("mutated", load(profile, search_path()), documents, KINDS, AT)
    return {finding.key: finding.state for finding in of.results[0].assessment.findings}


def _parts(document: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its key or position."""
    keys = document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    return [place for key in keys for place in [(document, key), *_parts(document[key])]]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_json_with_anything_in_it_is_judged(data: st.DataObject) -> None:
    profile = f"firewall/{data.draw(st.sampled_from(JSON_PRODUCTS))}-http"
    question, body = data.draw(st.sampled_from(sorted(samples(profile).items())))
    document = copy.deepcopy(json.loads(body))
    holder, key = data.draw(st.sampled_from(_parts(document)))
    holder[key] = data.draw(_ANYTHING)

    found = states(profile, question, json.dumps(document).encode())

    assert "firewall/member" in found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_xml_of_which_a_piece_is_gone_or_doubled_is_judged(data: st.DataObject) -> None:
    profile = f"firewall/{data.draw(st.sampled_from(XML_PRODUCTS))}-http"
    question, body = data.draw(st.sampled_from(sorted(samples(profile).items())))
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 60)))
    doubled = data.draw(st.booleans())

    found = states(profile, question, (body[:end] + body[start:]) if doubled else (body[:start] + body[end:]))

    assert "firewall/member" in found


@given(st.sampled_from(["usage", "ha_checksums", "state", "disk"]), _ANYTHING)
def test_another_documents_words_make_no_firewall_well(question: str, document: Any) -> None:
    found = states("firewall/fortigate-http", question, json.dumps(document).encode())

    assert found[f"firewall/http/{question}"] is State.UNKNOWN
    assert {state for key, state in found.items() if key != "firewall/member"} <= {State.UNKNOWN}
