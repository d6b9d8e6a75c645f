"""`ridgeway run`: the agent itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure
from agent.cli.estate import kinds, read
from agent.cli.guard import refusals_file
from agent.cli.options import config_option, ledger_option, own_ledger, own_socket_option, state_directory

if TYPE_CHECKING:
    from agent.daemon.settings import Settings
    from agent.redaction import Redactor
    from config.estate import Estate


@click.command("run")
@config_option
@ledger_option
@own_socket_option
@click.option(
    "--web.listen-address",
    "listen",
    multiple=True,
    default=("127.0.0.1:10190",),
    show_default=True,
    help="Where /metrics and the pages are served; repeatable. Off loopback only with TLS and authentication.",
)
@click.option(
    "--web.config.file",
    "web_config",
    type=click.Path(path_type=Path),
    default=None,
    help="TLS, client certificates and passwords of the pages, as Prometheus' exporters read them (web-config.yml).",
)
@click.option(
    "--web.allowed-host", "hosts", multiple=True, help="A further name under which browsers may ask; repeatable."
)
@click.option(
    "--snmp.trap-address",
    "traps",
    multiple=True,
    help="Where SNMP traps and informs are taken (UDP), for example 0.0.0.0:162; repeatable. Nowhere unless named.",
)
@click.option(
    "--push.listen-address",
    "push",
    multiple=True,
    help="Where pings of backup jobs are taken; repeatable. Off loopback only with TLS. Nowhere unless named.",
)
@click.option(
    "--push.config.file",
    "push_config",
    type=click.Path(path_type=Path),
    default=None,
    help="TLS of that listener, as --web.config.file has it for the pages.",
)
@click.option(
    "--push.smtp-listen-address",
    "mail",
    multiple=True,
    help="Where mails of backup jobs are taken (SMTP), with the TLS of --push.config.file; repeatable. Off loopback "
    "only with TLS. Nowhere unless named.",
)
@click.option(
    "--push.drop-directory",
    "drop",
    type=click.Path(path_type=Path),
    default=None,
    help="Where backup jobs leave pings as files, by SFTP: TARGET/JOB/RUN.success and the like.",
)
@click.option(
    "--snmp.engine-id",
    "engine_id",
    default=None,
    show_default="made from the host's and the vantage's name",
    help="This agent's SNMP engine id for SNMPv3 informs, in hexadecimal.",
)
@click.option(
    "--web.enable-lifecycle",
    "lifecycle",
    is_flag=True,
    help="Let anybody who may read the pages reload the estate (POST /-/reload), not only those who may act.",
)
@click.option(
    "--vantage",
    default=None,
    help="The place this agent stands at; a place that is not the estate's own makes it a prober.",
)
@click.option(
    "--log.level",
    "level",
    type=click.Choice(("debug", "info", "warn", "error")),
    default="info",
    show_default=True,
    help="From where on events are logged.",
)
@click.option(
    "--log.format",
    "style",
    type=click.Choice(("logfmt", "json", "console")),
    default=None,
    show_default="console on a terminal, else json",
    help="How a line of the log looks.",
)
def command(
    config_file: Path,
    ledger_url: str,
    control_socket: Path,
    listen: tuple[str, ...],
    web_config: Path | None,
    hosts: tuple[str, ...],
    traps: tuple[str, ...],
    push: tuple[str, ...],
    push_config: Path | None,
    mail: tuple[str, ...],
    drop: Path | None,
    engine_id: str | None,
    lifecycle: bool,
    vantage: str | None,
    level: str,
    style: str | None,
) -> int:
    """Run the agent until it is told to stop (SIGTERM or SIGINT).

    At a vantage that is not the estate's own it is a prober: it makes checks when the judge asks, and keeps no ledger.
    """
    from agent.daemon.settings import Settings, SettingsError
    from agent.logs import LogOptions, configure
    from agent.redaction import Redactor

    redactor = Redactor()
    repeats = configure(LogOptions(level, style), redactor, time.time)
    estate = read(config_file)
    if vantage in (None, estate.vantage):
        _make_home(ledger_url)
    try:
        settings = Settings.make(
            estate,
            ledger_url=ledger_url,
            control_socket=control_socket,
            listen=listen,
            vantage=vantage,
            hosts=hosts,
            traps=traps,
            engine_id=engine_id,
            state=state_directory(),
            web_config=web_config,
            lifecycle=lifecycle,
            push=push,
            push_config=push_config,
            mail=mail,
            drop=drop,
        )
    except SettingsError as error:
        raise Failure(str(error), status=2) from error
    return serve(estate, settings, redactor, lambda: repeats.dropped, config_file)


def serve(
    estate: Estate, settings: Settings, redactor: Redactor, dropped: Callable[[], int], path: Path | None = None
) -> int:
    """Run the daemon until it is told to stop; Failure says why it could not start."""
    from agent.daemon import StartError, run_daemon

    check_kinds, desk_kinds = kinds()
    try:
        if settings.vantage != estate.vantage:
            from agent.daemon.prober import run_prober

            run_prober(estate, settings, check_kinds, redactor, refusals_file(), path)
            return 0
        run_daemon(estate, settings, check_kinds, desk_kinds, redactor, dropped, path)
    except StartError as error:
        raise Failure(str(error)) from error
    return 0


def _make_home(ledger_url: str) -> None:
    """The state directory of a first start by hand; systemd makes its own. A place that was named must be there."""
    if ledger_url != own_ledger():
        return
    try:
        Path(ledger_url).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"The state directory {Path(ledger_url).parent} cannot be made: {error.strerror}. "
            "Name a place for the ledger with --ledger.url."
        ) from error
