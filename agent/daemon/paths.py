"""The matrix of flows: what must pass and what must be blocked, and how each was in its last run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from agent.records import CheckResult, Councils
from checks.contract import Finding, State
from checks.path.judgement import PASSES, key_of, simulator_key_of
from checks.path.options import PathOptions
from config.estate import CheckSpec, Target
from exporters.feed.scoped import finding_for
from exporters.web.view import FindingView, PathLine

_NOT_YET = "not tried yet"
_OLD = "the last run is too old to say anything"
_NOT_JUDGED = "not judged in the last run: something that it needs could not be asked"


def path_lines(
    targets: Iterable[Target],
    last: Mapping[tuple[str, str], CheckResult],
    vantage: str,
    now: float,
    councils: Councils,
) -> Sequence[PathLine]:
    """Every flow of these targets, told as this reader may see it. `vantage` is the judge's own."""
    return [
        line
        for target in targets
        for spec in target.checks
        if isinstance(spec.options, PathOptions)
        for line in _of_check(target, spec, spec.options, last.get((spec.id, vantage)), now, councils)
    ]


def _of_check(
    target: Target, spec: CheckSpec, options: PathOptions, result: CheckResult | None, now: float, councils: Councils
) -> Iterator[PathLine]:
    old = result is not None and now > result.started + result.valid_for
    told = partial(finding_for, councils=councils)
    current = result.assessment if result is not None and not old else None
    found: dict[str, Finding] = {one.key: one for one in map(told, current.findings if current else ())}
    passes = {one.labels[0]: bool(one.value) for one in (current.readings if current else ()) if one.family == PASSES}
    for name, flow in options.flows.items():
        finding, word = found.get(key_of(name)), found.get(simulator_key_of(name))
        yield PathLine(
            target=target.name,
            check=spec.name,
            council=target.council,
            flow=name,
            source=flow.source,
            to=flow.to or target.name,
            port=flow.at,
            protocol=flow.protocol.value,
            must=flow.must.value,
            owner=flow.owner,
            reason=flow.reason,
            state=finding.state if finding is not None else State.UNKNOWN,
            passes=passes.get(name),
            summary=finding.summary if finding is not None else _silent(result, old),
            evidence=finding.evidence if finding is not None else {},
            simulator=None if word is None else FindingView(word.key, word.state, word.summary),
            last_run=result.started if result is not None else None,
        )


def _silent(result: CheckResult | None, old: bool) -> str:
    if result is None:
        return _NOT_YET
    return _OLD if old else _NOT_JUDGED
