"""`ridgeway evidence backup`: the pack for an assessor and two boards, from the ledger as it stands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import read
from agent.cli.ledger import look
from agent.cli.options import by_option, config_option, kept_ledger_option

if TYPE_CHECKING:
    from agent.evidence.model import Pack
    from agent.evidence.period import Period

_FORMS = ("json", "csv", "html")


class _Day(click.ParamType[date]):
    """`2026-11-30`."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the calendar
        except ValueError:
            self.fail(f"{value!r} must be a day, as in 2026-11-30", param, ctx)


@click.group("evidence")
def command() -> None:
    """Put together what the ledger proves of a time, for people who assess."""


@command.command("backup")
@click.option("--from", "first", type=_Day(), required=True, help="The first day, in London.")
@click.option("--to", "last", type=_Day(), required=True, help="The last day, included.")
@click.option("--council", default=None, help="Only what belongs to this council; all unless said.")
@click.option(
    "--format", "form", type=click.Choice(_FORMS), default=None, help="One form; with --out all three unless said."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="A directory for the files; standard output unless said.",
)
@by_option
@config_option
@kept_ledger_option
def backup(
    first: date, last: date, council: str | None, form: str | None, out: Path | None, actor: str, config_file: Path,
    ledger_url: str,
) -> None:  # fmt: skip
    """Show of every object that must be protected how much of the time its RPO was kept, and what was proved.

    Reads the estate and the ledger, and changes neither; the agent may run or not.
    """
    from agent.evidence.pack import as_json
    from agent.evidence.period import period_of

    now = time.time()
    try:
        period = period_of(first, last, now)
    except ValueError as error:
        raise Failure(str(error), status=2) from error
    pack = _pack(config_file, ledger_url, period, council, now, actor)
    whole = as_json(pack)
    if out is None:
        click.echo(_rendered(pack, whole, form or "json"), nl=False)
        return
    stem = f"ridgeway-evidence-backup-{council + '-' if council else ''}{first}-{last}"
    for path in _written(out, _files(pack, whole, form, stem)):
        click.echo(str(path))


def _pack(config_file: Path, ledger_url: str, period: Period, council: str | None, now: float, by: str) -> Pack:
    from importlib.metadata import version

    from agent.evidence.drills import filed_in
    from agent.evidence.pack import checks_of, options_of, pack_of, servers_of
    from agent.evidence.reading import kept_in

    estate = read(config_file)
    if council is not None and council != "shared" and council not in estate.councils:
        raise Failure(f"There is no council {council!r}; there are {', '.join(estate.councils)} and shared.", status=2)
    councils = None if council is None else (council,)
    checks = checks_of(estate, council)
    at = servers_of(checks)
    where, kept = look(ledger_url, lambda connection: kept_in(connection, period, councils, at))
    if kept is None:
        raise Failure(
            f"The ledger {where} is of another schema than this Ridgeway's; it is migrated when the agent next starts.",
            status=3,
        )
    filed = {spec.id: filed_in(options_of(spec), period, now) for spec, _ in checks}
    return pack_of(estate, kept, filed, period, council, now, by, version("ridgeway"))


def _rendered(pack: Pack, whole: bytes, form: str) -> bytes:
    if form == "json":
        return whole
    if form == "csv":
        from agent.evidence.sheets import objects_sheet

        return objects_sheet(pack)
    from agent.evidence.page import as_html

    return as_html(pack, _digest(whole))


def _files(pack: Pack, whole: bytes, form: str | None, stem: str) -> Mapping[str, bytes]:
    """By name. The digest lies beside the JSON in the form that `sha256sum --check` reads."""
    made = {f"{stem}.{one}": _rendered(pack, whole, one) for one in _FORMS if form in (None, one)}
    if form in (None, "json"):
        made[f"{stem}.json.sha256"] = f"{_digest(whole)}  {stem}.json\n".encode()
    if form in (None, "csv"):
        from agent.evidence.sheets import drills_sheet, incidents_sheet

        made[f"{stem}-incidents.csv"] = incidents_sheet(pack)
        made[f"{stem}-drills.csv"] = drills_sheet(pack)
    return made


def _digest(whole: bytes) -> str:
    from hashlib import sha256

    return sha256(whole).hexdigest()


def _written(out: Path, files: Mapping[str, bytes]) -> list[Path]:
    """All of them or none. Evidence is never written over: what is there already keeps the pack from being written."""
    made: list[Path] = []
    try:
        out.mkdir(exist_ok=True)
        there = [name for name in files if (out / name).exists()]
        if there:
            raise Failure(f"{out / there[0]} is there already; name another directory with --out, or move it away.")
        for name, octets in files.items():
            with (out / name).open("xb") as file:
                made.append(out / name)
                file.write(octets)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise Failure(f"The pack cannot be written to {out}: {error.strerror}.", status=3) from error
    return made
