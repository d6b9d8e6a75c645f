"""The demo's service desk by itself, on loopback, for trying routes and tickets out: `python -m agent.demo`.

Its token is the environment variable DESK_TOKEN. Tickets are kept in memory and gone at the end.
"""

from __future__ import annotations

import os
import time

import click
import uvicorn

from agent.demo.desk import demo_desk
from agent.demo.tickets import TicketBook


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=16180, show_default=True, help="Port on 127.0.0.1.")
@click.option("--queue", "queues", multiple=True, default=("ict",), show_default=True, help="A queue. Repeatable.")
def desk(port: int, queues: tuple[str, ...]) -> None:
    """Serve the demo's service desk until Ctrl-C."""
    token = os.environ.get("DESK_TOKEN", "")
    if not token:
        raise click.UsageError("DESK_TOKEN is not set; say export DESK_TOKEN=$(openssl rand -hex 16) first.")
    click.echo(f"The desk is at http://127.0.0.1:{port}/")
    uvicorn.run(demo_desk(TicketBook(queues, time.time), token), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    desk()
