"""JSON and XML of strangers become documents, or are refused, in bounded memory and time."""

from __future__ import annotations

import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.firewall.http.parse import DEEPEST, MOST_PARTS, Unfit, from_json, from_xml

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
_DOCUMENTS = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
_XML = st.recursive(
    st.from_regex(r"[a-z0-9 ]{0,12}", fullmatch=True),
    lambda inner: st.lists(st.tuples(_NAMES, inner), min_size=1, max_size=4),
    max_leaves=20,
)


@settings(max_examples=50)
@given(_DOCUMENTS)
def test_whatever_json_can_say_comes_out_as_it_is(document: object) -> None:
    assert from_json(json.dumps(document)) == document


@given(st.text(max_size=300))
def test_no_text_is_more_than_unfit(text: str) -> None:
    with contextlib.suppress(Unfit):
        from_json(text)
    with contextlib.suppress(Unfit):
        from_xml(text.encode("utf-8", "replace"))


@settings(max_examples=50)
@given(_NAMES, _XML)
def test_every_text_of_an_xml_document_is_found_again(root: str, tree: object) -> None:
    found = from_xml(f"<{root}>{_written(tree)}</{root}>".encode())

    assert sorted(_texts(found)) == sorted(text for text in _leaves(tree))


def _written(tree: object) -> str:
    if isinstance(tree, str):
        return tree
    assert isinstance(tree, list)
    return "".join(f"<{name}>{_written(inner)}</{name}>" for name, inner in tree)


def _leaves(tree: object) -> list[str]:
    if isinstance(tree, str):
        return [tree.strip()]
    assert isinstance(tree, list)
    return [text for _, inner in tree for text in _leaves(inner)]


def _texts(document: object) -> list[str]:
    if isinstance(document, dict):
        return [text for inner in document.values() for text in _texts(inner)]
    if isinstance(document, list):
        return [text for inner in document for text in _texts(inner)]
    return [str(document)]


def test_xml_attributes_texts_and_lists_stand_where_profiles_look_for_them() -> None:
    document = from_xml(
        b'<r xmlns="urn:x" a="1">words<one>1</one><many>2</many><many/><entry name="e">3</entry></r>', ["entry"]
    )

    assert document == {
        "r": {"@a": "1", "#text": "words", "one": "1", "many": ["2", ""], "entry": [{"@name": "e", "#text": "3"}]}
    }


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": 1', "[NaN]", "<html></html>", "[" * 100_000, "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)],
    ids=["nothing", "half", "cut", "nan", "html", "deep and open", "deep"],
)
def test_what_is_no_json_or_too_deep_is_unfit(text: str) -> None:
    with pytest.raises(Unfit):
        from_json(text)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"<a>", b"<a></b>", b"<a>\xff</a>", b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1),
        b"<a>" + b"<b/>" * (MOST_PARTS + 1) + b"</a>",
    ],
    ids=["nothing", "json", "open", "crossed", "octets", "encoding", "dtd", "entity", "deep", "many"],
)  # fmt: skip
def test_what_is_no_xml_or_too_much_of_it_is_unfit(body: bytes) -> None:
    with pytest.raises(Unfit):
        from_xml(body)


def test_entity_bombs_cost_no_memory() -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE a [<!ENTITY e0 "{"ha" * 500}">{lines}]><a>&e9;</a>'.encode()
    quadratic = f'<!DOCTYPE a [<!ENTITY e "{"x" * 100_000}">]><a>{"&e;" * 10_000}</a>'.encode()

    tracemalloc.start()
    for bomb in (laughs, quadratic):
        with pytest.raises(Unfit, match="document type"):
            from_xml(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 * 1024 * 1024


def test_a_flood_of_empty_lists_is_refused_before_it_is_built() -> None:
    flood = "[" + "[]," * (700 * 1024) + "[]]"

    tracemalloc.start()
    with pytest.raises(Unfit, match="parts"):
        from_json(flood)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1024 * 1024
