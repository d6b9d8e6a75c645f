"""The pack as one page to read and to print: no script, nothing from elsewhere."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.evidence.model import Pack
from agent.evidence.period import london
from checks.backup.rules.freshness import span

_MOST = 500
"""Drills on the page, for which all would be too many."""


def as_html(pack: Pack, digest: str) -> bytes:
    """`digest` is the SHA-256 of the JSON that the page is made of."""
    environment = Environment(
        loader=PackageLoader("agent.evidence", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"london": london, "span": _span, "yes": _yes}
    return environment.get_template("page.html").render(pack=pack, digest=digest, most=_MOST).encode()


def _span(seconds: float | None) -> str:
    return "–" if seconds is None else span(seconds)


def _yes(said: bool | None) -> str:
    return {True: "yes", False: "no", None: "could not be done"}[said]
