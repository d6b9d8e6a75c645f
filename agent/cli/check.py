"""`ridgeway check TARGET[/CHECK]`: run checks once, now, without daemon or ledger, and answer as a plug-in does."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import kinds, read
from agent.cli.guard import guard
from agent.cli.options import config_option, json_option
from agent.cli.tables import table

if TYPE_CHECKING:
    from agent.records import CheckResult
    from checks.contract import State
    from config.estate import Estate, Target


@click.command("check")
@click.argument("subject", metavar="TARGET[/CHECK]")
@config_option
@json_option
@click.option(
    "--snmp-engine",
    type=click.Choice(["gufo-snmp", "pysnmp"]),
    default="gufo-snmp",
    show_default=True,
    help="Which library asks over SNMP; in doubt compare both.",
)
def command(subject: str, config_file: Path, as_json: bool, snmp_engine: str) -> int:
    """Run the checks of a target, or one of them, once and now.

    Exit status: 0 ok, 1 warning, 2 critical, 3 unknown or unsupported.
    """
    estate = read(config_file)
    target, names = choose(estate, subject)
    from agent.once import overall, report
    from agent.stderr import StderrFilter

    with StderrFilter():
        try:
            results = asyncio.run(_run(estate, target, names, snmp_engine == "pysnmp"))
        except asyncio.CancelledError:
            sys.exit(128 + signal.SIGTERM)

    state = overall(results)
    if as_json:
        click.echo(json.dumps(report(target, results), indent=2, ensure_ascii=False))
    else:
        click.echo(_for_people(target, results, state))
    return min(state.code, 3)


def choose(estate: Estate, subject: str) -> tuple[Target, frozenset[str]]:
    """The target that is meant, and the names of its checks that are. Raises Failure."""
    name, slash, check = subject.partition("/")
    target = estate.targets.get(name)
    if target is None:
        raise Failure(f"No target is called {name!r}.{_nearest(name, estate.targets)}", status=3)
    names = frozenset(spec.name for spec in target.checks)
    if not names:
        raise Failure(f"{name} has no checks.", status=3)
    if not slash:
        return target, names
    if check not in names:
        raise Failure(f"{name} has no check {check!r}; it has {', '.join(sorted(names))}.", status=3)
    return target, frozenset({check})


def _nearest(name: str, known: object) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)  # type: ignore[call-overload]
    return f" Did you mean {close[0]}?" if close else ""


async def _run(estate: Estate, target: Target, names: frozenset[str], second: bool) -> list[CheckResult]:
    from agent.once import run_once

    check_kinds, _ = kinds()
    task = asyncio.current_task()
    assert task is not None  # for mypy
    # A test call that is under way has to be hung up, whoever ends this command.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_once(estate, target, names, check_kinds, guard([target]), second=second)


def _for_people(target: Target, results: list[CheckResult], state: State) -> str:
    rows = [
        (result.subject.check.name, finding.state.upper(), finding.key, finding.summary)
        for result in results
        for finding in sorted(result.assessment.findings, key=lambda finding: -finding.state.rank)
    ]
    head = f"{state.upper()} - {target.name} ({target.address}, {target.council}, {target.site})"
    return head + ("\n" + table(("check", "state", "finding", "what"), rows) if rows else "")
