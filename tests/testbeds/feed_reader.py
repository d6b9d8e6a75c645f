"""A reader of the feed in a process of its own, that may be killed at any moment and goes on where it was.

Run as `python -m testbeds.feed_reader URL JOURNAL FORM [COUNCIL]`, with a FORM of `FORMS`. Each event becomes a line of
the journal, as does a cursor that moved without one; what a kill cut off in the middle of a line was not read.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

FORMS = ("number", "id", "wait", "batch", "last", "stream", "stream-number")
"""Polls that keep a number, an event's id, the same and wait, the link of a batch, the last event's id; streams that
keep the last id, or only its number."""
_PAUSE = 0.1


class Journal:
    """What was read, whole lines only. `cursor` is where to go on."""

    def __init__(self, path: Path) -> None:
        path.touch()
        whole = path.read_bytes().rpartition(b"\n")[0]
        lines = whole.decode().splitlines()
        self.cursor = lines[-1].split("\t")[1] if lines else "0"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.ftruncate(self._file, len(whole) + bool(whole))
        os.lseek(self._file, 0, os.SEEK_END)

    def keep(self, events: list[dict[str, object]], cursor: str) -> None:
        """Write down a page. Every line of it is a place to go on from."""
        lines = [f"event\t{event['id']}\t{json.dumps(event)}\n" for event in events]
        if cursor != self.cursor:
            lines.append(f"cursor\t{cursor}\n")
        self.cursor = cursor
        os.write(self._file, "".join(lines).encode())


def read_back(path: Path) -> list[dict[str, object]]:
    """The events of a journal, in the order in which they came."""
    lines = path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
    return [json.loads(line.split("\t", 2)[2]) for line in lines if line.startswith("event\t")]


def main(url: str, journal: Path, form: str, council: str | None) -> None:
    kept = Journal(journal)
    headers = {"Authorization": f"Bearer {council}"} if council else {}
    follow = _stream if form.startswith("stream") else _poll
    while True:
        # The agent is being killed and started; that is what this reader is for.
        with contextlib.suppress(OSError, http.client.HTTPException):
            follow(urlsplit(url).netloc, kept, form, dict(headers))
        time.sleep(random.random() * _PAUSE)


def _poll(place: str, kept: Journal, form: str, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection(place, timeout=30)
    wait = "&wait=5" if form == "wait" else ""
    if form == "batch":
        headers["Accept"] = "application/cloudevents-batch+json"
    while True:
        after = kept.cursor.rpartition(":")[2] if form == "number" else kept.cursor
        limit = random.choice((1, 7, 100, 1_000))
        connection.request("GET", f"/api/v1/events?after={after}&limit={limit}{wait}", headers=headers)
        response = connection.getresponse()
        body = json.loads(response.read())
        if response.status != 200:
            _refused(kept, response.status, body)
            return
        events = body if form == "batch" else body["events"]
        if form == "batch":
            link = re.search(r"after=([^&>]+)", response.headers["Link"])
            assert link is not None
            cursor = link[1]
        elif form == "last":
            cursor = events[-1]["id"] if events else kept.cursor
        else:
            cursor = body["next"]
        kept.keep(events, cursor)
        time.sleep(random.random() * _PAUSE)


def _stream(place: str, kept: Journal, form: str, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection(place, timeout=30)
    headers["Last-Event-ID"] = kept.cursor.rpartition(":")[2] if form == "stream-number" else kept.cursor
    connection.request("GET", "/api/v1/events/stream", headers=headers)
    response = connection.getresponse()
    if response.status != 200:
        _refused(kept, response.status, json.loads(response.read()))
        return
    for id, data in _frames(response):
        kept.keep([json.loads(data)] if data else [], id)
        if random.random() < 0.002:
            return


def _frames(response: http.client.HTTPResponse) -> Iterator[tuple[str, str]]:
    fields: dict[str, str] = {}
    while line := response.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if line != "\n":
            fields[name] = value
        else:
            yield fields["id"], fields.get("data", "")
            fields = {}


def _refused(kept: Journal, status: int, body: object) -> None:
    """The agent being stopped is nothing; anything else ends this reader, and is seen at the end."""
    if status != 503:
        raise SystemExit(f"refused at {kept.cursor}: {status} {body}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
