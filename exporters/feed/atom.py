"""The incidents of late as an Atom feed (RFC 4287). Pure."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from exporters.feed.entries import Digest, Entry
from exporters.web.text import iso

ATOM = "application/atom+xml"
_SPACE = "http://www.w3.org/2005/Atom"
_FORBIDDEN = dict.fromkeys([*(n for n in range(32) if n not in (9, 10, 13)), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF])
"""Characters that no XML 1.0 document may have, escaped or not."""


def atom(digest: Digest) -> bytes:
    """The document, in UTF-8."""
    feed = Element("feed", {"xmlns": _SPACE, "xml:lang": "en-GB"})
    _text(feed, "id", digest.id)
    _text(feed, "title", digest.title)
    _text(feed, "updated", iso(digest.updated))
    _text(SubElement(feed, "author"), "name", "Ridgeway")
    SubElement(feed, "link", {"rel": "self", "type": ATOM, "href": digest.own})
    SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": digest.url})
    for entry in digest.entries:
        _entry(SubElement(feed, "entry"), entry)
    indent(feed)
    document: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def _entry(element: Element, entry: Entry) -> None:
    _text(element, "id", entry.id)
    _text(element, "title", entry.title)
    _text(element, "published", iso(entry.published))
    _text(element, "updated", iso(entry.updated))
    SubElement(element, "link", {"rel": "alternate", "type": "text/html", "href": entry.url})
    for tag in entry.tags:
        SubElement(element, "category", {"term": tag})
    _text(element, "content", entry.text).set("type", "text")


def _text(parent: Element, name: str, text: str) -> Element:
    element = SubElement(parent, name)
    element.text = text.translate(_FORBIDDEN)
    return element
