"""Options that several verbs share, spelled as Prometheus spells them, and the places where things are by default."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

F = TypeVar("F", bound=Callable[..., Any])

_SYSTEM_ESTATE = Path("/etc/ridgeway/estate.yaml")
_SYSTEM_STATE = Path("/var/lib/ridgeway")
_SYSTEM_RUNTIME = Path("/run/ridgeway")
_SOCKET = "control.socket"
_LEDGER = "ledger.sqlite3"


def state_directory() -> Path:
    """`$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME/ridgeway`, else `~/.local/state/ridgeway`."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ridgeway"


def found_state() -> Path:
    """The state directory of the agent that is meant when none is named: this user's own, else the service's."""
    return _first(state_directory(), _SYSTEM_STATE)


def own_socket() -> Path:
    """Where an agent that starts here listens: its runtime directory under systemd, else beside its ledger."""
    runtime = os.environ.get("RUNTIME_DIRECTORY")
    return (Path(runtime.split(":")[0]) if runtime else state_directory()) / _SOCKET


def own_ledger() -> str:
    """The SQLite file of an agent that starts here."""
    return str(state_directory() / _LEDGER)


def found_socket() -> Path:
    """The socket of the agent that is meant when none is named: this user's own, else the service's."""
    return _first(own_socket(), _SYSTEM_RUNTIME / _SOCKET)


def found_ledger() -> str:
    """The ledger that is meant when none is named: this user's own, else the service's."""
    return str(_first(Path(own_ledger()), _SYSTEM_STATE / _LEDGER))


def may_be(path: Path) -> bool:
    """Whether something is there, or this user may not know: then opening it says what is missing."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _first(own: Path, system: Path) -> Path:
    return system if not may_be(own) and may_be(system) else own


class Moment(click.ParamType[float]):
    """`2026-12-01 18:00` in Europe/London, an ISO time with an offset, or `now`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip()
        if text == "now":
            return datetime.now(UTC).timestamp()
        from config.resolve.routes import read_moment

        try:
            return read_moment(text, ZoneInfo("Europe/London")).timestamp()
        except ValueError as error:
            self.fail(f"{text!r} {error}", param, ctx)


class Duration(click.ParamType[float]):
    """`90s`, `15m`, `1h30m`, in seconds; between a least and a most."""

    name = "duration"

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from config.schema.words import duration_text, read_duration

        try:
            seconds = read_duration(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        if not self._least <= seconds <= self._most:
            self.fail(f"{value!r} is not from {duration_text(self._least)} to {duration_text(self._most)}", param, ctx)
        return seconds


def config_option(function: F) -> F:
    """`--config.file`, also `--config`; the environment variable is RIDGEWAY_CONFIG_FILE."""
    return click.option(
        "--config.file",
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        envvar="RIDGEWAY_CONFIG_FILE",
        default=_SYSTEM_ESTATE,
        show_default=True,
        help="The estate: a YAML file, or a directory of them.",
    )(function)


def json_option(function: F) -> F:
    """`--json`: one JSON object on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def ledger_option(function: F) -> F:
    """`--ledger.url` of an agent that is to run: a path (SQLite) or a postgresql:// URL."""
    return _ledger(own_ledger, "ledger.sqlite3 in the state directory")(function)


def kept_ledger_option(function: F) -> F:
    """`--ledger.url` for reading what an agent has kept."""
    return _ledger(found_ledger, "yours, else that of the service")(function)


def socket_option(function: F) -> F:
    """`--control.socket`: the Unix socket on which a running agent listens for this command line."""
    return _socket(found_socket, "yours, else that of the service", "The running agent's socket.")(function)


def own_socket_option(function: F) -> F:
    """`--control.socket` of an agent that is to run."""
    return _socket(own_socket, "beside the ledger, or in /run/ridgeway", "Where the other verbs ask this agent.")(
        function
    )


def _ledger(default: Callable[[], str], said: str) -> Callable[[F], F]:
    return click.option(
        "--ledger.url",
        "ledger_url",
        envvar="RIDGEWAY_LEDGER_URL",
        default=default,
        show_default=said,
        help="The ledger: a path for SQLite, or a postgresql:// URL.",
    )


def _socket(default: Callable[[], Path], said: str, meaning: str) -> Callable[[F], F]:
    return click.option(
        "--control.socket",
        "control_socket",
        type=click.Path(path_type=Path),
        envvar="RIDGEWAY_CONTROL_SOCKET",
        default=default,
        show_default=said,
        help=meaning,
    )


def by_option(function: F) -> F:
    """`--by`: who acts. Every act carries a name."""
    return click.option("--by", "actor", default=_user, show_default="your user name", help="Who acts.")(function)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except OSError:
        return f"uid {os.getuid()}"
