"""Names, with a resolver that answers, refuses or hangs as told."""

import asyncio
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.names import KEPT, KEPT_NEGATIVE, Address, Names, numeric


class _Resolver:
    """getaddrinfo as a test wants it; counts what it is asked."""

    def __init__(self, *ips: str) -> None:
        self.ips = ips
        self.asked: list[str] = []

    def __call__(self, host, port, **_):
        self.asked.append(host)
        if not self.ips:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6, 1, 6, "", (ip, 0, 0, 0)) if ":" in ip else (socket.AF_INET, 1, 6, "", (ip, 0))
            for ip in self.ips
        ]


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.ip_addresses())
def test_a_numeric_address_is_spelt_as_the_kernel_spells_it_and_never_looked_up(ip):
    resolver = _Resolver()
    names = Names(look_up=resolver)

    found = names.at_hand(ip.exploded)

    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    assert found == Address(family, socket.inet_ntop(family, ip.packed))
    assert resolver.asked == []


@pytest.mark.parametrize("text", ["", "router", "1.2.3", "1.2.3.4.5", "::g", "1.2.3.4 ", "\0", "fe80::1%nonesuch"])
def test_what_is_not_an_address_is_a_name(text):
    assert numeric(text) is None


def test_a_link_local_address_keeps_its_interface():
    assert numeric("fe80::1%lo") == Address(socket.AF_INET6, "fe80::1", socket.if_nametoindex("lo"))


async def test_an_answer_is_used_again_until_it_is_old():
    resolver, clock = _Resolver("192.0.2.7"), _Clock()
    names = Names(look_up=resolver, monotonic=clock)

    first = await names.address("router")
    clock.now += KEPT - 1
    again = await names.address("router")
    clock.now += 2
    renewed = await names.address("router")

    assert first == again == renewed == Address(socket.AF_INET, "192.0.2.7")
    assert resolver.asked == ["router", "router"]


async def test_a_refusal_is_kept_for_a_shorter_while():
    resolver, clock = _Resolver(), _Clock()
    names = Names(look_up=resolver, monotonic=clock)

    for step in (0, KEPT_NEGATIVE - 1, 2):
        clock.now += step
        with pytest.raises(TransportFault) as caught:
            await names.address("router")

    assert caught.value.reason is Reason.NAME
    assert resolver.asked == ["router", "router"]


async def test_a_family_that_the_name_lacks_is_a_fault_of_names():
    names = Names(look_up=_Resolver("2001:db8::1"))

    six = await names.address("router", socket.AF_INET6)
    with pytest.raises(TransportFault, match="no IPv4 address"):
        await names.address("router", socket.AF_INET)

    assert six.at(80) == ("2001:db8::1", 80, 0, 0)


async def test_a_hanging_resolver_is_asked_once_and_holds_nobody():
    release = threading.Event()
    asked = []

    def hang(host, port, **_):
        asked.append(host)
        release.wait(30)
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.7", 0))]

    names = Names(look_up=hang)
    waiting = [asyncio.ensure_future(names.address("router")) for _ in range(50)]
    await asyncio.sleep(0.05)
    waiting[0].cancel()
    release.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert asked == ["router"]
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [Address(socket.AF_INET, "192.0.2.7")] * 49


async def test_the_cache_is_bounded():
    names = Names(look_up=_Resolver("192.0.2.7"))

    for number in range(5000):
        names.at_hand(f"10.0.{number >> 8}.{number & 255}")

    assert len(names._known) == 4096
