"""`ridgeway events` without an agent, from the ledger; and its patience with an agent that comes and goes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.cli import answer, events
from agent.cli.errors import Failure
from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from testbeds import kept

EVENT = {"time": "2026-11-23T11:49:07Z", "data": {"kind": "opened", "incident": "RWY-1", "text": "95 %", "about": None}}


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    location = str(tmp_path / "ledger.sqlite3")
    with closing(Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel")) as opened:
        opened.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
        opened.writer.submit(kept.changed()).result(30)
    return location


def verb(ledger: str, *more: str) -> list[str]:
    return ["events", "--ledger.url", ledger, "--control.socket", f"{ledger}.socket", *more]


def test_the_ledger_is_read_where_no_agent_runs(ledger: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    ended = answer(verb(ledger, "--limit", "1"))

    said = capsys.readouterr()
    assert ended == 0
    assert said.out == "2026-09-21 15:13:20 BST  opened       RWY-1  P3 hemel-router: opened\n"
    assert "This is what the ledger last kept" in said.err
    assert said.err.splitlines()[-1].startswith("there is more; go on with --after ") and said.err.endswith(":1\n")


def test_with_json_each_event_is_a_cloudevent_of_the_estate_that_is_named(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(
        "estate: {name: home, vantage: here}\ncouncils: {dacorum: {title: Dacorum}}\n"
        "sites: {forum: {council: dacorum}}\nvantages: {here: {site: forum}}\n"
        "targets: {agent: {address: 127.0.0.1, site: forum, checks: [host]}}\n"
    )
    capsys.readouterr()
    ended = answer(verb(ledger, "--after", "1", "--json", "--config.file", str(estate)))

    (event,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ended == 0
    assert (event["source"], event["data"]["kind"]) == ("urn:ridgeway:home", "changed")


@pytest.mark.parametrize(
    ("after", "why"), [("nonsense", "a cursor is a number"), ("3", "ahead of this log"), ("X:1", "does not descend")]
)
def test_a_cursor_that_leads_nowhere_is_refused(
    ledger: str, after: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = answer(verb(ledger, "--after", after))

    assert ended == 1
    assert why in capsys.readouterr().err


def test_without_agent_and_ledger_it_says_what_was_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = answer(verb(str(tmp_path / "none.sqlite3")))

    said = capsys.readouterr().err
    assert ended == 3
    assert "No agent listens" in said and "there is no ledger at" in said


def test_following_goes_on_where_it_was_when_the_agent_comes_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def answers() -> Iterator[Mapping[str, Any] | Exception]:
        yield {"events": [EVENT], "next": "E:1", "more": True}
        yield Failure("No agent listens.", status=3)
        yield Failure("No agent listens.", status=3)
        yield {"events": [EVENT], "next": "E:2", "more": False}
        yield Failure("That cursor has expired.", status=1)

    found = answers()

    def call(_path: Path, _verb: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(arguments["after"])
        given = next(found)
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr(events, "call", call)
    monkeypatch.setattr(events, "_PAUSE", 0.0)

    ended = answer(["events", "--follow"])

    said = capsys.readouterr()
    assert ended == 1 and asked == ["now", "E:1", "E:1", "E:1", "E:2"]
    assert said.out.count("95 %") == 2
    assert said.err == "No agent listens. Waiting for it.\nThat cursor has expired.\n"
