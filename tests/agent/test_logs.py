"""Structured logs: one line an event, whoever wrote it, nothing secret, nothing endless."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import structlog

from agent.logs import LogOptions, Repeats, configure
from agent.redaction import Redactor
from config.secrets import MASK, Secret


@dataclass
class Bench:
    """A configured log, what it wrote, and its clock."""

    out: io.StringIO = field(default_factory=io.StringIO)
    redactor: Redactor = field(default_factory=Redactor)
    now: float = 1_795_000_000.0
    repeats: Repeats | None = None

    def start(self, form: str = "json", level: str = "info") -> structlog.stdlib.BoundLogger:
        self.repeats = configure(LogOptions(level, form), self.redactor, lambda: self.now, self.out, {})
        log: structlog.stdlib.BoundLogger = structlog.get_logger("tests.logs")
        return log

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def bench() -> Iterator[Bench]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Bench()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_an_event_is_one_json_object_with_time_level_and_its_values(bench: Bench) -> None:
    bench.start().info("ticket created", incident="RWY-1", attempts=2, fresh=True)

    assert bench.events == [
        {
            "event": "ticket created",
            "incident": "RWY-1",
            "attempts": 2,
            "fresh": True,
            "level": "info",
            "logger": "tests.logs",
            "timestamp": "2026-11-18T11:06:40.000Z",
        }
    ]


def test_logfmt_begins_as_prometheus_writes_it_and_quotes_what_needs_it(bench: Bench) -> None:
    bench.start("logfmt").warning("no answer", target="fw a", tries=3, reason='say "no"\nagain', more={"a": [1]})

    assert bench.lines == [
        'ts=2026-11-18T11:06:40.000Z level=warning msg="no answer" logger=tests.logs target="fw a" tries=3 '
        'reason="say \\"no\\" again" more="{\\"a\\": [1]}"'
    ]


def test_a_terminal_gets_lines_for_people(bench: Bench) -> None:
    bench.start("console").info("ready", checks=3)

    assert "ready" in bench.lines[0]
    assert "checks=3" in bench.lines[0]


def test_records_of_libraries_come_out_alike(bench: Bench) -> None:
    bench.start()

    logging.getLogger("uvicorn.error").warning("port %d is %s", 10190, "taken")
    logging.getLogger("uvicorn.error").info("chatter")

    assert [(e["event"], e["level"], e["logger"]) for e in bench.events] == [
        ("port 10190 is taken", "warning", "uvicorn.error")
    ]


def test_what_is_below_the_level_is_not_written(bench: Bench) -> None:
    log = bench.start(level="warn")

    log.info("no")
    log.error("yes")

    assert [event["event"] for event in bench.events] == ["yes"]


@pytest.mark.parametrize("form", ["json", "logfmt", "console"])
def test_a_secret_is_masked_wherever_it_hides_in_an_event(bench: Bench, form: str) -> None:
    secret = 's3cret"\\pass'
    bench.redactor.learn([Secret(secret)])
    log = bench.start(form)

    class Odd:
        def __repr__(self) -> str:
            return f"Odd({secret!r})"

    log.error(f"event {secret}", value=secret, nested={"a": [secret, {secret: 1}]}, odd=Odd(), raw=secret.encode())
    logging.getLogger("sqlalchemy").error("url %s", secret, extra={"dsn": secret})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
        logging.getLogger("urllib3").exception("also %r", secret)

    text = bench.out.getvalue()
    assert "pass" not in text
    assert text.count(MASK) >= 8


def test_urls_that_a_library_asks_for_are_not_logged_at_any_level(bench: Bench) -> None:
    bench.start(level="debug")

    logging.getLogger("urllib3.connectionpool").debug('%s "%s %s"', "https://ping.example", "GET", "/opaque")
    logging.getLogger("paramiko").debug("kept for whoever looks for a fault")

    assert [event["event"] for event in bench.events] == ["kept for whoever looks for a fault"]


def test_an_event_cannot_break_its_line_or_the_terminal(bench: Bench) -> None:
    bench.start().info("a\nb", device="x\x1b[31m\r\u202ey")

    assert len(bench.lines) == 1
    assert bench.events[0]["event"] == "a b"
    assert not {"\x1b", "\r", "\u202e"} & set(str(bench.events[0]["device"]))


def test_giant_values_and_many_keys_are_cut(bench: Bench) -> None:
    many = {f"key{number}": number for number in range(500)}

    bench.start().info("big", value="x" * 1_000_000, nested=[["y" * 10_000] * 1_000] * 1_000, **many)

    assert len(bench.lines) == 1
    assert bench.events[0]["event"] == "big"
    assert bench.events[0]["left_out"] == 465
    assert len(bench.lines[0]) < 15_000
    assert len(str(bench.events[0]["value"])) < 2_100


def test_an_event_that_repeats_itself_is_shown_three_times_a_minute_and_then_counted(bench: Bench) -> None:
    log = bench.start()

    for _ in range(1_000):
        log.warning("disk full", path="/var")
    bench.now += 60
    log.warning("disk full", path="/var")

    assert len(bench.lines) == 4
    assert bench.events[-1]["repeated"] == 997
    assert bench.repeats is not None
    assert bench.repeats.dropped == 997


def test_a_storm_of_one_name_is_bounded_even_when_each_line_differs(bench: Bench) -> None:
    log = bench.start()

    for number in range(5_000):
        log.warning("no answer", target=f"t{number}")
    log.warning("something else")

    assert len(bench.lines) == 121
    assert bench.events[-1]["event"] == "something else"


def test_a_storm_of_library_records_is_bounded_by_the_unformatted_message(bench: Bench) -> None:
    bench.start()

    for number in range(50):
        logging.getLogger("apscheduler.executors").error("Job %s raised", number)

    assert len(bench.lines) == 3


def test_a_stream_that_cannot_be_written_to_disturbs_nobody(bench: Bench) -> None:
    log = bench.start()
    bench.out.close()

    log.error("the disk is full")

    assert bench.out.closed


def test_under_the_journal_each_line_begins_with_its_priority(bench: Bench) -> None:
    with open(os.devnull, "w", encoding="utf-8") as stream:
        told = os.fstat(stream.fileno())
        configure(
            LogOptions(format="logfmt"), Redactor(), lambda: bench.now, stream,
            {"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"},
        )  # fmt: skip
        handler = logging.getLogger().handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.stream = bench.out

        logging.getLogger("x").error("bad")

    assert bench.lines[0].startswith("<3>ts=")


def test_a_journal_that_is_not_this_stream_gets_no_priorities(bench: Bench) -> None:
    with open(os.devnull, "w", encoding="utf-8") as stream:
        configure(LogOptions(format="logfmt"), Redactor(), lambda: bench.now, stream, {"JOURNAL_STREAM": "1:2"})
        handler = logging.getLogger().handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.stream = bench.out

        logging.getLogger("x").error("bad")

    assert bench.lines[0].startswith("ts=")


@pytest.mark.parametrize(("option", "value"), [("level", "loud"), ("format", "xml")])
def test_a_wrong_flag_is_refused_with_the_words_that_exist(option: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"--log\.{option} {value}: is one of "):
        LogOptions(**{option: value})
