"""`ridgeway doctor`: what is wrong with the agent, its machine and its set-up. It changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.control import call
from agent.cli.errors import Failure
from agent.cli.estate import kinds, read
from agent.cli.lines import show
from agent.cli.options import config_option, found_state, json_option, kept_ledger_option, may_be, socket_option
from agent.diagnosis import Line, broken, ok, unknown, warning

if TYPE_CHECKING:
    from agent.ledger.overview import Overview
    from config.estate import Estate

_GATEWAY_KINDS = ("icmp", "tcp")
"""Kinds that ask without a log-in."""


@click.command("doctor")
@config_option
@kept_ledger_option
@socket_option
@json_option
def command(config_file: Path, ledger_url: str, control_socket: Path, as_json: bool) -> int:
    """Look at configuration, secrets, clock, reachability, rights, descriptors, disk, ledger and the running agent.

    Each line says what was looked at and how to mend it. Nothing is changed, and nobody logs in to a device. Exit
    status 1 when something is broken or soon will be, 3 when nothing is but something could not be told.
    """
    estate, lines = _configuration(config_file)
    about, told = _agent(control_socket)
    lines += told
    if about is not None:
        from importlib.metadata import version

        from agent.doctor.running import agent_lines

        lines += agent_lines(about, version("ridgeway"), estate.revision if estate is not None else None)
    found, where = _ledger(ledger_url, about is not None, lines)
    lines += _machine(estate, about, found, where, control_socket)
    if estate is not None:
        lines += _reachability(estate)
    return show(lines, as_json, {})


def _configuration(config_file: Path) -> tuple[Estate | None, list[Line]]:
    from agent.doctor.rights import secret_lines
    from agent.redaction import references
    from checks.catalogue import load_catalogue

    lines = [
        broken("plug-in", one.why, "mend it or take it out of the virtual environment", f"{one.name} ({one.source})")
        for one in load_catalogue().broken
    ]
    try:
        estate = read(config_file)
    except Failure as failure:
        problems = failure.text.splitlines()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        mend = "ridgeway validate says everything"
        told = unknown if failure.status == 2 else broken
        return None, [*lines, told("estate", problems[0] + more, mend, str(config_file))]
    checks = sum(len(target.checks) for target in estate.targets.values())
    text = f"{estate.name}: {len(estate.targets)} targets, {checks} checks, revision {estate.revision[:12]}"
    return estate, [*lines, ok("estate", text, str(config_file)), *secret_lines(references(estate))]


def _agent(control_socket: Path) -> tuple[Mapping[str, Any] | None, list[Line]]:
    if not may_be(control_socket):
        mend = "systemctl start ridgeway, or name its socket with --control.socket"
        return None, [broken("agent", "none answers", mend, str(control_socket))]
    try:
        return call(control_socket, "about", {}), []
    except Failure as failure:
        refused = "may not" in failure.text or failure.status == 1
        told = unknown if refused else broken
        return None, [told("agent", failure.text, "", str(control_socket))]


def _ledger(ledger_url: str, answered: bool, lines: list[Line]) -> tuple[Overview | None, Path | None]:
    """What is known of the ledger, and the directory of one that is a file; adds its lines."""
    from agent.doctor.ledger import holder_lines, ledger_lines, pages
    from agent.ledger.database import database_at
    from agent.ledger.errors import LedgerError
    from agent.ledger.overview import overview
    from agent.ledger.read import Reader
    from agent.ledger.sqlite import SqliteDatabase

    try:
        database = database_at(ledger_url)
    except LedgerError as error:
        lines.append(broken("ledger", str(error), "name it with --ledger.url"))
        return None, None
    file = database.path if isinstance(database, SqliteDatabase) else None
    reader = Reader(database)
    try:
        found = reader.read(overview)
        damage = reader.read(lambda connection: pages(connection, found.size if found else 0))
        lines += ledger_lines(database.where, found, damage, time.time())
    except LedgerError as error:
        lines.append((unknown if error.retry else broken)("ledger", str(error), "see docs/ledger.md"))
        found = None
    finally:
        reader.close()
    if isinstance(database, SqliteDatabase):
        lines += holder_lines(database.lock, _text(Path("/proc/locks")), answered)
    return found, file


def _machine(
    estate: Estate | None,
    about: Mapping[str, Any] | None,
    found: Overview | None,
    ledger: Path | None,
    control_socket: Path,
) -> Iterator[Line]:
    from agent.doctor.clock import clock_lines, synchronised
    from agent.doctor.process import descriptor_lines, ping_lines, process, this_process
    from agent.doctor.rights import private_lines, writable_lines
    from agent.doctor.room import look, room_lines
    from agent.doctor.unit import show as show_unit
    from agent.doctor.unit import unit_lines

    yield from clock_lines(synchronised(), time.time(), found.alive_at if found is not None else None)
    owner = about["user"] if about is not None else None
    state = ledger.parent if ledger is not None else found_state()
    yield from private_lines("state directory", state, owner)
    yield from writable_lines(state)
    if ledger is not None:
        yield from private_lines("ledger file", ledger, owner)
    yield from private_lines("control socket", control_socket, owner)
    its = process(about["process"]) if about is not None else this_process()
    if estate is not None:
        yield from descriptor_lines(its, len(estate.targets))
        pings = any(spec.kind == "icmp" for target in estate.targets.values() for spec in target.checks)
        yield from ping_lines(its, pings)
    grown = None
    if found is not None and found.alive_at is not None and ledger is not None:
        grown = (found.size, found.alive_at - found.created_at)
    yield from room_lines(state, look(state), grown)
    journal = Path("/var/log/journal")
    if journal.is_dir():
        yield from room_lines(journal, look(journal), None)
    yield from unit_lines(show_unit())


def _reachability(estate: Estate) -> Iterator[Line]:
    from agent.doctor.names import name_lines, names_of, resolve
    from exporters.desks.trial import test_desk

    yield from name_lines(resolve(names_of(estate)))
    yield from asyncio.run(_gateway(estate))
    _, desk_kinds = kinds()
    for desk in estate.desks.values():
        queues = sorted({route.queue for route in estate.routes if desk.name in route.desks})
        lines = test_desk(desk, desk_kinds[desk.kind], queues, send=False)
        wrong = [line for line in lines if not line.ok]
        for line in wrong:
            yield broken("desk", f"{line.name}: {line.text}", f"then: ridgeway desk test {desk.name}", desk.name)
        if lines and not wrong:
            yield ok("desk", f"{len(lines)} things are as they must be", desk.name)


async def _gateway(estate: Estate) -> list[Line]:
    """The agent's own way out, asked by such of its checks as need no log-in."""
    from agent.isolation import gateway_of
    from agent.once import run_once
    from checks.transports.lockout import Lockout

    name = gateway_of(estate, estate.vantage)
    if name is None:
        mend = "name it in the estate: vantages, gateway; else an agent that is cut off blames everybody else"
        return [warning("gateway", f"the vantage {estate.vantage} names none", mend)]
    target = estate.targets[name]
    asking = frozenset(spec.name for spec in target.checks if spec.kind in _GATEWAY_KINDS)
    if not asking:
        return [unknown("gateway", "has neither an icmp nor a tcp check, so it is not asked", "", name)]
    check_kinds, _ = kinds()
    results = await run_once(estate, target, asking, check_kinds, Lockout())
    if any(result.reached for result in results):
        return [ok("gateway", f"answers at {target.address}", name)]
    why = next((result.fault.message for result in results if result.fault is not None), "no answer")
    told: Callable[..., Line] = broken if any(result.reached is False for result in results) else unknown
    return [told("gateway", why, "look at this machine's own network first", name)]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
