"""The elements of an XML configuration, one after another, read by expat without a tree. Pure.

A document type is refused where it begins: it is what entities, and so the bombs, are made of, and no product writes
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from checks.firewall_config.statements import Cut

Element = tuple[tuple[str, ...], str, str]
"""The elements that it stands in, with their names where they have one; its own name; its text."""
_DEEPEST = 64
_WRAPPERS = ("response", "result", "config", "pfsense", "opnsense")
"""Outer elements that say nothing."""


class _Reader:
    def __init__(self) -> None:
        self.found: list[Element] = []
        self.closed = False
        self._opened: list[str] = []
        self._texts: list[list[str]] = []
        self._leaf = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._opened) >= _DEEPEST:
            raise Cut(f"it has elements within elements, {_DEEPEST} deep")
        own = attributes.get("name", "")
        self._opened.append(f"{name} {own}" if own else name)
        self._texts.append([])
        self._leaf = True

    def text(self, data: str) -> None:
        if self._texts:
            self._texts[-1].append(data)

    def end(self, name: str) -> None:
        heading = self._opened.pop()
        text = "".join(self._texts.pop()).strip()
        if self._leaf or text:
            value = text if heading == name else f"{heading.removeprefix(name).strip()} {text}".strip()
            self.found.append((self._within(), name, value))
        self._leaf = False
        self.closed = not self._opened

    def _within(self) -> tuple[str, ...]:
        begin = 0
        while begin < len(self._opened) and self._opened[begin] in _WRAPPERS:
            begin += 1
        return tuple(self._opened[begin:])


def elements(text: str) -> Iterator[Element]:
    """Every element that has a text, or nothing in it, in document order. Raises Cut."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refused
    begin, end = text.find("<"), text.rfind(">")
    try:
        parser.Parse(text[begin : end + 1].encode("utf-8", "replace") if 0 <= begin < end else b"", True)
    except expat.ExpatError as error:
        raise Cut(f"it is no whole XML document (line {error.lineno}: {expat.ErrorString(error.code)})") from error
    if not reader.closed:
        raise Cut("it is no whole XML document")
    return iter(reader.found)


def _refused(*_declared: object) -> None:
    raise Cut("it declares a document type, which no configuration does")
