"""DNS servers that lie, stammer or never end: what counts as an answer, and what does not."""

import asyncio
import contextlib
import random
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from checks.contract import Reason
from checks.transports.dns import DnsTransport, Question
from checks.transports.fault import TransportFault
from testbeds.datagrams import peer

QUESTION = Question("www.forum.test", "A")


def answer(query: bytes, *records: str, **changes: object) -> dns.message.Message:
    """An honest reply with these records (`name ttl IN type value`)."""
    reply = dns.message.make_response(dns.message.from_wire(query))
    for record in records or ("www.forum.test. 60 IN A 192.0.2.10",):
        name, ttl, _, kind, value = record.split(" ", 4)
        reply.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
    for name, value in changes.items():
        setattr(reply, name, value)
    return reply


async def _ask(port: int, *, tcp: bool = False, timeout: float = 5.0, question: Question = QUESTION):
    deadline = asyncio.get_running_loop().time() + timeout
    return await DnsTransport().ask("127.0.0.1", port, question, deadline=deadline, tcp=tcp)


async def _refused(port: int, **how) -> TransportFault:
    with pytest.raises(TransportFault) as caught:
        await _ask(port, **how)
    return caught.value


@contextlib.asynccontextmanager
async def over_tcp(talk):
    """A TCP server of one function of reader and writer."""

    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def _question(reader) -> bytes:
    (size,) = struct.unpack("!H", await reader.readexactly(2))
    return await reader.readexactly(size)


def _framed(reply: bytes) -> bytes:
    return struct.pack("!H", len(reply)) + reply


async def test_an_honest_answer_is_taken_and_the_number_and_port_are_random():
    async with peer(lambda query: [answer(query).to_wire()]) as server:
        replies = [await _ask(server.port) for _ in range(8)]

    assert {reply.message.answer[0][0].to_text() for reply in replies} == {"192.0.2.10"}
    assert len({query[:2] for query in server.questions}) > 4


@pytest.mark.parametrize("wanted", [True, False])
async def test_recursion_and_signatures_are_asked_for_only_where_they_are_wanted(wanted):
    async with peer(lambda query: [answer(query).to_wire()]) as server:
        await _ask(server.port, question=Question("www.forum.test", "A", recursion=wanted, signatures=wanted))

    (query,) = [dns.message.from_wire(each) for each in server.questions]
    assert bool(query.flags & dns.flags.RD) is wanted
    assert bool(query.ednsflags & dns.flags.DO) is wanted


@pytest.mark.parametrize(
    "forged",
    [
        lambda query: [bytes((query[0] ^ 1, query[1])) + answer(query).to_wire()[2:]],
        lambda query: [answer(query).to_wire().replace(b"\x03www", b"\x03wwx")],
        lambda query: [query],
        lambda query: [answer(query).to_wire()[:11]],
        lambda query: [answer(query, flags=dns.flags.QR | 0x2000).to_wire()],  # another opcode
    ],
    ids=["number", "question", "echo", "short", "opcode"],
)
async def test_a_forged_reply_never_counts_and_the_true_one_after_it_does(forged):
    async with peer(lambda query: [*forged(query), *forged(query), answer(query).to_wire()]) as server:
        reply = await _ask(server.port)

    assert reply.message.answer[0][0].to_text() == "192.0.2.10"
    assert reply.ignored == 2


async def test_only_forged_replies_are_a_fault_of_the_protocol():
    async with peer(lambda query: [bytes((query[0] ^ 1, query[1])) + answer(query).to_wire()[2:]]) as server:
        fault = await _refused(server.port, timeout=0.4)

    assert fault.reason is Reason.PROTOCOL
    assert "none of them to the question" in fault.message


async def test_a_reply_from_another_port_is_never_seen():
    async with peer(lambda query: []) as other:

        def turn(query):
            other._transport.sendto(answer(query).to_wire(), server._client)
            return []

        async with peer(turn) as server:
            fault = await _refused(server.port, timeout=0.4)

    assert fault.reason is Reason.NO_ANSWER


async def test_a_flood_of_replies_to_nothing_ends_the_question(monkeypatch):
    monkeypatch.setattr("checks.transports.dns._MOST_IGNORED", 20)
    async with peer(lambda query: [bytes((query[0] ^ 1, query[1])) + answer(query).to_wire()[2:]] * 40) as server:
        fault = await _refused(server.port, timeout=20)

    assert fault.reason is Reason.LIMIT
    assert len(server.questions) == 1


async def test_a_lost_datagram_is_asked_for_again():
    def answers(query):
        return [answer(query).to_wire()] if len(server.questions) > 1 else []

    async with peer(answers) as server:
        reply = await _ask(server.port, timeout=1.2)

    assert reply.sent == 2
    assert server.questions[0] == server.questions[1]


async def test_a_server_without_edns_is_asked_again_without_it():
    def old(query):
        if dns.message.from_wire(query).edns >= 0:
            bare = dns.message.make_response(dns.message.from_wire(query))
            bare.use_edns(False)
            bare.set_rcode(dns.rcode.FORMERR)
            return [bare.to_wire()]
        return [answer(query).to_wire()]

    async with peer(old) as server:
        reply = await _ask(server.port)

    assert reply.message.rcode() == dns.rcode.NOERROR
    assert len(server.questions) == 2


def _loop_of_compression(query: bytes) -> bytes:
    """An answer whose owner is a pointer to itself (RFC 1035, 4.1.4)."""
    whole = answer(query).to_wire()
    at = whole.index(b"\xc0\x0c")
    return whole[:at] + struct.pack("!H", 0xC000 | at) + whole[at + 2 :]


@pytest.mark.parametrize(
    "broken",
    [
        _loop_of_compression,
        lambda query: answer(query).to_wire()[:6] + b"\0\x09" + answer(query).to_wire()[8:],
        lambda query: answer(query).to_wire()[:6] + b"\xff\xff" + answer(query).to_wire()[8:],
        lambda query: answer(query).to_wire() + b"left over",
        lambda query: answer(query).to_wire()[:-2],
    ],
    ids=["loop", "counts", "65535 records", "trailing", "cut"],
)
@pytest.mark.parametrize("tcp", [False, True])
async def test_a_malformed_reply_is_a_fault_of_the_protocol(broken, tcp):
    async def talk(reader, writer):
        writer.write(_framed(broken(await _question(reader))))
        await writer.drain()

    async with contextlib.AsyncExitStack() as stack:
        if tcp:
            port = await stack.enter_async_context(over_tcp(talk))
        else:
            port = (await stack.enter_async_context(peer(lambda query: [broken(query)]))).port
        fault = await _refused(port, tcp=tcp)

    assert fault.reason is Reason.PROTOCOL


async def test_mutated_replies_raise_nothing_but_faults():
    chance = random.Random(7)

    def mutate(query):
        wire = bytearray(answer(query, 'www.forum.test. 60 IN TXT "a" "b"', "x.test. 5 IN SRV 1 2 3 y.test.").to_wire())
        for _ in range(chance.randint(1, 6)):
            wire[chance.randrange(12, len(wire))] = chance.randrange(256)
        return [bytes(wire)]

    ends = set()
    async with peer(mutate) as server:
        for _ in range(100):
            try:
                await _ask(server.port, timeout=0.02)
                ends.add("answer")
            except TransportFault as fault:
                ends.add(fault.reason.value)

    assert ends <= {"answer", "protocol", "no-answer"}
    assert {"answer", "protocol"} <= ends


async def test_a_reply_of_64_kib_is_refused_without_being_read():
    async def talk(reader, writer):
        query = await _question(reader)
        head = answer(query).to_wire()
        record = head[head.index(b"\xc0\x0c") :][:16]
        wire = head[:6] + struct.pack("!HHH", 4_000, 0, 0) + head[12 : head.index(b"\xc0\x0c")] + record * 4_000
        writer.write(_framed(wire[:65_535]))
        await writer.drain()

    async with over_tcp(talk) as port:
        fault = await _refused(port, tcp=True)

    assert fault.reason is Reason.PROTOCOL
    assert "4000 records" in fault.message


async def test_a_truncated_reply_says_so_and_is_not_read():
    def cut(query):
        wire = bytearray(answer(query).to_wire()[:-3])
        wire[2] |= 0x02
        return [bytes(wire)]

    async with peer(cut) as server:
        reply = await _ask(server.port)

    assert reply.truncated is True
    assert reply.message.answer == []


async def test_a_drip_over_tcp_ends_at_the_deadline():
    hung_up = asyncio.Event()

    async def talk(reader, writer):
        reply = _framed(answer(await _question(reader)).to_wire())
        try:
            for octet in reply:
                writer.write(bytes((octet,)))
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            hung_up.set()

    async with over_tcp(talk) as port:
        fault = await _refused(port, tcp=True, timeout=0.4)
        async with asyncio.timeout(10):
            await hung_up.wait()

    assert fault.reason is Reason.NO_ANSWER


async def test_a_server_that_hangs_up_before_its_reply_is_a_fault_of_the_protocol():
    async def talk(reader, writer):
        await _question(reader)

    async with over_tcp(talk) as port:
        fault = await _refused(port, tcp=True)

    assert fault.reason is Reason.PROTOCOL


async def test_a_reply_to_another_question_over_tcp_is_a_lie():
    async def talk(reader, writer):
        query = await _question(reader)
        writer.write(_framed(answer(query).to_wire().replace(b"\x03www", b"\x03wwx")))
        await writer.drain()

    async with over_tcp(talk) as port:
        fault = await _refused(port, tcp=True)

    assert fault.reason is Reason.PROTOCOL


async def test_cancelling_leaves_no_socket_behind():
    async with peer(lambda query: []) as server:
        task = asyncio.get_running_loop().create_task(_ask(server.port, timeout=30))
        async with asyncio.timeout(10):
            while not server.questions:
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    # An open socket would be a ResourceWarning, which is an error here.
    assert task.cancelled()
