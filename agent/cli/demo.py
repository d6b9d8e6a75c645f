"""`ridgeway demo`: a simulated estate on loopback, a real agent, and a story that is told as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.errors import Failure

if TYPE_CHECKING:
    from agent.cli.console import Console
    from agent.daemon import Daemon, Settings
    from agent.demo.cast import Cast
    from agent.demo.known import Known
    from agent.demo.portal import Authority
    from agent.demo.tickets import TicketBook
    from agent.demo.vault import Vault
    from agent.redaction import Redactor
    from config.estate import Estate

_DESK = ("127.20.0.250", 16180)
_VEEAM = ("127.20.0.5", 19419)
_LOGIN = "ridgeway"
_EPILOGUE = 60.0
"""Seconds after the story in which everything has to come to its end."""


@click.command("demo")
@click.option(
    "--web.listen-address", "listen", default="127.0.0.1:10190", show_default=True, help="Where the pages are."
)
@click.option(
    "--speed", type=click.FloatRange(0.5, 2.0), default=1.0, show_default=True, help="How fast the story goes."
)
@click.option("--once", is_flag=True, help="End with the story. Exit status 1 when an incident is still open then.")
def command(listen: str, speed: float, once: bool) -> int:
    """Watch a fault become an incident, a metric and a ticket, and the ticket close when the fault is mended."""
    from agent.logs import LogOptions, configure
    from agent.redaction import Redactor

    redactor = Redactor()
    configure(LogOptions("error", None), redactor, time.time)
    return asyncio.run(_demo(listen, speed, once, redactor))


async def _demo(listen: str, speed: float, once: bool, redactor: Redactor) -> int:
    for name, size in (("COMMUNITY", 8), ("TOKEN", 16), ("PASSWORD", 16)):
        os.environ[f"RIDGEWAY_DEMO_{name}"] = secrets.token_hex(size)
    from agent.daemon import Settings, SettingsError
    from agent.daemon.settings import read_address

    option = "--web.listen-address"
    try:
        if read_address(listen, option).exposed:
            raise Failure(f"{option}: {listen} is not on loopback, and the demo lets everybody act", status=2)
    except SettingsError as error:
        raise Failure(str(error), status=2) from error
    with tempfile.TemporaryDirectory(prefix="ridgeway-demo-") as scratch:
        estate, cast = _read(Path(scratch))
        redactor.learn_estate(estate)
        try:
            settings = Settings.make(
                estate,
                ledger_url=f"{scratch}/ledger.sqlite3",
                control_socket=Path(scratch) / "control.socket",
                listen=(listen,),
            )
        except SettingsError as error:
            raise Failure(str(error), status=2) from error
        async with _stage(estate, cast) as book:
            return await _play(estate, settings, cast, book, speed, once)


def _read(folder: Path) -> tuple[Estate, Cast]:
    """The estate, and whoever plays in it, with keys and certificates of this start; their files are in `folder`."""
    from agent.cli.estate import read
    from agent.demo.cast import cast_of
    from agent.demo.estate import write_estate
    from agent.demo.portal import Authority
    from agent.demo.server import HostKey

    host_key, authority = HostKey(), Authority("Authority of the Ridgeway demo")
    trusted, proofs = folder / "authority.pem", folder / "proofs"
    trusted.write_bytes(authority.pem)
    proofs.mkdir()
    vault = _vault(folder, authority, trusted, proofs)
    estate = read(write_estate(folder, host_key.pin, trusted, proofs, vault.options))
    cast = cast_of(
        estate,
        community=os.environ["RIDGEWAY_DEMO_COMMUNITY"],
        password=os.environ["RIDGEWAY_DEMO_PASSWORD"],
        host_key=host_key,
        authority=authority,
        folder=folder,
        vault=vault,
    )
    return estate, cast


def _vault(folder: Path, authority: Authority, trusted: Path, proofs: Path) -> Vault:
    """A real restic repository where this machine can have one; else a simulated Veeam server, saying why."""
    from agent.demo.vault import NoRestic, ResticVault
    from agent.demo.veeam_vault import VeeamVault

    click.echo("Making backups that can be restored from …")
    try:
        vault: Vault = ResticVault(folder, proofs)
        why = ""
    except NoRestic as error:
        password = os.environ["RIDGEWAY_DEMO_PASSWORD"]
        vault, why = VeeamVault(_VEEAM, _LOGIN, password, authority, folder, trusted), f" ({error})"
    click.echo(f"The backups of this play are in {vault.title}{why}.")
    return vault


async def _play(estate: Estate, settings: Settings, cast: Cast, book: TicketBook, speed: float, once: bool) -> int:
    from agent.cli.console import Console
    from agent.cli.estate import kinds
    from agent.daemon import StartError
    from agent.daemon.core import running
    from agent.daemon.settings import Address
    from agent.demo.calls import hasty, keep_calling
    from agent.demo.known import Known
    from agent.demo.restoring import VAULT, restore
    from agent.demo.story import perform

    console, known = Console(time.monotonic, click.echo), Known()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    checks, desks = kinds()
    calls = [spec.id for target in estate.targets.values() for spec in target.checks if spec.kind == "sip_call"]
    vaults = [spec.id for spec in estate.targets[VAULT].checks]
    try:
        async with running(estate, settings, hasty(checks), desks) as daemon:
            pages = f"http://{Address(*daemon.addresses[0])}"
            console.welcome(pages, f"http://{_DESK[0]}:{_DESK[1]}/", settings.control_socket)
            told = asyncio.create_task(_tell(pages, console, known))
            look = partial(daemon.scheduler.run_now, vaults)
            acts = perform(cast, console.act, known, speed), restore(cast.vault, console.act, known, look, speed)
            story = asyncio.gather(*acts)
            calling = asyncio.create_task(keep_calling(daemon.scheduler.run_now, calls))
            stopped = asyncio.create_task(stop.wait())
            tasks: set[asyncio.Future[Any]] = {told, story, calling, stopped}
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a defect of ours ends the demo, and says so
            left = await _epilogue(daemon, book, known, stop)
            if not stop.is_set():
                console.end(left, once)
                if not once:
                    await stopped
            await _end(*tasks)
            return 1 if once and left else 0
    except StartError as error:
        raise Failure(str(error)) from error


async def _tell(pages: str, console: Console, known: Known) -> None:
    """Have the console say what the feed says."""
    from agent.cli.feed import follow

    async for event in follow(pages):
        known.take(event)
        console.event(event)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _epilogue(daemon: Daemon, book: TicketBook, known: Known, stop: asyncio.Event) -> int:
    """Give a slow machine time to end what the story began; returns how many incidents are left without an end."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _EPILOGUE
    while True:
        open_tickets = sum(ticket.status != "resolved" for ticket in book.all())
        left = max(len(daemon.pipeline.incidents.live), open_tickets, known.unfinished)
        if not left or stop.is_set() or loop.time() > end:
            return left
        await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def _stage(estate: Estate, cast: Cast) -> AsyncIterator[TicketBook]:
    """Everything that is simulated, up: the cast, services and the desk. Failure when an address is taken."""
    from agent.demo.aside import aside
    from agent.demo.cast import services
    from agent.demo.desk import demo_desk
    from agent.demo.tickets import TicketBook
    from exporters.web.server import ListenError, WebServer, listen

    book = TicketBook(sorted({route.queue for route in estate.routes}), time.time)
    async with contextlib.AsyncExitStack() as stage:
        stage.push_async_callback(cast.devices.stop)
        stage.callback(cast.backup.stop)
        stage.callback(cast.portal.stop)
        stage.callback(cast.vault.stop)
        try:
            await cast.devices.start()
            cast.backup.start()
            await cast.portal.start()
            await cast.vault.start()
            voices = stage.enter_context(aside("demo sip"))
            for endpoint in cast.controllers.endpoints.values():
                stage.push_async_callback(voices.call, endpoint.stop)
                await voices.run(endpoint.start())
            for host, port in services(estate):
                server = await asyncio.start_server(_hang_up, host, port)
                stage.callback(server.close)
            desk = WebServer(demo_desk(book, os.environ["RIDGEWAY_DEMO_TOKEN"]), listen([f"{_DESK[0]}:{_DESK[1]}"]))
        except (OSError, ListenError) as error:
            raise Failure(
                f"The demo cannot take its addresses (127.20.0.0/16, ports 15060 to 19419): {error}. "
                "If another demo runs, end it with Ctrl-C there; `pgrep -af ridgeway` finds it."
            ) from error
        await desk.start()
        stage.push_async_callback(desk.stop)
        yield book


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
