"""Structured logs: one line an event, in logfmt, JSON or for a terminal, with secrets masked and repetition limited.

Our own events and the standard library's records (uvicorn, apscheduler, SQLAlchemy, …) go through the same chain.
Under systemd each line starts with its priority (`<3>`, sd-daemon(3)), which the journal strips and keeps.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from agent.redaction import Redactor, plain

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
"""`--log.level`, as Prometheus spells them."""
FORMATS = ("logfmt", "json", "console")
"""`--log.format`; without it a terminal gets `console`, everything else `json`."""

LONGEST_VALUE = 2_000
LONGEST_TRACE = 8_000
MOST_KEYS = 40
MOST_NESTED = 40
"""Parts of one value that is itself a list or a mapping, all levels together."""
_PRIORITIES = {"debug": "<7>", "info": "<6>", "warning": "<4>", "error": "<3>", "critical": "<2>"}
_QUIET = ("apscheduler", "asyncio", "sqlalchemy", "alembic", "paramiko", "pysnmp", "uvicorn")
"""Libraries whose chatter only helps those who look for a fault: from warning on, unless the level is debug."""
_NEVER_LOUD = ("urllib3",)
"""From warning on, whatever the level: at debug it writes every URL whole, and a URL may be what lets one in."""
_SILENT = ("mail.log",)
"""aiosmtpd writes every command, and with it every recipient, whose name may be a key; we tell what matters of it."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the command line says about logs."""

    level: str = "info"
    format: str | None = None

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"--log.level {self.level}: is one of {', '.join(LEVELS)}")
        if self.format is not None and self.format not in FORMATS:
            raise ValueError(f"--log.format {self.format}: is one of {', '.join(FORMATS)}")


@dataclass(slots=True)
class Repeats:
    """Lets an event through a few times a minute and counts the rest, so that a storm cannot fill a disk.

    Two events are the same when all that they say is the same. Beside that, one event name, whatever it says, has a
    larger allowance. The first line of a later minute carries `repeated`: how many were left out before it.
    """

    clock: Callable[[], float]
    each: int = 3
    """Times an identical event is shown in a minute."""
    alike: int = 120
    """Times events of one name are shown in a minute, whatever they say."""
    dropped: int = 0
    """Lines left out since the process started."""
    _seen: OrderedDict[tuple[str, ...], list[int]] = field(default_factory=OrderedDict)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        minute = int(self.clock() // 60)
        name = (str(event.get("level")), str(event.get("logger")), str(event.get("event")))
        said = tuple(f"{key}={value}" for key, value in sorted(event.items()) if key not in _CHANGING)
        left_out = 0
        for key, allowed in ((name, self.alike), (said, self.each)):
            count = self._count(key, minute)
            if count[1] >= allowed:
                count[2] += 1
                self.dropped += 1
                raise structlog.DropEvent
            count[1] += 1
            left_out += count[2]
            count[2] = 0
        if left_out:
            event["repeated"] = left_out
        return event

    def _count(self, key: tuple[str, ...], minute: int) -> list[int]:
        """Minute, shown in it, left out since the last one shown."""
        count = self._seen.get(key)
        if count is None:
            count = self._seen[key] = [minute, 0, 0]
            if len(self._seen) > 4_000:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        if count[0] != minute:
            count[0], count[1] = minute, 0
        return count


_CHANGING = frozenset({"timestamp", "duration", "repeated", "exception"})


def configure(
    options: LogOptions,
    redactor: Redactor,
    clock: Callable[[], float],
    stream: IO[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Repeats:
    """Set up logging for this process; call it once, from the command line, before anything is logged.

    `clock` gives Unix seconds. Returns the limiter, whose `dropped` is a metric.
    """
    out = sys.stdout if stream is None else stream
    chosen = options.format or ("console" if out.isatty() else "json")
    level = LEVELS[options.level]
    repeats = Repeats(clock)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=()),
        structlog.processors.format_exc_info,
        _Clean(redactor),  # before the limiter, which compares values and must not meet a giant
        _repeatable(repeats),
        _stamped(clock),
    ]
    structlog.configure(
        processors=[*shared[:3], *shared[4:], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a locale without UTF-8 must not lose a line
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(chosen, colours=out.isatty() and "NO_COLOR" not in (environ or os.environ)),
            ],
        )
    )
    handler.prefix = _under_journal(out, os.environ if environ is None else environ)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name in _NEVER_LOUD:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    return repeats


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes lines; a stream that cannot be written to (a full disk, a closed pipe) never disturbs the agent."""

    prefix = False

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if not self.prefix:
            return line
        priority = _PRIORITIES.get(record.levelname.lower(), "<6>")
        return "\n".join(priority + part for part in line.split("\n"))

    def handle(self, record: logging.LogRecord) -> bool:
        try:
            return super().handle(record)
        except structlog.DropEvent:  # a library's record that only repeats others
            return False

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        try:
            self.stream.write(line + self.terminator)
            self.flush()
        except (OSError, ValueError):
            return


_FIRST = ("event", "level", "logger", "exception")
"""Never among what is left out of an event with too many keys."""


@dataclass(frozen=True, slots=True)
class _Clean:
    """Masks secrets and bounds every value, whatever its type; after it an event holds only plain, short values."""

    redactor: Redactor

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        kept = {key: value for key, value in event.items() if key.startswith("_")}  # structlog's own
        said = [(key, event[key]) for key in _FIRST if key in event]
        said += [(key, value) for key, value in event.items() if not key.startswith("_") and key not in _FIRST]
        for key, value in said[:MOST_KEYS]:
            kept[self._text(str(key), 100)] = self._trace(value) if key == "exception" else self._top(value)
        if len(said) > MOST_KEYS:
            kept["left_out"] = len(said) - MOST_KEYS
        return kept

    def _top(self, value: object) -> object:
        if isinstance(value, str):
            return self._text(value)
        return self._value(value, 3, [MOST_NESTED])

    def _value(self, value: object, depth: int, left: list[int]) -> object:
        """A plain copy; `left` counts down how many parts it may still have, all levels together."""
        left[0] -= 1
        if value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 1 << 63):
            return value
        if isinstance(value, (str, bytes, bytearray)):
            return self._text(value if isinstance(value, str) else repr(value[:LONGEST_VALUE]), 200)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            if depth == 0 or left[0] <= 0:
                return f"… ({len(value)} parts)"
            if isinstance(value, Mapping):
                parts = list(islice(value.items(), max(0, left[0])))
                return {self._text(str(key), 100): self._value(part, depth - 1, left) for key, part in parts}
            return [self._value(part, depth - 1, left) for part in islice(value, max(0, left[0]))]
        return self._text(str(value))

    def _text(self, text: str, longest: int = LONGEST_VALUE) -> str:
        # Masked before it is cut, or half a secret could stay; a giant is cut twice, so that masking stays cheap.
        whole = len(text)
        text = self.redactor(plain(self.redactor(text[: 16 * LONGEST_VALUE])))
        return text if len(text) <= longest else f"{text[:longest]}… ({whole} characters)"

    def _trace(self, value: object) -> str:
        text = self.redactor(plain(str(value)[-16 * LONGEST_TRACE :], keep_lines=True))
        return text if len(text) <= LONGEST_TRACE else "…" + text[-LONGEST_TRACE:]


def _repeatable(repeats: Repeats) -> Processor:
    """A library's record is told by its unformatted message, since the formatted one differs each time."""

    def processor(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        record = event.get("_record")
        if record is None:
            return repeats(logger, method, event)
        told: MutableMapping[str, Any] = {
            "level": event["level"],
            "logger": record.name,
            "event": str(record.msg)[:LONGEST_VALUE],
        }
        event.update({key: value for key, value in repeats(logger, method, told).items() if key == "repeated"})
        return event

    return processor


def _stamped(clock: Callable[[], float]) -> Processor:
    def processor(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        moment = datetime.fromtimestamp(clock(), UTC)
        event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    return processor


def _renderer(chosen: str, *, colours: bool) -> Processor:
    if chosen == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    if chosen == "logfmt":
        return cast(Processor, _logfmt)
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def _logfmt(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """`ts=… level=… msg=…` first, as Prometheus writes them; nested values as JSON text."""
    named = {"ts": event.pop("timestamp", ""), "level": event.pop("level", ""), "msg": event.pop("event", ""), **event}
    return " ".join(f"{_bare(key)}={_quoted(value)}" for key, value in named.items())


def _bare(key: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_.-" else "_" for letter in key) or "_"


def _quoted(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if text and all(letter.isprintable() and letter not in ' ="\\' for letter in text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _under_journal(out: IO[str], environ: Mapping[str, str]) -> bool:
    """Whether this very stream goes to the journal: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    stream = environ.get("JOURNAL_STREAM", "")
    try:
        told = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{told.st_dev}:{told.st_ino}"
