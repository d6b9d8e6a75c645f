"""An answer that is sent again only when it has changed (RFC 9110, section 13)."""

from __future__ import annotations

import hashlib
from email.utils import formatdate, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response


def conditional(request: Request, body: bytes, media_type: str, changed: float, now: float) -> Response:
    """200 with the body, or 304 where the asker has it already. `changed` and `now` are Unix seconds."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if now >= int(changed) + 1:  # in the second of a change another may follow, which that date could not tell
        headers["Last-Modified"] = formatdate(int(changed), usegmt=True)
    known = request.headers.get("if-none-match")
    if known is not None:
        fresh = known == "*" or tag in [one.strip().removeprefix("W/") for one in known.split(",")]
    else:
        fresh = "Last-Modified" in headers and _since(request) >= int(changed)
    if fresh:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type)


def _since(request: Request) -> float:
    try:
        return parsedate_to_datetime(request.headers.get("if-modified-since", "")).timestamp()
    except (ValueError, OverflowError):
        return float("-inf")
