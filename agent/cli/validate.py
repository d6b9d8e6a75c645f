"""`ridgeway validate [--contact]`: everything that is wrong with an estate, before it is used."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import kinds, read
from agent.cli.guard import guard
from agent.cli.options import config_option, json_option

if TYPE_CHECKING:
    from config.estate import Estate


@click.command("validate")
@config_option
@click.option("--contact", is_flag=True, help="Also resolve the secrets, ask every desk and run every check once.")
@json_option
def command(config_file: Path, contact: bool, as_json: bool) -> int:
    """Say everything that is wrong with an estate: file, line, column, what, and what was probably meant."""
    try:
        estate = read(config_file)
    except Failure as failure:
        if as_json:
            click.echo(json.dumps({"valid": False, "problems": failure.text.splitlines()}, indent=2))
            return failure.status
        raise
    troubles = [*_plug_ins(), *(_contact(estate) if contact else ())]
    summary = {
        "valid": not troubles,
        "estate": estate.name,
        "revision": estate.revision,
        "targets": len(estate.targets),
        "checks": sum(len(target.checks) for target in estate.targets.values()),
        "problems": troubles,
    }
    if as_json:
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        for trouble in troubles:
            click.echo(trouble, err=True)
        click.echo(
            f"{estate.name}: {summary['targets']} targets, {summary['checks']} checks, revision {estate.revision[:12]}"
            + ("" if not troubles else f"; {len(troubles)} problem(s)")
        )
    return 1 if troubles else 0


def _plug_ins() -> Iterator[str]:
    """Kinds of checks that are installed and cannot be used."""
    from checks.catalogue import load_catalogue

    for broken in load_catalogue().broken:
        yield f"kind {broken.name} ({broken.source}): {broken.why}"


def _contact(estate: Estate) -> Iterator[str]:
    yield from _secrets(estate)
    yield from _outbound(estate)
    yield from _desks(estate)
    yield from asyncio.run(_checks(estate))


def _secrets(estate: Estate) -> Iterator[str]:
    from config.secrets import SecretError, SecretReference
    from exporters.web.access.tokens import TokenError, fetch

    for vantage in estate.vantages.values():
        if vantage.token is not None:
            try:
                vantage.token.resolve()
            except SecretError as error:
                yield f"vantage {vantage.name}, token: {error}"
    for token in estate.access.tokens.values():
        try:
            fetch(token)
        except TokenError as error:
            yield f"access, token {token.name}: {error}"
    seen: set[str] = set()
    for target in estate.targets.values():
        for credential in target.credentials.values():
            for name, setting in credential.settings.items():
                if not isinstance(setting, SecretReference) or f"{credential.name}.{name}" in seen:
                    continue
                seen.add(f"{credential.name}.{name}")
                try:
                    setting.resolve()
                except SecretError as error:
                    yield f"credential {credential.name}, {name}: {error}"


def _outbound(estate: Estate) -> Iterator[str]:
    """Whether the secrets of webhooks and heartbeats are there and are what they must be; nothing is sent."""
    from config.secrets import SecretError
    from exporters.outbound import url_of
    from exporters.webhooks.signing import key_of

    for webhook in estate.webhooks.values():
        for number, reference in enumerate(webhook.secrets, 1):
            try:
                key_of(reference)
            except SecretError as error:
                yield f"webhook {webhook.name}, secret {number}: {error}"
    urls = {f"webhook {name}": spec.url for name, spec in estate.webhooks.items()}
    urls |= {f"heartbeat {name}": heartbeat.url for name, heartbeat in estate.heartbeats.items()}
    for what, url in urls.items():
        try:
            url_of(url)
        except SecretError as error:
            yield f"{what}, url: {error}"


def _desks(estate: Estate) -> Iterator[str]:
    from exporters.desks.trial import test_desk

    _, desk_kinds = kinds()
    for desk in estate.desks.values():
        queues = sorted({route.queue for route in estate.routes if desk.name in route.desks})
        for line in test_desk(desk, desk_kinds[desk.kind], queues, send=False):
            if not line.ok:
                yield f"desk {desk.name}: {line.name}: {line.text}"


async def _checks(estate: Estate) -> list[str]:
    from agent.once import run_once

    check_kinds, _ = kinds()
    troubles = []
    everything = list(estate.targets.values())
    lockout = guard(everything)
    with click.progressbar(everything, label="Asking", file=sys.stderr) as targets:
        for target in targets:
            names = frozenset(spec.name for spec in target.checks)
            for result in await run_once(estate, target, names, check_kinds, lockout):
                if result.fault is not None:
                    troubles.append(f"{result.subject.check.id}: {result.fault.message}")
    return troubles
