"""`ridgeway`, the console script. Each verb lives in its own module and is imported when it is asked for.

Exit status: 0 fine, 1 problems found, 2 wrong usage, 3 could not tell. `check` and `replay` answer as a monitoring
plug-in does (0 ok, 1 warning, 2 critical, 3 unknown), so there wrong usage is 3 as well.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence

import click

from agent.cli.errors import Failure

_VERBS = {
    "apply": ("agent.cli.apply", "put a plan in force that somebody has looked at"),
    "backup": ("agent.cli.backup_verbs", "put estate and ledger into one archive; tell of backups that run elsewhere"),
    "check": ("agent.cli.check", "run checks once, now, without a daemon"),
    "config": ("agent.cli.config", "which configurations are as they were approved; approve one"),
    "credentials": ("agent.cli.credentials", "which log-ins were refused; have a mended one tried"),
    "demo": ("agent.cli.demo", "watch a simulated estate on loopback"),
    "desk": ("agent.cli.desk", "prove that a service desk is set up as the estate says"),
    "doctor": ("agent.cli.doctor", "what is wrong with the agent, its machine and its set-up"),
    "drill": ("agent.cli.drill", "measure a failover that people cause, and file the evidence"),
    "events": ("agent.cli.events", "read the incident feed, or follow it"),
    "evidence": ("agent.cli.evidence", "what the ledger proves of backups in a time, for an assessor"),
    "explain": ("agent.cli.explain", "why a target is or is not alerting, and what happens next"),
    "failovers": ("agent.cli.failovers", "the failovers of pairs: when, which way, why, announced or not"),
    "hostkeys": ("agent.cli.hostkeys", "which SSH host keys devices show, to be approved"),
    "incidents": ("agent.cli.incidents", "list, show and acknowledge incidents"),
    "ledger": ("agent.cli.ledger", "whether the ledger keeps its promises, and what is in it"),
    "maintenance": ("agent.cli.maintenance", "add, list and end maintenance windows"),
    "paths": ("agent.cli.paths", "flows that must pass or be blocked, and what is proved of each"),
    "profile": ("agent.cli.profile", "check, explain and try a device profile"),
    "plan": ("agent.cli.plan", "what a changed estate would change"),
    "record": ("agent.cli.record", "record what a device answers, masked, to be replayed elsewhere"),
    "reload": ("agent.cli.reload", "have the running agent use the estate as it stands on disk"),
    "replay": ("agent.cli.replay", "assess a recording, without any network"),
    "restore-drill": ("agent.cli.restore_drill", "prove that backups can be restored, in a place of its own"),
    "restore": ("agent.cli.restore", "put estate and ledger back from an archive"),
    "run": ("agent.cli.run", "run the agent"),
    "schema": ("agent.cli.schema", "print the JSON Schema of an estate file"),
    "validate": ("agent.cli.validate", "say everything that is wrong with an estate file"),
    "webhooks": ("agent.cli.webhooks", "whom the agent tells of incidents; try it, and tell again"),
}


class _Verbs(click.Group):
    """Imports a verb only when it is used: the CLI may run every minute from another monitoring system."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        command = importlib.import_module(_VERBS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, _VERBS[name][1]) for name in sorted(_VERBS)])


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"ridgeway {version('ridgeway')}")
        ctx.exit()


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def ridgeway() -> None:
    """Watches backups, firewalls and telephony, and says so where people already look."""


def answer(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing escapes as a traceback that a person caused."""
    plugin = bool(arguments) and arguments[0] in ("check", "replay")
    try:
        result = ridgeway.main(args=list(arguments), prog_name="ridgeway", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 3 if plugin else 2
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        return 3
    except Failure as failure:
        click.echo(failure.text, err=True)
        return 3 if plugin else failure.status
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the console script."""
    gc.set_threshold(50_000, 10, 10)  # imports make nearly no garbage: looking for it cost every start
    raise SystemExit(answer(sys.argv[1:]))
