"""`ridgeway replay FILE…`: what the checks would say of a recording, without any network."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.options import Moment, json_option
from agent.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.replay import Replay
    from checks.contract import CheckKind
    from checks.recordings.recording import RecordedCheck, Recording


@click.command("replay")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--profile", help="The profile to read an SNMP recording with, instead of the one it was taken with.")
@click.option("--question", help="The question of the profile that the file, an answer of a firewall's API, answers.")
@click.option("--command", "typed", help="The command whose output the file is, where it does not say so itself.")
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The recording of another member of the same firewall: they are judged as a pair. May be repeated.",
)
@click.option("--at", "at", type=Moment(), help="When it is to have been read; otherwise when it was.")
@json_option
def command(
    files: tuple[Path, ...],
    profile: str | None,
    question: str | None,
    typed: str | None,
    peers: tuple[Path, ...],
    at: float | None,
    as_json: bool,
) -> int:
    """Assess recordings without any network: the target is called after the file.

    Exit status: 0 ok, 1 warning, 2 critical, 3 unknown or unsupported.
    """
    from checks.catalogue import load_catalogue
    from checks.recordings.recording import RecordingError

    kinds = load_catalogue()
    replays: list[Replay] = []
    try:
        if peers:
            if len(files) != 1:
                raise Failure("--peer is for one FILE: the recordings of the members of one firewall.", status=3)
            return shown([asyncio.run(pair_replayed((*files, *peers), profile, at, kinds))], as_json=as_json)
        from_api = _by_api(files, profile, question, at, kinds)
    except RecordingError as error:
        raise Failure(str(error), status=3) from error
    if from_api is not None:
        return shown([from_api], as_json=as_json)
    for file in files:
        try:
            replays.append(asyncio.run(replayed(file, profile, at, kinds, typed)))
        except RecordingError as error:
            raise Failure(str(error), status=3) from error
    return shown(replays, as_json=as_json)


def _by_api(
    files: tuple[Path, ...], profile: str | None, question: str | None, at: float | None, kinds: Mapping[str, CheckKind]
) -> Replay | None:
    """Answers of a firewall's API, all of one firewall; None where the files are none. Raises RecordingError."""
    from agent.api_captures import by_https, capture, is_answer
    from agent.replay import now, replay_answers
    from checks.recordings import reading

    read_by = by_https(profile)
    if read_by is None or not all(is_answer(reading.octets(file)) for file in files):
        if question is not None:
            raise Failure("--question needs JSON or XML and a --profile that is read over HTTPS.", status=3)
        return None
    kept = capture(files, question, read_by)
    return replay_answers(kept.name, kept.profile, kept.documents, kinds, at if at is not None else now())


def shown(replays: list[Replay], *, as_json: bool) -> int:
    """Print what was judged, and return the exit status."""
    from agent.once import overall

    if as_json:
        reports = [replay.report() for replay in replays]
        click.echo(json.dumps(reports[0] if len(reports) == 1 else reports, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(_for_people(replay) for replay in replays))
    from checks.contract import worst

    return min(worst([overall(replay.results) for replay in replays]).code, 3)


async def replayed(
    file: Path, profile: str | None, at: float | None, kinds: Mapping[str, CheckKind], typed: str | None = None
) -> Replay:
    """One recording, judged by the named profile or the one that fits. Raises RecordingError."""
    from agent.captures import answers, outputs
    from agent.replay import IDENTIFYING, check_for, now, replay_answers, replay_observation, replay_snmp, wanted
    from checks.recordings import observed, reading
    from checks.recordings.capture import KINDS
    from checks.recordings.recording import RecordedCheck

    name = file.name
    raw = reading.octets(file)
    if reading.is_observation(raw):
        observation, check, kind = observed.read(raw, name, kinds)
        if profile is not None:
            if kind.kind not in KINDS:
                raise Failure(f"{name} is an observation of the kind {kind.kind}; --profile is for SNMP.", status=3)
            check = RecordedCheck(profile, {"profile": profile}, kind=kind.kind)
        return replay_observation(name, observation, check, kind, at)
    said = outputs(raw, name, typed) if typed is not None or reading.may_be_commands(raw) else {}
    if said:
        return replay_answers(name, *answers(name, said, profile), kinds, at if at is not None else now())
    head = reading.recording(raw, name, IDENTIFYING)
    checks = head.checks
    if profile is not None or not checks:
        checks = (check_for(head, profile),)
        if profile is None:
            click.echo(_said_of(name, checks[0]), err=True)
    recording = reading.recording(raw, name, wanted(name, checks, kinds))
    _tell_oddities(name, recording)
    moment = at if at is not None else recording.at if recording.at is not None else now()
    return await replay_snmp(name, recording, checks, kinds, moment)


async def pair_replayed(
    files: tuple[Path, ...], profile: str | None, at: float | None, kinds: Mapping[str, CheckKind]
) -> Replay:
    """Recordings of members of one firewall, judged together. Raises RecordingError."""
    from agent.replay import SYSTEM, now, profile_of_pair, replay_pair, wanted
    from checks.recordings import reading
    from checks.recordings.recording import RecordedCheck

    contents = {name: reading.octets(file) for name, file in zip(_members(files), files, strict=True)}
    for name, raw in contents.items():
        if reading.is_observation(raw):
            raise Failure(f"{name} is an observation; --peer is for SNMP recordings of two members.", status=3)
    heads = [reading.recording(raw, name, (SYSTEM,)) for name, raw in contents.items()]
    profile = profile or profile_of_pair(heads)
    check = RecordedCheck("pair", {"profile": profile}, kind="firewall")
    recordings = {name: reading.recording(raw, name, wanted(name, (check,), kinds)) for name, raw in contents.items()}
    for name, recording in recordings.items():
        _tell_oddities(name, recording)
    taken = [recording.at for recording in recordings.values() if recording.at is not None]
    return await replay_pair(recordings, profile, kinds, at if at is not None else max(taken, default=now()))


def _members(files: tuple[Path, ...]) -> list[str]:
    """What the members are called: their files' names, with the place among all where two have the same."""
    names = [file.name for file in files]
    return [f"{name}#{place}" if names.count(name) > 1 else name for place, name in enumerate(names, start=1)]


def _said_of(name: str, check: RecordedCheck) -> str:
    """How a recording is read that does not say for which check it was taken."""
    if check.kind != "snmp":
        return f"{name} is recognised as {check.name}. Name another profile with --profile."
    return f"{name} does not say for which profile it was taken; read with {check.name}. Name another with --profile."


def _tell_oddities(name: str, recording: Recording) -> None:
    for oddity in recording.oddities:
        click.echo(f"{name}: passed over {oddity}", err=True)


def _for_people(replay: Replay) -> str:
    from agent.once import overall

    rows = [
        (result.subject.check.name, finding.state.upper(), finding.key, finding.summary)
        for result in replay.results
        for finding in sorted(result.assessment.findings, key=lambda finding: -finding.state.rank)
    ]
    head = f"{overall(replay.results).upper()} - {replay.target.name} (a recording)"
    return head + ("\n" + table(("check", "state", "finding", "what"), rows) if rows else "")
