"""The incidents of late as a JSON Feed (https://www.jsonfeed.org/version/1.1/). Pure."""

from __future__ import annotations

from agent.ledger.jsontext import dumps
from exporters.feed.entries import Digest
from exporters.web.text import iso

JSON_FEED = "application/feed+json"


def json_feed(digest: Digest) -> bytes:
    """The document, in UTF-8."""
    items = [
        {
            "id": entry.id,
            "url": entry.url,
            "title": entry.title,
            "content_text": entry.text,
            "date_published": iso(entry.published),
            "date_modified": iso(entry.updated),
            "tags": list(entry.tags),
        }
        for entry in digest.entries
    ]
    return dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": digest.title,
            "home_page_url": digest.url,
            "feed_url": digest.own,
            "language": "en-GB",
            "authors": [{"name": "Ridgeway"}],
            "items": items,
        }
    ).encode()
