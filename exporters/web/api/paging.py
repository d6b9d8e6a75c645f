"""The token with which a reader turns the pages of a list: opaque, and good only for the question it was given for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re

from pydantic import BaseModel
from starlette.exceptions import HTTPException

_ID = re.compile(r"[A-Z0-9-]{1,40}\Z")
_PLACE = {"page", "limit"}
_WRONG = "page is `next` of an answer to the same question; leave it out to begin anew."


def token(last: str, question: BaseModel) -> str:
    """What asks for the page after the row of this id."""
    return base64.urlsafe_b64encode(json.dumps([last, _digest(question)]).encode()).decode().rstrip("=")


def row_before(page: str | None, question: BaseModel) -> str | None:
    """The id after which the page begins; None for the first page. HTTPException 400 for any other text."""
    if page is None:
        return None
    try:
        last, digest = json.loads(base64.b64decode(page + "=" * (-len(page) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise HTTPException(400, _WRONG) from None
    if not isinstance(last, str) or _ID.match(last) is None or digest != _digest(question):
        raise HTTPException(400, _WRONG)
    return last


def _digest(question: BaseModel) -> str:
    """Of what was asked for, without the place in it."""
    return hashlib.sha256(question.model_dump_json(exclude=_PLACE).encode()).hexdigest()[:12]
