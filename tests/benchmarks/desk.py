"""The demo's service desk in a thread, so that tickets can be counted where they are."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator

import uvicorn

from agent.demo.desk import demo_desk
from agent.demo.tickets import TicketBook
from testbeds.peers import free_port, wait_until

TOKEN = secrets.token_hex(8)


@contextlib.contextmanager
def running() -> Iterator[tuple[str, TicketBook]]:
    """The desk's URL and its tickets."""
    book = TicketBook(["dacorum"], time.time)
    port = free_port()
    options = uvicorn.Config(demo_desk(book, TOKEN), host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(options)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the desk is open")
        yield f"http://127.0.0.1:{port}", book
    finally:
        server.should_exit = True
        thread.join(10)
