"""JSON and XML that a stranger sent, as documents: bounded in octets, in depth and in the number of their parts. Pure.

XML is read by defusedxml without any document type, so that no entity of it is ever expanded. What is left is as JSON:
an element without attributes and elements is its text, any other an object with `@name` for its attributes, `#text` for
its text, and an entry for each name of an element: a list where there are several, or where the profile says so.
"""

from __future__ import annotations

from collections.abc import Collection
from xml.etree.ElementTree import ParseError

from checks.network import json_pointer
from checks.network.documents import Document

DEEPEST = 40
MOST_PARTS = 100_000
"""Values of a JSON document, elements and attributes of an XML one; one takes some 100 octets of memory."""
_PART = 64 * 1024


class Unfit(Exception):
    """What came is no such document, or more than is read; the text says which. Asking again can help."""


def from_json(text: str) -> Document:
    """The document in a JSON text (RFC 8259). Raises Unfit."""
    if text.count(",") + text.count("[") + text.count("{") > MOST_PARTS:
        raise Unfit(f"it has more than {MOST_PARTS} parts")
    try:
        found: Document = json_pointer.document(text)
    except json_pointer.NotJson as error:
        raise Unfit(f"it is not JSON: {error}") from error
    level: list[Document] = [found]
    for _ in range(DEEPEST):
        level = [inner for one in level if isinstance(one, list | dict) for inner in _within(one)]
        if not level:
            return found
    raise Unfit(f"it is nested more than {DEEPEST} deep")


def from_xml(body: bytes, lists: Collection[str] = ()) -> Document:
    """The document in XML without a document type; elements called as in `lists` are always lists. Raises Unfit."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    builder = _Builder(lists)
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        for start in range(0, len(body), _PART):
            parser.feed(body[start : start + _PART])
        parser.close()
    except DefusedXmlException as error:
        raise Unfit("it has a document type, which is not read") from error
    except (ParseError, ValueError, LookupError) as error:  # not well-formed; an encoding nobody knows
        raise Unfit(f"it is not XML: {error}") from error
    return builder.document


def _within(one: list[Document] | dict[str, Document]) -> list[Document]:
    return one if isinstance(one, list) else list(one.values())


class _Builder:
    """Takes what the parser finds, element by element."""

    def __init__(self, lists: Collection[str]) -> None:
        self._lists = lists
        self._open: list[tuple[dict[str, Document], list[str]]] = [({}, [])]
        self._parts = 0

    @property
    def document(self) -> Document:
        """An object with the one outermost element."""
        return self._open[0][0]

    def start(self, _tag: str, attributes: dict[str, str]) -> None:
        self._parts += 1 + len(attributes)
        if self._parts > MOST_PARTS:
            raise Unfit(f"it has more than {MOST_PARTS} parts")
        if len(self._open) > DEEPEST:
            raise Unfit(f"it is nested more than {DEEPEST} deep")
        self._open.append(({f"@{_local(name)}": value for name, value in attributes.items()}, []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, tag: str) -> None:
        element, texts = self._open.pop()
        text, name, above = "".join(texts).strip(), _local(tag), self._open[-1][0]
        if element and text:
            element["#text"] = text
        value: Document = element or text
        before = above.get(name)
        if isinstance(before, list):  # only ever made here: no element is a list by itself
            before.append(value)
        elif name in above:
            above[name] = [before, value]
        else:
            above[name] = [value] if name in self._lists else value

    def close(self) -> None:
        """The parser's word for the end."""


def _local(name: str) -> str:
    """A name without its namespace, which changes with every release of Junos."""
    return name.rpartition("}")[2]
