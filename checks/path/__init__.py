"""The kind `path`: flows that must pass and flows that must be blocked, tried from the vantages of both councils."""

from __future__ import annotations

from collections.abc import Sequence

from checks.contract import Assessment, CheckKind, Family, KindDefaults, Memory, Observation, Subject
from checks.path.answers import PathAnswers
from checks.path.judgement import FAMILIES, judged
from checks.path.options import KIND, PathOptions, inputs, places
from checks.path.rounds import collect
from config.estate import MofN, WakeClass


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """What the tries mean. Every try was made within the run, so that no clock and no memory is needed."""
    del memory, now
    options, observation = subject.check.options, observations[0]
    assert isinstance(options, PathOptions) and isinstance(observation.answers, PathAnswers)  # for mypy
    return judged(options, observation.answers, observation.vantage)


def families() -> tuple[Family, ...]:
    return FAMILIES


CHECK = CheckKind(
    kind=KIND,
    title="Flows that must pass and flows that must be blocked",
    options=PathOptions,
    answers=PathAnswers,
    defaults=KindDefaults(
        every=300.0, timeout=30.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.MORNING
    ),
    finding_keys={
        "path/<flow>": "The flow does not do what it must, or nothing proves it: the finding says what was tried.",
        "path/<flow>/simulator": "The firewall's own word and the real probe differ, or it is not understood.",
        "path/vantage/<name>": "The prober at a vantage could not be asked: look at it, then at the way to it.",
        "path/asking": "A firewall could not be asked for its counters or its simulator: look at the account.",
    },
    families=families,
    collect=collect,
    assess=assess,
    inputs=inputs,
    places=places,
)
__all__ = ["CHECK", "PathAnswers", "PathOptions"]
