"""The answers of Stormshield's serverd over HTTPS, as documents: sections of keys, or of lines of keys. Pure.

    <nws code="100" msg="OK"><serverd ret="101" code="00a01000" msg="Begin">
      <data format="section"><section title="Result"><key name="Model" value="SN310"/></section></data></serverd>
      <serverd ret="100" code="00a00100" msg="Ok"/></nws>

becomes `{"Result": {"Model": "SN310"}}`. Source: the vendor's own client, stormshield.sns.sslclient 1.1.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.firewall.http.parse import Unfit
from checks.network.documents import Document

_OK = "100"
_DONE = frozenset({"100", "101", "110", "111"})
"""Command successful, data follow, successful with warnings."""


def sections(document: Document) -> Document:
    """The sections by their titles; those of lines are lists of objects. Raises Unfit where the firewall refused."""
    nws = _child(document, "nws")
    if not isinstance(nws, dict) or "@code" not in nws:
        raise Unfit("it is no answer of serverd")
    if nws["@code"] != _OK:
        raise Unfit(f"the firewall answers {nws['@code']} {nws.get('@msg', '')}".rstrip())
    answers = list(_all(nws, "serverd"))
    if not answers:
        raise Unfit("it is no answer of serverd")
    for answer in answers:
        said = answer if isinstance(answer, dict) else {}
        if said.get("@ret") not in _DONE:
            raise Unfit(f"the command was refused: {said.get('@ret', '')} {said.get('@msg', '')}".rstrip())
    found: dict[str, Document] = {}
    for answer in answers:
        for data in _all(answer, "data"):
            for section in _all(data, "section"):
                title = section.get("@title") if isinstance(section, dict) else None
                if isinstance(title, str):
                    found[title] = _section(section)
    return found


def _section(section: Document) -> Document:
    lines = list(_all(section, "line"))
    return [_keys(line) for line in lines] if lines else _keys(section)


def _keys(holder: Document) -> Document:
    keys: dict[str, Document] = {}
    for key in _all(holder, "key"):
        if isinstance(key, dict) and isinstance(key.get("@name"), str):
            keys[str(key["@name"])] = key.get("@value")
    return keys


def _all(holder: Document, name: str) -> Iterator[Document]:
    there = _child(holder, name)
    if isinstance(there, list):
        yield from there
    elif there is not None:
        yield there


def _child(holder: Document, name: str) -> Document:
    return holder.get(name) if isinstance(holder, dict) else None
