"""The pages, rendered: which template with what, worst first, and the one sentence on top."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from checks.contract import State
from exporters.web import text
from exporters.web.runbook_pages import Runbooks
from exporters.web.view import Health, IncidentDetail, Problem, Summary, TargetLine

_HERE = Path(__file__).parent
_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
Tone = Literal["ok", "warning", "critical", "unknown"]
_TONES: dict[int, Tone] = {
    State.CRITICAL.rank: "critical",
    State.UNKNOWN.rank: "unknown",
    State.WARNING.rank: "warning",
    State.UNSUPPORTED.rank: "warning",
    State.OK.rank: "warning",
}
"""By the worst problem's rank; a problem that says it is ok is still a problem."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The answer to "is anything wrong?", for the title and the first heading."""

    tone: Tone
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Static:
    body: bytes
    content_type: str


class Pages:
    """Renders templates; knows no request."""

    def __init__(self, version: str, runbooks: Runbooks) -> None:
        self.static = {
            path.name: Static(path.read_bytes(), _STATIC_TYPES[path.suffix])
            for path in sorted((_HERE / "static").iterdir())
            if path.suffix in _STATIC_TYPES
        }
        digest = hashlib.sha256(b"".join(file.body for file in self.static.values())).hexdigest()[:12]
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            moment=text.moment, iso=text.iso, lasting=text.lasting, value=text.value, safe_url=text.safe_url
        )
        self._templates.globals.update(
            version=version, static_version=digest, plural=text.plural, runbook_for=runbooks.named, State=State
        )

    def render(self, template: str, now: float, **values: object) -> str:
        """A whole page."""
        return self._templates.get_template(template).render(now=now, **values)


def etag(page: str) -> str:
    """Tells whether what a page says has changed: its title and `main`, not the moment it was made."""
    start, end = page.index("<main"), page.rindex("</main>")
    title = page[page.index("<title>") : page.index("</title>")]
    return f'W/"{hashlib.sha256((title + page[start:end]).encode()).hexdigest()[:24]}"'


def worst_first(problems: Sequence[Problem]) -> list[Problem]:
    """What nobody has seen before what is known, then by state (stale counts as unknown), then the newest first."""

    return sorted(problems, key=lambda problem: (problem.muted, -_rank(problem), -problem.since))


def _rank(problem: Problem) -> int:
    return max(problem.state.rank, State.UNKNOWN.rank) if problem.stale else problem.state.rank


def headline(summary: Summary, problems: Sequence[Problem], health: Health) -> Headline:
    """One sentence. Says that all is well only when everything is known and ok."""
    if summary.isolated_since is not None:
        since = f"Since {text.moment(summary.isolated_since)} it has not reached its own gateway."
        return Headline("critical", "This agent is cut off: nothing behind its gateway is known", since)
    if not health.healthy:
        return Headline("critical", "This agent does not work: nothing below is up to date", health.reason)
    if summary.ledger_trouble:
        return Headline("critical", "The ledger cannot be written: no ticket is made or closed", summary.ledger_trouble)
    fresh = [problem for problem in problems if not problem.muted]
    muted = len(problems) - len(fresh)
    known = f"{text.plural(muted, 'more is', 'more are')} acknowledged or under maintenance." if muted else ""
    if fresh:
        needs = "problem needs attention" if len(fresh) == 1 else "problems need attention"
        return Headline(_TONES[max(map(_rank, fresh))], f"{len(fresh)} {needs}", known)
    return _without_problems(summary, known)


def _without_problems(summary: Summary, known: str) -> Headline:
    total = sum(summary.checks.values())
    if not total:
        return Headline("unknown", "Nothing is watched: the estate has no checks")
    if summary.last_result is None:
        return Headline("unknown", "Nothing is known yet: no check has finished")
    unknown = summary.checks.get(State.UNKNOWN, 0)
    if unknown:
        return Headline("unknown", f"No incident, but {text.plural(unknown, 'check')} unknown", known)
    bad = summary.checks.get(State.CRITICAL, 0) + summary.checks.get(State.WARNING, 0)
    if known:
        return Headline("ok", "Nothing new needs attention", known)
    if bad:
        return Headline("warning", f"No incident yet, but {text.plural(bad, 'check')} not ok")
    unsupported = summary.checks.get(State.UNSUPPORTED, 0)
    detail = f"{text.plural(unsupported, 'check')} cannot be told by the product (unsupported)." if unsupported else ""
    return Headline("ok", f"All is well: {text.plural(total - unsupported, 'check')} ok", detail)


def targets_by_council(
    targets: Sequence[TargetLine], councils: Mapping[str, str]
) -> list[tuple[str, list[TargetLine]]]:
    """Council titles with their targets, worst first and then by name."""
    by_council: dict[str, list[TargetLine]] = {}
    for line in sorted(targets, key=lambda line: (-line.state.rank, line.name)):
        by_council.setdefault(line.council, []).append(line)
    return [(councils.get(name, name), by_council[name]) for name in sorted(by_council)]


def children_worst_first(detail: IncidentDetail) -> list[Problem]:
    return worst_first(detail.children)
