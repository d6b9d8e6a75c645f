"""`ridgeway record TARGET`: what a device answers to its checks, masked, in a file that `ridgeway replay` reads."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.check import choose
from agent.cli.errors import Failure
from agent.cli.estate import kinds, read
from agent.cli.guard import guard
from agent.cli.options import config_option, json_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.contract import CheckKind, Observation
    from checks.recordings.masking import Masker
    from checks.recordings.recording import Recording
    from config.estate import CheckSpec, Estate, Target

_SNMP = "snmp"
_NAMED = frozenset({"community", "user", "username"})
"""Settings of a credential that are secret, or half of one, although they need not be references."""
_SHOWN = {
    "address": "IPv4 addresses", "address6": "IPv6 addresses", "contact": "contacts", "label": "labels",
    "location": "locations", "mac": "hardware addresses", "mail": "e-mail addresses", "name": "names",
    "number": "telephone numbers", "serial": "serial numbers", "ssid": "SSIDs", "user": "users",
    "removed": "values removed",
}  # fmt: skip


@click.command("record")
@click.argument("subject", metavar="TARGET[/CHECK]")
@config_option
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The file to write; it must not be there yet.")
@click.option("--walk", "walks", multiple=True, help="Also everything below this numeric OID. Repeatable.")
@click.option("--observation", is_flag=True, help="Instead, what one check of any kind brings back, as JSON.")
@click.option(
    "--most", type=click.IntRange(1, 500_000), default=20_000, show_default=True, help="Values to record at most."
)
@click.option("--seconds", type=click.IntRange(1, 3_600), default=120, show_default=True, help="How long it may take.")
@json_option
def command(
    subject: str,
    config_file: Path,
    output: Path | None,
    walks: tuple[str, ...],
    observation: bool,
    most: int,
    seconds: int,
    as_json: bool,
) -> int:
    """Record what a target answers to its SNMP checks, with addresses, names and secrets masked.

    Exit status: 0 recorded, 1 recorded but cut short, 2 wrong usage, 3 nothing was answered.
    """
    from checks.recordings.capture import KINDS
    from checks.recordings.masking import Masker
    from checks.recordings.recording import RecordingError

    estate = read(config_file)
    target, names = choose(estate, subject)
    checks = [spec for spec in target.checks if spec.name in names]
    together = next((spec for spec in checks if spec.inputs and spec.kind not in KINDS), None)
    if together is not None:
        return _members(estate, target, together, output, walks, observation, most, seconds, as_json)
    file = output or Path(f"{subject.replace('/', '-')}.{'json' if observation else 'snmprec'}")
    if os.path.lexists(file):
        raise Failure(f"{file} is there already and is not overwritten; name another with --output.", status=2)
    masker = Masker(os.urandom(32), (target.name, target.address), _secrets(target))
    try:
        if observation:
            lines, told = _observation(estate, target, checks, most, seconds, masker)
        else:
            lines, told = _snmp(target, checks, walks, most, seconds, masker)
        _write(file, lines)
    except RecordingError as error:
        raise Failure(str(error), status=3) from error
    told = {"file": str(file), **told, "masked": masker.counts}
    click.echo(json.dumps(told, indent=2) if as_json else _for_people(told))
    return 1 if told["cut"] else 0


def _members(
    estate: Estate,
    target: Target,
    check: CheckSpec,
    output: Path | None,
    walks: tuple[str, ...],
    observation: bool,
    most: int,
    seconds: int,
    as_json: bool,
) -> int:
    """A recording of each target that the check asks, masked alike, so that what one says of another still fits."""
    from agent.replay import one_member
    from checks.recordings.masking import Masker
    from checks.recordings.recording import RecordingError

    if observation:
        raise Failure(f"{check.id} is recorded without --observation: a file for each member, for replay --peer.", 2)
    members = [estate.targets[name] for name in check.inputs]
    stem = output.with_suffix("") if output is not None else Path(target.name)
    files = {member.name: stem.with_name(f"{stem.name}-{member.name}.snmprec") for member in members}
    for file in files.values():
        if os.path.lexists(file):
            raise Failure(f"{file} is there already and is not overwritten; name others with --output.", status=2)
    known = [(one.name, one.address) for one in (target, *members)]
    secrets = [secret for member in members for secret in _secrets(member)]
    masker = Masker(os.urandom(32), tuple(text for pair in known for text in pair), secrets)
    all_told = []
    try:
        for member in members:
            lines, told = _snmp(member, [one_member(check, member.name)], walks, most, seconds, masker)
            _write(files[member.name], lines)
            all_told.append({"file": str(files[member.name]), **told, "masked": masker.counts})
    except RecordingError as error:
        raise Failure(str(error), status=3) from error
    click.echo(json.dumps(all_told, indent=2) if as_json else "\n\n".join(map(_for_people, all_told)))
    return 1 if any(told["cut"] for told in all_told) else 0


def _snmp(
    target: Target, checks: list[CheckSpec], walks: tuple[str, ...], most: int, seconds: int, masker: Masker
) -> tuple[Iterator[str], dict[str, Any]]:
    """The lines of an SNMP recording, and what to say of it. Raises RecordingError."""
    from agent.stderr import StderrFilter
    from checks.recordings import snmprec
    from checks.recordings.capture import KINDS

    asking = [spec for spec in checks if spec.kind in KINDS]
    if _SNMP not in target.credentials:
        raise Failure(
            f"{target.name} has no credential for SNMP. A check of another kind is recorded with --observation, one "
            f"at a time: ridgeway record {target.name}/CHECK --observation",
            status=2,
        )
    with StderrFilter():
        recording, why = asyncio.run(_captured(target, asking, _roots(walks), most, seconds, masker))
    if not recording.values:
        raise Failure(f"{target.name} answered nothing, so nothing was written: {why}", status=3)
    cut = {oid: reason.value for oid, reason in recording.cut.items()}
    told = {"values": len(recording.values), "checks": [spec.name for spec in asking], "cut": cut}
    return snmprec.written(recording), told


def _roots(walks: tuple[str, ...]) -> tuple[str, ...]:
    from pydantic import TypeAdapter, ValidationError

    from config.profiles.words import Oid

    roots = tuple(walk.strip().lstrip(".") for walk in walks)
    for root in roots:
        try:
            TypeAdapter(Oid).validate_python(root)
        except ValidationError:
            raise Failure(f"--walk {root[:60]!r}: a numeric OID belongs there, such as 1.3.6.1.2.1.33", 2) from None
    return roots


async def _captured(
    target: Target, checks: list[CheckSpec], walks: tuple[str, ...], most: int, seconds: int, masker: Masker
) -> tuple[Recording, str]:
    from dataclasses import replace

    from checks.contract import Context
    from checks.recordings.capture import Recorder, captured, masked
    from checks.transports import Transports

    opened = Transports.open()
    recorder = Recorder(most)
    context = Context("here", replace(opened, snmp=recorder), time.time)
    context.deadline = asyncio.get_running_loop().time() + seconds
    showing = asyncio.create_task(_progress(recorder))
    try:
        recording = await captured(target, checks, walks, context, recorder)
    finally:
        showing.cancel()
        if sys.stderr.isatty():
            click.echo(err=True)
        await recorder.close()
        await opened.close()
    return masked(recording, masker), recorder.why


async def _progress(recorder: Any) -> None:
    """A line a second for a person who waits."""
    while sys.stderr.isatty():
        await asyncio.sleep(1)
        click.echo(f"\r{recorder.count} values", err=True, nl=False)


def _observation(
    estate: Estate, target: Target, checks: list[CheckSpec], most: int, seconds: int, masker: Masker
) -> tuple[Iterator[str], dict[str, Any]]:
    """The text of an observation, and what to say of it. Raises RecordingError."""
    from agent.once import run_once
    from agent.stderr import StderrFilter
    from checks.recordings import observed
    from checks.recordings.capture import KINDS, alone

    if len(checks) != 1:
        names = ", ".join(spec.name for spec in checks)
        raise Failure(f"An observation is that of one check: {target.name}/CHECK. There are {names}.", status=2)
    check_kinds, _ = kinds()
    kind = check_kinds[checks[0].kind]
    with StderrFilter():
        if kind.kind in KINDS:
            # The rules for SNMP go by OID, so the values are masked before an observation is made of them.
            recording, _ = asyncio.run(_captured(target, checks, (), most, seconds, masker))
            observation = asyncio.run(_observed(target, alone(checks[0]), kind, recording))
        else:
            results = asyncio.run(run_once(estate, target, frozenset({checks[0].name}), check_kinds, guard([target])))
            observation = results[0].observations[0]
    data = observed.written(observation, alone(checks[0]), kind)
    answers = data["observation"]["answers"]
    data = masker.plain(data)
    if kind.kind in KINDS:
        data["observation"]["answers"] = answers
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    _check_masked(text, check_kinds)
    cut = {kind.kind: observation.fault.reason.value} if observation.fault is not None else {}
    return iter(text.splitlines()), {"checks": [checks[0].name], "cut": cut}


async def _observed(target: Target, check: CheckSpec, kind: CheckKind, recording: Recording) -> Observation:
    from dataclasses import replace

    from checks.contract import Context
    from checks.recordings.playback import Playback
    from checks.transports import Transports

    opened = Transports.open()
    try:
        at = recording.at or time.time()
        context = Context("here", replace(opened, snmp=Playback(recording)), lambda: at)
        context.deadline = asyncio.get_running_loop().time() + check.timeout
        return await kind.collect(target, check.options, context)
    finally:
        await opened.close()


def _check_masked(text: str, check_kinds: Mapping[str, CheckKind]) -> None:
    """What cannot be read again is not written. Raises RecordingError."""
    from checks.recordings import observed

    observed.read(text.encode(), "the masked observation", check_kinds)


def _secrets(target: Target) -> Iterator[str]:
    """Every secret of the target's credentials that can be had; what cannot be read cannot be in an answer of ours."""
    from config.secrets import SecretError, SecretReference

    for credential in target.credentials.values():
        for name, value in credential.settings.items():
            if isinstance(value, SecretReference):
                try:
                    yield from filter(None, value.resolve().reveal().splitlines())
                except SecretError:
                    continue
            elif name in _NAMED:
                yield str(value)


def _write(file: Path, lines: Iterator[str]) -> None:
    """Write the file whole or not at all; never over another. Raises RecordingError."""
    from checks.recordings.recording import RecordingError

    try:
        with open(file, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            try:
                out.writelines(f"{line}\n" for line in lines)
            except OSError:
                file.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise RecordingError(f"{file} has just been made by somebody else; name another with --output") from None
    except OSError as error:
        raise RecordingError(f"{file}: {error.strerror}; name another place with --output") from error


def _for_people(told: Mapping[str, Any]) -> str:
    masked = ", ".join(f"{count} {_SHOWN.get(sort, sort)}" for sort, count in told["masked"].items()) or "nothing"
    lines = [
        f"{told['file']}: " + (f"{told['values']} values of " if "values" in told else "what was brought back by ")
        + (", ".join(told["checks"]) or "the system group"),
        f"Masked: {masked}. Free text may hold what no rule knows: read the file before you give it away.",
    ]  # fmt: skip
    lines += [f"Not read to its end: {what} ({why})" for what, why in told["cut"].items()]
    return "\n".join(lines)
