"""Basic authentication: who gets in, what it costs, and that wrong passwords keep nobody out."""

from __future__ import annotations

import asyncio
import base64
import statistics
import time
from pathlib import Path

import pytest

from config.estate import Access, Rights
from exporters.web.access.passwords import MOST_OF_ONE, MOST_WAITING, Busy, Passwords, Work
from testbeds.front import front, hashed, users


async def test_a_user_with_a_password_reads_everything_where_the_estate_lists_nobody(tmp_path: Path) -> None:
    async with front(tmp_path, users(prometheus="scrape me")) as door:
        answer = await door.ask(auth=("prometheus", "scrape me"))

    assert answer.json() | {"headers": 0} == {"name": "prometheus", "councils": None, "may_act": False, "headers": 0}


async def test_everything_but_health_needs_a_password_and_is_told_how(tmp_path: Path) -> None:
    async with front(tmp_path, users(ann="right")) as door:
        bare, wrong, unknown = [
            await door.ask(auth=auth) for auth in (None, ("ann", "wrong"), ("bob", "right"))
        ]  # fmt: skip
        healthy = await door.ask("/-/healthy")
        refusals = dict(door.counts.refusals)

    for answer in (bare, wrong, unknown):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="Ridgeway", charset="UTF-8"'
        assert answer.text == bare.text == "Say who you are.\n"
    assert healthy.status_code == 200
    assert refusals == {"no_credentials": 1, "password": 2}


@pytest.mark.parametrize(
    "header",
    [
        b"", b"Basic", b"Basic \xff\xfe", b"Basic !!!!", b"Basic bm9jb2xvbg==", b"Basic OnJpZ2h0", b"Basic /zp4",
        b"Bearer right", b"Digest x", b"basic" + b"A" * 8000, b"Basic YW5uOnJpZ2h0 YW5uOnJpZ2h0",
    ],
)  # fmt: skip
async def test_an_authorization_that_cannot_be_read_is_refused_as_a_wrong_one_is(tmp_path: Path, header: bytes) -> None:
    async with front(tmp_path, users(ann="right")) as door:
        answer = await door.ask(headers={"Authorization": header})

    assert (answer.status_code, answer.text) == (401, "Say who you are.\n")


async def test_two_authorizations_are_not_chosen_from(tmp_path: Path) -> None:
    async with front(tmp_path, users(ann="right")) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        line = b"Authorization: Basic YW5uOnJpZ2h0\r\n"
        writer.write(b"GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + line + line + b"\r\n")
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_people_who_are_not_listed_get_what_others_get_or_nothing(tmp_path: Path) -> None:
    listed = {"ann": Rights(frozenset({"dacorum"}), may_act=True)}
    async with front(tmp_path, users(ann="right", bob="right"), Access(people=listed)) as door:
        ann, bob = [await door.ask(auth=(name, "right")) for name in ("ann", "bob")]
    async with front(tmp_path, users(bob="right"), Access(people=listed, others=Rights(frozenset({"shared"})))) as door:
        other = await door.ask(auth=("bob", "right"))

    assert (ann.json()["councils"], ann.json()["may_act"]) == (["dacorum"], True)
    assert bob.status_code == 403
    assert (other.json()["councils"], other.json()["may_act"]) == (["shared"], False)


@pytest.mark.parametrize("password", ["", "pass:word", "päss wörd", "x" * 100, "\u0000nul"])
async def test_any_password_that_was_hashed_is_right_and_no_other(tmp_path: Path, password: str) -> None:
    work = Work()
    passwords = Passwords({"ann": hashed(password[:72]).encode()}, work)

    assert await passwords.right("ann", password.encode(), "a")
    assert not await passwords.right("ann", b"other" + password.encode(), "a")
    work.close()


async def test_a_right_pair_is_reckoned_once_and_a_wrong_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    reckoned: list[str] = []
    monkeypatch.setattr(work, "matches", _counting(work.matches, reckoned))
    passwords = Passwords({"ann": hashed("right").encode()}, work)

    at_once = await asyncio.gather(*(passwords.right("ann", b"right", "a") for _ in range(5)))
    later = await passwords.right("ann", b"right", "a")
    wrong = [await passwords.right("ann", b"wrong", "a") for _ in range(3)]
    others = [await passwords.right(name, b"right", "a") for name in ("", "an", "annr", "bob")]

    assert (at_once, later, wrong, others) == ([True] * 5, True, [False] * 3, [False] * 4)
    assert len(reckoned) == 1 + 3 + 4
    work.close()


def _counting(matches, reckoned: list[str]):  # type: ignore[no-untyped-def]
    def counted(password: bytes, hashed: bytes, address: str) -> asyncio.Future[bool]:
        reckoned.append(address)
        return matches(password, hashed, address)

    return counted


async def test_the_line_is_short_and_no_address_fills_it_alone() -> None:
    work = Work()
    slow = hashed("right", 8).encode()

    waiting = [work.matches(b"x", slow, "one") for _ in range(MOST_OF_ONE)]
    with pytest.raises(Busy):
        work.matches(b"x", slow, "one")
    waiting += [work.matches(b"x", slow, f"{number}") for number in range(MOST_WAITING - MOST_OF_ONE)]
    with pytest.raises(Busy):
        work.matches(b"x", slow, "another")
    await asyncio.gather(*waiting)

    assert await work.matches(b"right", slow, "one")
    work.close()


async def _tries(port: int, password: str) -> bytes:
    """The answer to ann's log-in, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    pair = base64.b64encode(f"ann:{password}".encode()).decode()
    writer.write(
        f"GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic {pair}\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer


async def test_a_flood_of_wrong_passwords_keeps_no_known_user_out_and_is_told_to_come_back(tmp_path: Path) -> None:
    async with front(tmp_path, f"basic_auth_users:\n  ann: {hashed('right', 10)}\n") as door:
        assert (await _tries(door.port, "right")).startswith(b"HTTP/1.1 200 ")

        flood = [asyncio.create_task(_tries(door.port, f"wrong {number}")) for number in range(60)]
        while not door.counts.refusals["busy"]:  # the line is full
            await asyncio.sleep(0)
        served = await _tries(door.port, "right")
        waiting = sum(not task.done() for task in flood)
        answers = await asyncio.gather(*flood)

    assert served.startswith(b"HTTP/1.1 200 ")
    assert waiting > 0
    assert {answer[:13] for answer in answers} == {b"HTTP/1.1 401 ", b"HTTP/1.1 503 "}
    assert b"retry-after: 2" in next(answer for answer in answers if b" 503 " in answer[:13]).lower()


async def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    """Compared within one run, tried in turns: what is skipped for the unknown would be a factor of hundreds."""
    work = Work()
    passwords = Passwords({"ann": hashed("right", 8).encode(), "bob": hashed("right", 8).encode()}, work)
    took: dict[str, list[float]] = {"ann": [], "nobody": []}

    for number in range(15):
        for user, times in took.items():
            began = time.perf_counter()
            assert not await passwords.right(user, f"wrong {number}".encode(), "a")
            times.append(time.perf_counter() - began)
    work.close()

    known, unknown = statistics.median(took["ann"]), statistics.median(took["nobody"])
    assert 1 / 3 < unknown / known < 3, (known, unknown)
