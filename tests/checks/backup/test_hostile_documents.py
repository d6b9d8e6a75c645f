"""Whatever a command-line product prints, it is read, or refused in words; and what is read can be judged and kept."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Account
from checks.backup.note import LARGEST, unpacked
from checks.backup.options import BackupOptions
from checks.backup.products import barman, borg, pgbackrest, restic
from checks.backup.tools import Output
from checks.contract import State
from checks.transports.fault import TransportFault
from testbeds.backup_accounts import DAY, NOW

LONDON = ZoneInfo("Europe/London")
EVIL: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**30, float("inf"), float("nan"), "", "x" * 100_000, "\x00\x1b[31m", "not a time",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+12:00", "2030-01-01T00:00:00.000000000Z",
    [], {}, [[]], {"": None}, [None] * 1000,
)  # fmt: skip
RESTIC: Any = [
    {
        "time": "2026-09-21T05:00:00.123456789Z", "hostname": "ben", "paths": ["/srv"], "short_id": "abcd",
        "program_version": "restic 0.18.0",
        "summary": {"backup_start": "2026-09-21T05:00:00Z", "backup_end": "2026-09-21T05:10:00Z",
                    "total_bytes_processed": 5, "data_added_packed": 5, "total_files_processed": 5},
    }
]  # fmt: skip
BORG: Any = {
    "archives": [
        {"name": "ben-2026-09-21", "id": "ab", "start": "2026-09-21T05:00:00.000000",
         "end": "2026-09-21T05:10:00.000000", "hostname": "ben"}
    ]
}  # fmt: skip
BACKREST: Any = [
    {
        "name": "ben", "status": {"code": 0, "message": "ok", "lock": {"backup": {"held": False}}},
        "repo": [{"key": 1, "status": {"code": 0, "message": "ok"}}],
        "archive": [{"id": "15-1", "max": "000000010000000000000009", "database": {"repo-key": 1}}],
        "backup": [{"label": "20260921-050000F", "type": "full", "error": False, "database": {"repo-key": 1},
                    "timestamp": {"start": int(NOW - 3600), "stop": int(NOW - 3000)},
                    "info": {"size": 5, "delta": 5, "repository": {"delta": 5}}}],
    }
]  # fmt: skip
BARMAN: Any = {
    "ben": [
        {"backup_id": "20260921T050000", "status": "DONE", "size_bytes": 5, "end_time_timestamp": str(int(NOW - 99))}
    ]
}


def output(said: Any) -> Output:
    return Output(json.dumps(said), "", 0, "tool")


def by_backrest(said: Any) -> Account:
    return pgbackrest.account(output(said), pgbackrest.Log(), NOW)


def by_barman(said: Any) -> Account:
    checks = {"ben": {"ssh": {"status": "OK", "hint": ""}}}
    return barman.account(output(said), output(checks), LONDON, NOW)


READERS: dict[str, tuple[Any, Callable[[Any], Account]]] = {
    "restic": (RESTIC, lambda said: restic.account("/r", output(said), NOW)),
    "borg": (BORG, lambda said: borg.account("/r", output(said), NOW)),
    "pgbackrest": (BACKREST, by_backrest),
    "barman": (BARMAN, by_barman),
}
OPTIONS = BackupOptions.model_validate(
    {
        "products": {"it": {"product": "restic", "local": True, "repository": "/r", "password_file": "/p"}},
        "objects": {
            "ben": {
                "owner": "Revenues", "rpo": "24h", "schedule": {"cron": "0 5 * * *"}, "copies": {},
                "retention": {"points": 1, "oldest": "2d", "gfs": {"weekly": 2}}, "verified_within": "35d",
                "drilled_within": "35d", "rto": "1h", "by": [{"product": "it", "object": "*"}],
            }
        },
    }
)  # fmt: skip


def places(said: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a document, the whole among them."""
    yield at
    for key, one in said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ():
        yield from places(one, (*at, key))


def spoilt(said: Any, at: tuple[Any, ...], evil: Any) -> Any:
    if not at:
        return evil
    made = copy.deepcopy(said)
    part = made
    for key in at[:-1]:
        part = part[key]
    part[at[-1]] = evil
    return made


@pytest.mark.parametrize("product", READERS)
def test_a_document_that_is_well_is_read(product: str) -> None:
    said, reader = READERS[product]

    account = reader(said)

    assert len(account.points) == 1
    assert account.unread == {}


@pytest.mark.parametrize("product", READERS)
def test_a_document_with_any_value_replaced_is_refused_in_words_or_read_and_judged(product: str) -> None:
    said, reader = READERS[product]
    refused = judgements = 0
    for at in places(said):
        for evil in EVIL:
            try:
                account = reader(spoilt(said, at, evil))
            except TransportFault as fault:
                assert 0 < len(fault.message) <= 500
                refused += 1
                continue
            first = judged(OPTIONS, BackupAnswers({"it": ProductPart(account)}), None, NOW)
            second = judged(OPTIONS, BackupAnswers({"it": ProductPart(account)}), first.memory, NOW + 2 * DAY)
            judgements += 1
            for found in (first, second):
                assert all(len(one.summary) <= 300 and one.summary.isprintable() for one in found.findings)
            assert first.memory is not None and len(first.memory.text) < LARGEST // 100
            assert "ben" in unpacked(first.memory).objects
            late = next((one for one in second.findings if one.key == "backup/protection/ben"), None)
            assert late is None or late.state is not State.OK

    assert refused > 20
    assert judgements > 20


@pytest.mark.parametrize("product", READERS)
@pytest.mark.parametrize("cut", [0, 1, 17, 60])
def test_what_is_cut_short_is_refused(product: str, cut: int) -> None:
    said, _ = READERS[product]
    text = json.dumps(said)

    with pytest.raises(TransportFault, match="printed no JSON"):
        Output(text[: len(text) - 1 - cut], "", 0, "tool").document()


def test_what_is_deeper_than_anybody_nests_is_refused() -> None:
    with pytest.raises(TransportFault, match="printed no JSON"):
        Output("[" * 1_000_000, "", 0, "tool").document()
