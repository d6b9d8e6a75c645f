"""`ridgeway backup`: of the agent itself (`make`, `verify`), and backups elsewhere that tell it (`run`, `replay`)."""

from __future__ import annotations

import importlib

import click

_VERBS = {
    "make": ("agent.cli.backup", "make"),
    "verify": ("agent.cli.backup", "verify_archive"),
    "run": ("agent.cli.backup_run", "run"),
    "replay": ("agent.cli.backup_run", "replay"),
}


class _MakeUnlessNamed(click.Group):
    """`ridgeway backup FILE` is `ridgeway backup make FILE`. A verb is imported when it is used: cron runs `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in _VERBS and args[0] not in ctx.help_option_names:
            args = ["make", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        module, name = _VERBS.get(cmd_name, _VERBS["make"])
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, click.Command)
        return found


@click.group("backup", cls=_MakeUnlessNamed)
def command() -> None:
    """Put estate and ledger into one archive (`ridgeway backup FILE`), or tell the agent of a backup that runs here."""
