"""Bearer tokens of the estate: limited to councils, read late, and read again when their file changes."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from config.estate import Access, Estate, Rights, Token
from config.load import load_estate
from config.secrets import SecretReference
from exporters.web.access.tokens import Tokens, read_tokens
from testbeds.estates import DESKS, KINDS
from testbeds.front import Front, front, opened, users

GOOD = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


def token(home: Path, name: str, value: str | None, rights: Rights = Rights(None)) -> Token:  # noqa: B008  # frozen
    """A token in a file of its own; None: the file is not there."""
    place = home / f"{name}.token"
    if value is not None:
        place.write_text(value, encoding="utf-8")
        place.chmod(0o600)
    return Token(name, SecretReference("file", str(place)), rights)


def access(*tokens: Token) -> Access:
    return Access(tokens={one.name: one for one in tokens})


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def test_whoever_shows_a_token_has_its_rights_and_its_name(tmp_path: Path) -> None:
    reader = token(tmp_path, "board", GOOD, Rights(frozenset({"dacorum"})))
    actor = token(tmp_path, "deploy", f"{OTHER}\n", Rights(None, may_act=True))
    async with front(tmp_path, access=access(reader, actor)) as door:
        board, deploy = [(await door.ask(headers=bearer(value))).json() for value in (GOOD, OTHER)]

    assert (board["name"], board["councils"], board["may_act"]) == ("token:board", ["dacorum"], False)
    assert (deploy["name"], deploy["councils"], deploy["may_act"]) == ("token:deploy", None, True)


@pytest.mark.parametrize("brought", [GOOD[:-1], GOOD + "0", GOOD.upper(), OTHER, "", GOOD * 300])
async def test_what_is_not_quite_a_token_is_none(tmp_path: Path, brought: str) -> None:
    async with front(tmp_path, access=access(token(tmp_path, "board", GOOD))) as door:
        answer = await door.ask(headers=bearer(brought))

    assert (answer.status_code, answer.text) == (401, "Say who you are.\n")
    assert answer.headers["www-authenticate"] == 'Bearer realm="Ridgeway"'


async def test_both_ways_are_offered_where_there_are_both_and_refused_alike(tmp_path: Path) -> None:
    async with front(tmp_path, users(ann="right"), access(token(tmp_path, "board", GOOD))) as door:
        answers = [
            await door.ask(),
            await door.ask(auth=("ann", "wrong")),
            await door.ask(auth=("nobody", "right")),
            await door.ask(headers=bearer(OTHER)),
        ]
        by_api = await door.ask("/api/v1/who", headers=bearer(OTHER))
        right = await door.status(auth=("ann", "right"))

    assert right == 200
    assert len({(answer.status_code, answer.text, answer.headers["www-authenticate"]) for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == 'Basic realm="Ridgeway", charset="UTF-8", Bearer realm="Ridgeway"'
    assert by_api.json() == {
        "type": "about:blank", "status": 401, "title": "Unauthorized", "detail": "Say who you are."
    }  # fmt: skip


async def test_a_changed_token_counts_without_a_restart_and_the_old_one_no_more(tmp_path: Path) -> None:
    turns: list[str] = []
    async with front(tmp_path, access=access(token(tmp_path, "board", GOOD))) as door:
        door.control.turned.append(lambda: turns.append("turned"))
        before = await door.status(headers=bearer(GOOD))
        await door.control.look()
        quiet = len(turns)
        token(tmp_path, "board", OTHER + "00")
        await door.control.look()
        after = [await door.status(headers=bearer(value)) for value in (GOOD, OTHER + "00")]

    assert (before, after) == (200, [401, 200])
    assert (quiet, turns) == (0, ["turned"])  # so that answers which last for ever end


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param(None, "No such file or directory", id="missing"),
        pytest.param("short", "at least 16 printable ASCII characters", id="short"),
        pytest.param("a token with spaces in it", "without spaces", id="spaces"),
        pytest.param("\n", "empty", id="empty"),
    ],
)
async def test_a_token_that_cannot_be_used_lets_nobody_in_and_is_counted(
    tmp_path: Path, value: str | None, why: str
) -> None:
    lame = token(tmp_path, "lame", value)
    async with front(tmp_path, access=access(lame, token(tmp_path, "good", GOOD))) as door:
        tried = [await door.status(headers=bearer(one)) for one in ((value or "").strip(), GOOD)]
        unreadable = door.counts.unreadable

    assert (tried, unreadable) == ([401, 200], 1)
    assert why in read_tokens([lame]).troubles["lame"]


def test_two_tokens_of_one_value_let_nobody_in(tmp_path: Path) -> None:
    tokens = read_tokens([token(tmp_path, "a", GOOD), token(tmp_path, "b", GOOD), token(tmp_path, "c", OTHER)])

    assert tokens.shown(GOOD.encode()) is None
    assert set(tokens.troubles) == {"a", "b"}
    assert not any(GOOD in trouble for trouble in tokens.troubles.values())


def test_the_time_of_a_comparison_tells_nothing_of_the_place(tmp_path: Path) -> None:
    """All tokens are compared, so the first, the last and none take the same: with an early exit, a factor of 100."""
    many = [token(tmp_path, f"t{number}", f"{number:032}") for number in range(300)]
    tokens: Tokens = read_tokens(many)
    took: dict[int, list[float]] = {0: [], 299: [], 999: []}

    for _ in range(31):
        for number, times in took.items():
            brought = f"{number:032}".encode()
            began = time.perf_counter()
            tokens.shown(brought)
            times.append(time.perf_counter() - began)

    first, last, none = (statistics.median(times) for times in took.values())
    assert 1 / 3 < first / none < 3
    assert 1 / 3 < last / none < 3


ESTATE = """
estate: {{name: demo, vantage: here}}
councils: {{dacorum: {{}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
targets: {{switch: {{address: 192.0.2.1, site: forum, checks: [icmp]}}}}
{access}
"""


def estate(home: Path, section: str) -> Estate:
    path = home / "estate.yaml"
    path.write_text(ESTATE.format(access=section))
    return load_estate(path, KINDS, DESKS)


async def test_an_estate_that_is_used_later_brings_its_own_tokens_and_people(tmp_path: Path) -> None:
    place = token(tmp_path, "new", OTHER).token
    later = estate(
        tmp_path,
        f'access: {{tokens: {{new: {{token: "{place}", councils: [shared]}}}}, people: {{ann: {{councils: all}}}}}}',
    )
    async with front(tmp_path, users(ann="right", bob="right"), access(token(tmp_path, "old", GOOD))) as door:
        before = [await door.status(auth=(name, "right")) for name in ("ann", "bob")]
        door.control.use(later)
        await door.control.look()
        tokens = [await door.status(headers=bearer(value)) for value in (GOOD, OTHER)]
        after = [await door.status(auth=(name, "right")) for name in ("ann", "bob")]

    assert (before, tokens, after) == ([200, 200], [401, 200], [200, 403])


async def test_an_estate_that_lists_people_whom_nobody_asks_is_not_used(tmp_path: Path) -> None:
    later = estate(tmp_path, "access: {people: {ann: {councils: all}}}")
    async with front(tmp_path, access=access(token(tmp_path, "old", GOOD))) as door:
        objection = door.control.objection(later)
        door.control.use(later)
        await door.control.look()
        after = [await door.status(), await door.status(headers=bearer(GOOD))]

    assert "nothing asks who they are" in objection
    assert after == [401, 200]


async def test_without_any_authentication_everybody_on_loopback_reads_and_nobody_acts(tmp_path: Path) -> None:
    door = Front(tmp_path)
    async with opened(door, None):
        who = await door.ask()
        act = await door.ask("/api/v1/act", "POST", json={})

    assert who.json()["name"] == "loopback"
    assert act.status_code == 403
    assert "Configure authentication" in act.text


async def test_who_may_act_does_so_unless_another_sites_page_asks_in_their_browser(tmp_path: Path) -> None:
    people = {"ann": Rights(None, may_act=True), "bob": Rights(None)}
    async with front(tmp_path, users(ann="right", bob="right"), Access(people=people)) as door:

        async def act(user: str, **headers: str) -> tuple[int, str]:
            answer = await door.ask("/api/v1/act", "POST", json={}, auth=(user, "right"), headers=headers)
            return answer.status_code, answer.text

        own = await act("ann")
        reader = await act("bob")
        elsewhere = await act("ann", **{"Sec-Fetch-Site": "cross-site"})
        foreign = await act("ann", Origin="https://evil.example")

    assert own == (200, '{"by":"ann"}')
    assert reader == (403, '"bob may read and not act."')
    assert (elsewhere[0], foreign[0]) == (403, 403)
