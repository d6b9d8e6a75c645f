"""A proxy that says who asks: believed from its own address only, and never beside another word."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from config.estate import Access, Proxy, Rights
from exporters.web.access.proxy import is_trusted
from testbeds import nginx
from testbeds.front import front, users

ANN = {"ann@DACORUM.EXAMPLE": Rights(frozenset({"dacorum"}), may_act=True)}


def behind(*networks: str, people: dict[str, Rights] = ANN) -> Access:
    return Access(
        people=people, proxy=Proxy(tuple(ipaddress.ip_network(one) for one in networks), "X-Forwarded-User")
    )  # fmt: skip


async def test_the_proxy_names_a_person_and_nobody_behind_sees_its_header(tmp_path: Path) -> None:
    async with front(tmp_path, access=behind("127.0.0.1/32")) as door:
        answer = await door.ask(headers={"X-Forwarded-User": "ann@DACORUM.EXAMPLE"})

    told = answer.json()
    assert (told["name"], told["councils"], told["may_act"]) == ("ann@DACORUM.EXAMPLE", ["dacorum"], True)
    assert "x-forwarded-user" not in told["headers"]


async def test_the_header_from_anywhere_else_is_nothing_but_a_line_in_the_count(tmp_path: Path) -> None:
    async with front(tmp_path, users(bob="right"), behind("192.0.2.0/24", people={**ANN, "bob": Rights(None)})) as door:
        alone = await door.ask(headers={"X-Forwarded-User": "ann@DACORUM.EXAMPLE"})
        beside = await door.ask(headers={"X-Forwarded-User": "ann@DACORUM.EXAMPLE"}, auth=("bob", "right"))
        refusals = dict(door.counts.refusals)

    assert alone.status_code == 401
    assert beside.json()["name"] == "bob"
    assert "x-forwarded-user" not in beside.json()["headers"]
    assert refusals == {"proxy": 1}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (b"somebody else", 403),
        (b"", 403),
        (b"\xff\xfe", 403),
        (b"token:deploy", 403),
        (b"a" * 5000, 403),
        ("änn".encode(), 403),
    ],
)
async def test_who_is_not_listed_and_what_is_no_name_get_nothing(tmp_path: Path, name: bytes, status: int) -> None:
    async with front(tmp_path, access=behind("127.0.0.1/32")) as door:
        answer = await door.ask(headers={"X-Forwarded-User": name})

    assert answer.status_code == status


async def test_a_proxy_that_names_nobody_is_told_that_there_is_no_other_way(tmp_path: Path) -> None:
    async with front(tmp_path, access=behind("127.0.0.1/32")) as door:
        answer = await door.ask()

    assert (answer.status_code, "by way of the proxy" in answer.text) == (403, True)
    assert "www-authenticate" not in answer.headers


async def test_two_words_about_who_asks_are_refused_however_right_both_are(tmp_path: Path) -> None:
    people = {**ANN, "bob": Rights(None)}
    async with front(tmp_path, users(bob="right"), behind("127.0.0.1/32", people=people)) as door:
        answer = await door.ask(headers={"X-Forwarded-User": "ann@DACORUM.EXAMPLE"}, auth=("bob", "right"))
        alone = await door.ask(auth=("bob", "right"))

    assert (answer.status_code, "Have the proxy drop" in answer.text) == (400, True)
    assert alone.json()["name"] == "bob"


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("192.0.2.7", True),
        ("192.0.3.7", False),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("unix", False),
    ],
)
def test_addresses_are_believed_as_the_networks_say(address: str, trusted: bool) -> None:
    proxy = Proxy((ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")), "X-Forwarded-User")

    assert is_trusted(proxy, address) is trusted
    assert not is_trusted(None, address)


async def test_a_real_nginx_asks_for_the_password_and_says_who_it_was(tmp_path: Path) -> None:
    people = {nginx.USER: Rights(frozenset({"shared"}))}
    async with front(tmp_path, access=behind("127.0.0.1/32", people=people)) as door:
        inner = (
            f"location /who {{ auth_basic 'council'; auth_basic_user_file users; proxy_pass http://127.0.0.1:{door.port};"
            " proxy_set_header X-Forwarded-User $remote_user; proxy_set_header Authorization ''; }"
        )
        with nginx.running({"front": nginx.Site(extra=inner)}) as proxy:
            inside, door.port = door.port, proxy.port["front"]
            named = await door.ask(
                auth=(nginx.USER, nginx.PASSWORD), headers={"X-Forwarded-User": "ann@DACORUM.EXAMPLE"}
            )
            wrong = await door.status(auth=(nginx.USER, "wrong"))
            door.port = inside

    assert (named.status_code, named.json()["name"], named.json()["councils"]) == (200, nginx.USER, ["shared"])
    assert wrong == 401
