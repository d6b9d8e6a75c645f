"""`ridgeway restore-drill run|verify|plant|list`: backups are really restored, apart from the agent.

No agent is asked, and none of its credentials are used: results are left in a directory that its check reads.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from agent.cli.errors import Failure
from agent.cli.options import json_option
from agent.cli.progress import Progress
from agent.cli.tables import moment, table

if TYPE_CHECKING:
    from agent.restore_drills.plan import AnyDrill, Plan
    from agent.restore_drills.scratch import Scratch
    from agent.restore_drills.verify import Verified
    from checks.backup.proofs import DrillState, ObjectRecords, RestoreRecord

_FILE = Path("/etc/ridgeway/drills.yaml")
_WORST_FIRST = {"failed": 1, "unproven": 3, "passed": 0}
_OUTCOME = {True: "passed", False: "failed", None: "unproven"}

drills_option = click.option(
    "--config.file",
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="RIDGEWAY_DRILLS_FILE",
    default=_FILE,
    show_default=True,
    help="The file of the drills.",
)


@click.group("restore-drill")
def command() -> None:
    """Restore from backups into a scratch place and see that what comes is what was kept."""


@command.command("run")
@click.argument("name")
@click.option("--change", default="", help="Reference of the change record.")
@click.option("--rehearse", is_flag=True, help="Expect a wrong digest, so that the alarm is seen to work.")
@drills_option
@json_option
def run(name: str, change: str, rehearse: bool, config_file: Path, as_json: bool) -> int:
    """Do what the drill NAME says: restore canary and samples, have a part of the data read; leave that for the agent.

    Exit status 0 when everything came back whole (in a rehearsal: when the wrong digest was noticed), 1 when a restore
    failed or data is damaged, 3 when something could not be done, which proves nothing.
    """
    plan, options = _planned(config_file, name)
    change = _change(options, change)
    if rehearse and not options.planted:
        raise Failure(
            f"The drill {name} has no canary to rehearse with: plant one, and add it to {config_file}.", status=2
        )
    _stop_politely()
    restores = _restored(plan, options, name, change, rehearse) if options.hands else ()
    read = _verified(plan, options, name, whole=False) if options.verify is not None and not rehearse else None
    if as_json:
        said = {"restores": [one.model_dump() for one in restores], "verification": read and _as_json(read)}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        for one in restores:
            click.echo(_sentence(one))
        if read is not None:
            click.echo(_said_of(read))
    if rehearse and all(one.rehearsal for one in restores):
        return 0
    outcomes = {one.outcome for one in restores} | ({_OUTCOME[read.read]} if read is not None else set())
    return next(status for outcome, status in _WORST_FIRST.items() if outcome in outcomes)


@command.command("verify")
@click.argument("name")
@click.option("--whole", is_flag=True, help="Read everything, not only the next part.")
@drills_option
@json_option
def verify(name: str, whole: bool, config_file: Path, as_json: bool) -> int:
    """Have the product read its data again, the next part of it, and leave the result for the agent.

    Exit status 0 when what was read is sound, 1 when it is damaged, 3 when it could not be read, for a lock say.
    """
    plan, options = _planned(config_file, name)
    if options.verify is None:
        raise Failure(f"The drill {name} has no verify: add it to {config_file}.", status=2)
    _stop_politely()
    done = _verified(plan, options, name, whole)
    click.echo(json.dumps(_as_json(done), indent=2, ensure_ascii=False) if as_json else _said_of(done))
    return _WORST_FIRST[_OUTCOME[done.read]]


def _restored(plan: Plan, options: AnyDrill, name: str, change: str, rehearse: bool) -> tuple[RestoreRecord, ...]:
    from agent.restore_drills.drill import Means, Request, drilled
    from agent.restore_drills.filing import with_restores

    scratch, progress = _scratch(plan), Progress()
    try:
        request = Request(name, options, _state(plan, options, name), change, rehearse)
        done = drilled(request, Means(scratch, time.time, progress, lambda line: click.echo(line, err=True)))
    finally:
        progress.end()
    for left in scratch.left:
        click.echo(f"Removed {scratch.base / left}, which a drill that was killed had left.", err=True)
    if scratch.cleaned is False:
        click.echo(f"{scratch.base} COULD NOT BE CLEANED: look at what lies there.", err=True)
    _file(plan, options, lambda records: with_restores(records, name, done.state, done.records))
    return done.records


def _verified(plan: Plan, options: AnyDrill, name: str, whole: bool) -> Verified:
    from agent.restore_drills.filing import with_verification
    from agent.restore_drills.verify import verified

    progress = Progress()
    try:
        done = verified(options, _state(plan, options, name), whole, _scratch(plan), time.time, progress)
    finally:
        progress.end()
    _file(plan, options, lambda records: with_verification(records, name, done.state, done.record))
    return done


def _sentence(one: RestoreRecord) -> str:
    took = f" {one.bytes} bytes in {one.seconds:.1f} s." if one.seconds is not None and one.bytes is not None else ""
    said = "rehearsed" if one.rehearsal else one.outcome
    point = f" (point of {moment(one.point)})" if one.point is not None else ""
    empty = " The scratch place is empty again." if one.cleaned else ""
    return f"{one.by}: {said}{point}: {one.message}.{took}{empty}"


def _said_of(done: Verified) -> str:
    word = {True: "sound", False: "DAMAGED", None: "not read"}[done.read]
    return f"{done.record.repository}: what was read is {word}. {done.record.message}".rstrip()


def _as_json(done: Verified) -> dict[str, object]:
    return {**done.record.model_dump(), "read": done.read}


@command.command("plant")
@click.argument("file", type=click.Path(path_type=Path))
def plant(file: Path) -> None:
    """Write a new canary to FILE, in the place of the one before. Run it just before every backup."""
    from agent.restore_drills.canary import PlantError
    from agent.restore_drills.canary import plant as planted

    try:
        planted(file, time.time())
    except PlantError as error:
        raise Failure(f"No canary was planted: {error}.") from error


@command.command("list")
@drills_option
@json_option
def list_drills(config_file: Path, as_json: bool) -> None:
    """List the drills, and what came of each restore the last time it was tried."""
    from agent.restore_drills.filing import recalled

    plan = _read(config_file)
    rows: list[tuple[str, str, RestoreRecord | None]] = []
    for name, options in plan.drills.items():
        records = recalled(Path(plan.proofs), options.object, time.time())
        last = {one.by: one for one in records.restores if one.by.endswith(f" {name}")}
        rows += [(name, options.object, one) for one in last.values()] or [(name, options.object, None)]
    if as_json:
        said = [{"drill": name, "object": of, "last": one.model_dump() if one else None} for name, of, one in rows]
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    cells = [
        (name, of, one.by.removesuffix(f" {name}"), moment(one.at), one.outcome, one.message)
        if one is not None
        else (name, of, "–", "never", "–", "")
        for name, of, one in rows
    ]
    click.echo(table(("drill", "object", "restored", "at", "outcome", "said"), cells))


@command.command("withdraw")
@click.argument("name")
@click.option("--object", "of", required=True, help="The estate's name of the object.")
@click.option("--reason", "-m", required=True, help="Why its failure is over; it stands in the evidence.")
@drills_option
def withdraw(name: str, of: str, reason: str, config_file: Path) -> None:
    """Say that the failures of the drill NAME are over, which will not be run again: renamed, or taken out of its file.

    Nothing is proved by that: how old the last proved restore is stays as it is.
    """
    from agent.restore_drills.filing import FilingError, filed, withdrawn
    from config.schema.words import read_line, read_name

    plan = _read(config_file)
    if name in plan.drills and plan.drills[name].object == of:
        raise Failure(f"{name} is still in {config_file}: run it again, which ends its failure.", status=2)
    try:
        read_name(of), read_line(reason)
        filed(Path(plan.proofs), of, time.time(), lambda one: withdrawn(one, name, time.time(), reason))
    except (ValueError, FilingError) as error:
        raise Failure(f"Nothing was withdrawn: {error}.", status=2) from error


def _read(file: Path) -> Plan:
    from agent.restore_drills.plan import read_plan
    from config.data_file import DataFileError

    try:
        return read_plan(file)
    except DataFileError as error:
        raise Failure(str(error), status=2) from error


def _planned(file: Path, name: str) -> tuple[Plan, AnyDrill]:
    plan = _read(file)
    if name not in plan.drills:
        raise Failure(f"{file} has no drill {name}; there are {', '.join(plan.drills)}.", status=2)
    return plan, plan.drills[name]


def _change(options: AnyDrill, given: str) -> str:
    from config.schema.words import read_line

    change = given or options.change or ""
    if options.change_required and not change:
        raise Failure("This drill needs the reference of a change: --change, or `change` in its file.", status=2)
    try:
        return read_line(change) if change else ""
    except ValueError as error:
        raise Failure(f"--change {error}.", status=2) from error


def _scratch(plan: Plan) -> Scratch:
    from agent.restore_drills.scratch import Scratch

    assert plan.scratch is not None  # a plan without is refused when it is read
    away = [plan.proofs, *(path for one in plan.drills.values() for path in one.sources)]
    return Scratch(Path(plan.scratch), [Path(path) for path in away], plan.scratch_on_encrypted_disk)


def _state(plan: Plan, options: AnyDrill, name: str) -> DrillState:
    from agent.restore_drills.filing import recalled
    from checks.backup.proofs import DrillState

    return recalled(Path(plan.proofs), options.object, time.time()).drills.get(name, DrillState())


def _file(plan: Plan, options: AnyDrill, change: Callable[[ObjectRecords], ObjectRecords]) -> None:
    from agent.restore_drills.filing import FilingError, filed

    try:
        filed(Path(plan.proofs), options.object, time.time(), change)
    except FilingError as error:
        raise Failure(f"The agent does not learn of this: {error}.", status=3) from error


def _stop_politely() -> None:
    """Have SIGTERM, SIGHUP and Ctrl-C end the drill as one that proves nothing, with its scratch place cleaned."""
    from agent.restore_drills.verdict import Stopped

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(one, signal.SIG_IGN)
        raise Stopped("the drill was stopped")

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
