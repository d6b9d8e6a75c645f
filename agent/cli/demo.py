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
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.errors import Failure

if TYPE_CHECKING:
    from agent.daemon import Daemon, Settings
    from agent.demo.devices import SimulatedDevices
    from agent.demo.tickets import TicketBook
    from agent.redaction import Redactor
    from config.estate import Estate

_DESK = ("127.20.0.250", 16180)
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
    os.environ["RIDGEWAY_DEMO_COMMUNITY"] = secrets.token_hex(8)
    os.environ["RIDGEWAY_DEMO_TOKEN"] = secrets.token_hex(16)
    from agent.cli.estate import read
    from agent.daemon import Settings, SettingsError

    estate = read(Path(str(files("config") / "examples" / "demo.yaml")))
    redactor.learn_estate(estate)
    with tempfile.TemporaryDirectory(prefix="ridgeway-demo-") as scratch:
        try:
            settings = Settings.make(
                estate,
                ledger_url=f"{scratch}/ledger.sqlite3",
                control_socket=Path(scratch) / "control.socket",
                listen=(listen,),
            )
        except SettingsError as error:
            raise Failure(str(error), status=2) from error
        async with _stage(estate) as (devices, book):
            return await _play(estate, settings, devices, book, speed, once)


async def _play(
    estate: Estate, settings: Settings, devices: SimulatedDevices, book: TicketBook, speed: float, once: bool
) -> int:
    from agent.cli.console import Console
    from agent.cli.estate import kinds
    from agent.daemon import StartError
    from agent.daemon.core import running
    from agent.demo.story import perform

    console = Console(time.monotonic, click.echo)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(estate, settings, *kinds()) as daemon:
            daemon.pipeline.listeners.append(console.incident)
            daemon.ticket_listeners.append(console.ticket)
            host, port = daemon.addresses[0]
            console.welcome(f"http://{host}:{port}", f"http://{_DESK[0]}:{_DESK[1]}/", settings.control_socket)
            story = asyncio.create_task(perform(devices, console.act, speed))
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({story, stopped}, return_when=asyncio.FIRST_COMPLETED)
            left = await _epilogue(daemon, book, stop)
            if not stop.is_set():
                console.end(left, once)
                if not once:
                    await stopped
            for task in (story, stopped):
                task.cancel()
            return 1 if once and left else 0
    except StartError as error:
        raise Failure(str(error)) from error


async def _epilogue(daemon: Daemon, book: TicketBook, stop: asyncio.Event) -> int:
    """Give a slow machine time to end what the story began; returns how many incidents are left without an end."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _EPILOGUE
    while True:
        open_tickets = sum(ticket.status != "resolved" for ticket in book.all())
        left = max(len(daemon.pipeline.incidents.live), open_tickets)
        if not left or stop.is_set() or loop.time() > end:
            return left
        await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def _stage(estate: Estate) -> AsyncIterator[tuple[SimulatedDevices, TicketBook]]:
    """Everything that is simulated: devices, services and the desk. Failure when an address is taken."""
    from agent.demo.cast import play, services
    from agent.demo.desk import demo_desk
    from agent.demo.tickets import TicketBook
    from exporters.web.server import ListenError, WebServer, listen

    book = TicketBook(sorted({route.queue for route in estate.routes}), time.time)
    devices = play(estate, os.environ["RIDGEWAY_DEMO_COMMUNITY"])
    async with contextlib.AsyncExitStack() as stage:
        stage.push_async_callback(devices.stop)
        try:
            await devices.start()
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
        yield devices, book


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
