"""A drill while it goes on, with a service and a pair that do as the test says; and every way to end it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio

from agent.drills import under_way
from agent.drills.counting import Answer
from agent.drills.pair import Pair
from agent.drills.phones import Phones
from agent.drills.probing import PATIENCE, Probe, Row
from agent.drills.records import Drill, Evidence, Outcome
from agent.drills.under_way import Ending, Sight, UnderWay
from agent.records import CheckResult
from checks.contract import Assessment, Fault, Finding, Reading, Reason, State
from checks.firewall.cluster import HA_ROLE
from checks.firewall.failovers import Failover
from checks.telephony.mitel import MitelOptions
from checks.transports.sip import Carrier
from config.estate import CheckSpec
from testbeds import kept
from testbeds.judging import check
from testbeds.mitel import assessed, business

pytestmark = pytest.mark.asyncio
PAIR = replace(check("forum", "firewall_pair", kind="firewall_pair"), inputs=("fw-a", "fw-b"))


@dataclass
class World:
    """A service that answers or does not, and a pair that says what it is told to."""

    answer: Answer = Answer.ANSWERED
    active: tuple[str, ...] = ("fw-a",)
    state: State = State.OK
    service: State = State.OK
    noted: list[Failover] = field(default_factory=list)
    asked: int = 0
    asked_at_the_end: int = 0
    results: list[CheckResult | None] = field(default_factory=list)
    copies: list[Drill] = field(default_factory=list)
    ended: list[Drill] = field(default_factory=list)
    drill: UnderWay | None = None
    hang: bool = False
    words: str = "as it should be"
    takes: float = 0.0
    """Seconds for which the pair was asked."""

    async def probe(self, deadline: float) -> Answer:
        if self.answer is Answer.SILENT:
            await asyncio.sleep(deadline - asyncio.get_running_loop().time())
        return self.answer

    def tell(self) -> None:
        """The pair's check brings a result, as of now."""
        readings = tuple(Reading(HA_ROLE, 1.0, (name, "active")) for name in self.active)
        found = Assessment(
            (
                Finding("pair/service", self.service, ""),
                Finding("pair/member/fw-b", self.state, self.words),
            ),
            readings,
        )
        self.results = [replace(kept.result("forum/firewall_pair", time.time(), found), duration=self.takes)]

    def ask(self, _specs: Sequence[CheckSpec]) -> None:
        self.asked += 1
        if not self.hang:
            self.tell()

    async def fresh(self, _spec: CheckSpec) -> object:
        self.asked_at_the_end += 1
        if self.hang:
            await asyncio.Event().wait()
        self.tell()
        return None

    def begin(self, *, pairs: tuple[CheckSpec, ...] = (PAIR,), seconds: float = 900, until_whole: bool = False) -> None:
        now = time.time()
        drill = kept.drill(
            start=now, until=now + seconds, evidence=Evidence(), ended_at=None, outcome=None, summary="", ended_by="",
            proven_at=None,
        )  # fmt: skip
        sight = Sight(lambda _spec: self.results, lambda _spec: self.noted, self.ask, self.fresh)
        rows = [Row("tcp:192.0.2.1:443", self.probe, time.time)]
        party = Pair("forum", ("forum", "fw-a", "fw-b"), pairs)
        self.drill = UnderWay(
            drill, party, rows, sight, time.time, until_whole=until_whole, keep=self.copies.append,
            over=self.ended.append,
        )  # fmt: skip
        self.drill.start()

    def now(self) -> Drill:
        assert self.drill is not None
        return self.drill.now()

    async def finish(self, ending: Ending) -> Drill:
        assert self.drill is not None
        self.drill.end(ending)
        await self.drill.done()
        return self.ended[0]


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Everything that takes seconds takes tenths."""
    monkeypatch.setattr(under_way, "ASK_EVERY", 0.1)
    monkeypatch.setattr(under_way, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(under_way, "SETTLED", 0.3)
    monkeypatch.setattr(under_way, "KEEP_NEWS_EVERY", 0.0)
    made = World()
    made.tell()
    yield made
    if made.drill is not None and not made.ended:
        made.drill.end(Ending("agent", "the test is over"))
        await made.drill.done()


async def until(condition: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


async def test_a_whole_pair_is_left_to_its_schedule_and_one_in_trouble_is_asked_at_once(world: World) -> None:
    world.begin()
    await until(lambda: world.now().evidence.probes[0].answered > 5, "some are answered")
    while_whole = world.asked

    world.answer = Answer.REFUSED
    await until(lambda: world.asked >= 3, "the pair is asked while the service is lost")

    assert while_whole == 0


async def test_a_pair_that_takes_long_to_ask_is_asked_less_often(world: World) -> None:
    world.takes, world.state = 3600.0, State.WARNING
    world.begin()
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    world.tell()
    before = world.asked

    await until(lambda: world.now().evidence.probes[0].answered > 10, "a second has gone by")

    assert world.asked == before


async def test_a_finding_whose_number_changes_is_one_look(world: World) -> None:
    world.begin()
    world.state, world.words = State.WARNING, "12 s out of sync"
    world.tell()
    await until(lambda: world.asked > 1, "it is asked")
    world.words = "13 s out of sync"
    asked = world.asked
    await until(lambda: world.asked > asked + 2, "it is asked again")

    assert [look.state for look in world.now().evidence.looks] == ["ok", "warning"]


async def test_a_failover_there_and_back_is_proven_and_told_with_its_loss(world: World) -> None:
    world.begin()
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    for active in ("fw-b", "fw-a"):
        world.answer = Answer.REFUSED
        await until(lambda: world.drill is not None and world.drill.away(), "it is lost")
        world.active, world.answer = (active,), Answer.ANSWERED
        await until(lambda active=active: world.now().evidence.looks[-1].active == (active,), "the pair says so")
        await until(lambda: world.drill is not None and not world.drill.away(), "it is back")
    done = world.now().evidence.probes[0].answered
    await until(lambda: world.now().evidence.probes[0].answered > done + 5, "and stays so")

    drill = await world.finish(Ending("jo"))

    assert (drill.outcome, drill.ended_by) == (Outcome.PROVEN, "jo")
    assert "there and back" in drill.summary
    assert [(swap.away_from, swap.to) for swap in drill.evidence.swaps] == [("fw-a", "fw-b"), ("fw-b", "fw-a")]
    assert drill.proven_at == drill.evidence.swaps[-1].seen
    assert len(drill.evidence.probes[0].gaps) == 2
    assert world.asked_at_the_end == 1


async def test_a_drill_that_waits_for_it_ends_by_itself_once_the_pair_is_whole_again(world: World) -> None:
    world.begin(until_whole=True)
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    world.active, world.state = ("fw-b",), State.WARNING
    world.ask([PAIR])
    await until(lambda: world.now().evidence.swaps, "it has failed over")
    await until(lambda: world.asked > 3, "it is asked again and again")
    before = list(world.ended)

    world.state = State.OK
    await until(lambda: world.ended, "it ends by itself")

    assert before == []
    assert (world.ended[0].outcome, world.ended[0].ended_by) == (Outcome.PROVEN, "agent")


async def test_whole_without_a_failover_is_no_reason_to_end(world: World) -> None:
    world.begin(until_whole=True, seconds=1.0)

    await until(lambda: world.ended, "its time is over")

    assert (world.ended[0].outcome, world.ended[0].ended_by) == (Outcome.NO_FAILOVER, "window")


async def test_a_pair_that_does_not_answer_at_the_end_holds_nothing_up_and_is_not_called_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "LAST_ANSWER_WITHIN", 0.1)
    world.begin()
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    world.hang = True

    drill = await world.finish(Ending("jo"))

    assert drill.outcome is Outcome.UNKNOWN


async def test_a_service_that_is_back_for_one_probe_only_is_not_back(world: World) -> None:
    world.begin(pairs=())
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    world.answer = Answer.REFUSED
    await until(lambda: world.now().evidence.probes[0].lost, "it is lost")
    lost = world.now().evidence.probes[0].lost
    world.answer = Answer.ANSWERED
    await until(lambda: world.now().evidence.probes[0].gaps[-1].open is False, "one is answered")

    drill = await world.finish(Ending("jo"))

    assert drill.outcome is Outcome.FAILED
    assert drill.evidence.probes[0].lost >= lost


async def test_what_is_under_way_at_the_end_is_waited_for_so_that_no_probe_is_unaccounted(world: World) -> None:
    world.begin(pairs=())
    world.answer = Answer.SILENT
    await until(lambda: world.now().evidence.probes[0].sent > 5, "several are under way")

    drill = await world.finish(Ending("jo"))

    (probe,) = drill.evidence.probes
    assert probe.sent == probe.answered + probe.lost
    assert probe.ways == {"silent": probe.lost}


async def test_a_drill_that_is_broken_off_keeps_what_was_measured_and_claims_nothing(world: World) -> None:
    world.begin()
    await until(lambda: world.now().evidence.probes[0].answered > 3, "it is answered")

    drill = await world.finish(Ending("agent", "The agent was stopped during it."))

    assert (drill.outcome, drill.summary) == (Outcome.BROKEN_OFF, "The agent was stopped during it.")
    assert drill.evidence.probes[0].answered > 3
    assert world.asked_at_the_end == 0


async def test_a_drill_is_broken_off_at_once_also_while_its_last_answers_are_awaited(world: World) -> None:
    world.begin()
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    assert world.drill is not None
    world.hang = True
    world.drill.end(Ending("jo"))
    await until(lambda: world.asked_at_the_end, "the last answer is awaited")

    world.drill.break_off("The agent was stopped during it.")
    await world.drill.done(10)

    assert [(one.outcome, one.summary) for one in world.ended] == [
        (Outcome.BROKEN_OFF, "The agent was stopped during it.")
    ]


async def test_what_happens_is_copied_to_the_ledger_while_it_goes_on(world: World) -> None:
    world.begin(pairs=())
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    world.answer = Answer.REFUSED

    await until(lambda: any(copy.evidence.probes[0].lost for copy in world.copies), "the loss is copied")

    assert all(copy.outcome is None for copy in world.copies)


async def test_who_ends_it_first_is_the_one_who_ended_it(world: World) -> None:
    world.begin(pairs=())
    await until(lambda: world.now().evidence.probes[0].answered, "it is answered")
    assert world.drill is not None
    world.drill.end(Ending("sam"))

    drill = await world.finish(Ending("jo"))

    assert drill.ended_by == "sam"


PHONES = Phones(
    "forum", "civic", (check("civic", "mitel", kind="mitel", options=MitelOptions()),),
    (check("forum", "mitel", kind="mitel", options=MitelOptions()),), frozenset({"FORUM"}),
)  # fmt: skip


@dataclass
class Controllers:
    """A primary and its backup, whose checks bring what the test says, and a probe of each."""

    here: int = 0
    """Status of the primary's row at the backup; 0: none."""
    out: int = 0
    """Sets out of service at the primary; below 0: it does not answer."""
    well: dict[str, Answer] = field(default_factory=lambda: {"forum": Answer.ANSWERED, "civic": Answer.ANSWERED})
    asked: list[str] = field(default_factory=list)
    ended: list[Drill] = field(default_factory=list)
    drill: UnderWay | None = None
    takes: float = 0.0
    """Seconds for which the primary is asked in vain."""

    def result(self, spec: CheckSpec) -> list[CheckResult | None]:
        rows = {"FORUM": self.here} if self.here and spec.target == "civic" else {}
        silent = spec.target == "forum" and self.out < 0
        fault = Fault(Reason.NO_ANSWER, "no answer", "snmp/no-answer") if silent else None
        out = max(0, self.out) if spec.target == "forum" else 0
        found = assessed(business(resiliency=rows, categories=[("IP Sets", 1, 40 - out, out)]))
        made = kept.result(spec.id, time.time(), Assessment(()) if silent else found, fault)
        subject = replace(made.subject, check=spec)
        return [replace(made, subject=subject, duration=self.takes if silent else 0.0)]

    def ask(self, specs: Sequence[CheckSpec]) -> None:
        self.asked += [spec.target for spec in specs]

    async def fresh(self, _spec: CheckSpec) -> object:
        return None

    def begin(self, *, until_whole: bool = False) -> None:
        now = time.time()
        begun = kept.phones_drill(
            start=now, until=now + 900, ended_at=None, outcome=None, summary="", ended_by="", proven_at=None
        )
        sight = Sight(self.result, lambda _spec: (), self.ask, self.fresh)
        rows = [Row(f"sip:{name}", self._probe(name), time.time, 0.1, name) for name in self.well]
        self.drill = UnderWay(
            begun, PHONES, rows, sight, time.time, until_whole=until_whole, keep=lambda _drill: None,
            over=self.ended.append,
        )  # fmt: skip
        self.drill.start()

    def _probe(self, name: str) -> Callable[[float], Awaitable[Answer]]:
        async def ask(_deadline: float) -> Answer:
            return self.well[name]

        return ask

    async def stands(self, active: str, words: str = "") -> None:
        assert self.drill is not None
        drill = self.drill
        await until(lambda: drill.now().evidence.looks[-1].active == (active,), f"the phones are on {active}")
        await until(lambda: words in drill.now().evidence.looks[-1].text, words)

    async def answers(self, more: int = 6) -> None:
        assert self.drill is not None
        drill = self.drill
        before = min(one.sent for one in drill.now().evidence.probes)
        await until(lambda: min(one.sent for one in drill.now().evidence.probes) > before + more, "they are asked")

    async def finish(self) -> Drill:
        assert self.drill is not None
        self.drill.end(Ending("jo"))
        await self.drill.done()
        return self.ended[0]


async def away_to_the_backup(phones: Controllers, *, until_whole: bool = False) -> None:
    """The primary loses its power, and its phones go to the backup."""
    phones.begin(until_whole=until_whole)
    await phones.stands("forum")
    await phones.answers()
    phones.well["forum"], phones.out = Answer.SILENT, -1
    await phones.answers()
    phones.here = 1
    await phones.stands("civic")


async def test_phones_that_stay_on_their_backup_are_proven_one_way_though_the_primary_is_away(world: World) -> None:
    phones = Controllers()
    await away_to_the_backup(phones)

    drill = await phones.finish()

    assert drill.outcome is Outcome.PROVEN
    assert "one way (forum to civic)" in drill.summary
    assert "They are not at home: the first phones of forum came to civic." in drill.summary


async def test_where_sip_of_neither_controller_answers_at_the_end_the_drill_has_failed(world: World) -> None:
    phones = Controllers()
    await away_to_the_backup(phones)
    phones.well["civic"] = Answer.UNWELL
    await phones.answers()

    drill = await phones.finish()

    assert drill.outcome is Outcome.FAILED
    assert "sip:forum, sip:civic is not answered" in drill.summary
    assert drill.evidence.probes[1].ways == {"unwell": drill.evidence.probes[1].lost}


async def test_sets_that_are_still_out_at_home_are_a_failed_drill(world: World) -> None:
    phones = Controllers()
    await away_to_the_backup(phones)
    phones.well["forum"], phones.out, phones.here = Answer.ANSWERED, 12, 3
    await phones.stands("forum")
    await phones.answers()

    drill = await phones.finish()

    assert drill.outcome is Outcome.FAILED
    assert "IP Sets at forum: 12 out of service, 0 before" in drill.summary


async def test_sets_that_nobody_counted_since_the_primary_came_back_are_not_taken_to_be_there(world: World) -> None:
    phones = Controllers()
    await away_to_the_backup(phones)
    phones.well["forum"], phones.here = Answer.ANSWERED, 3
    await phones.stands("forum")
    await phones.answers()

    drill = await phones.finish()

    assert drill.outcome is Outcome.UNKNOWN
    assert "What is out of service at forum was not read since it came back" in drill.summary


async def test_a_drill_that_waits_for_it_ends_once_the_phones_are_home_and_no_set_is_out(world: World) -> None:
    phones = Controllers()
    await away_to_the_backup(phones, until_whole=True)
    phones.well["forum"], phones.here = Answer.ANSWERED, 3
    await phones.stands("forum")
    await phones.answers()
    phones.out = 5
    await phones.answers()
    before = list(phones.ended)

    phones.out = 0
    await until(lambda: phones.ended, "it ends by itself")

    assert before == []
    assert (phones.ended[0].outcome, phones.ended[0].ended_by) == (Outcome.PROVEN, "agent")
    assert "there and back" in phones.ended[0].summary


async def test_a_primary_that_is_asked_in_vain_for_long_does_not_slow_its_backup_down(world: World) -> None:
    phones = Controllers(takes=3_600.0)
    await away_to_the_backup(phones)
    asked = len(phones.asked)

    await until(lambda: len(phones.asked) > asked + 3, "somebody is asked again")

    assert set(phones.asked[asked:]) == {"civic"}
    await phones.finish()


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("tcp:192.0.2.1:443", Probe("tcp", "192.0.2.1", 443)),
        ("tcp:[2001:db8::1]:22", Probe("tcp", "2001:db8::1", 22)),
        ("tcp:www.example:80", Probe("tcp", "www.example", 80)),
        ("icmp:192.0.2.1", Probe("icmp", "192.0.2.1")),
        ("icmp:[2001:db8::1]", Probe("icmp", "2001:db8::1")),
        ("sip:192.0.2.1:5060/udp", Probe("sip", "192.0.2.1", 5060)),
        ("sip:[2001:db8::1]:5070/tcp", Probe("sip", "2001:db8::1", 5070, Carrier.TCP)),
    ],
)
async def test_a_probe_is_written_as_it_is_read(text: str, probe: Probe) -> None:
    assert Probe.of(text) == probe
    assert str(probe) == text


@pytest.mark.parametrize(
    "text",
    ["", "tcp:", "tcp:host", "tcp:host:", "tcp:host:0", "tcp:host:65536", "tcp:host:99999", "icmp:", "udp:host:53",
     "sip:", "sip:host/tls", "sip:host:0", "sip:host:65536", "sip:2001:db8::1", "sip:host:5060/udp ", "sip:/udp",
     "tcp:ho st:80", "tcp:2001:db8::1:80", "icmp:a\nb", "tcp:host:80\n", "tcp:host:８０", "icmp:" + "a" * 254],
)  # fmt: skip
async def test_what_is_no_probe_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write tcp:HOST:PORT, icmp:HOST or sip:HOST"):
        Probe.of(text)


@pytest.mark.parametrize("text", ["sip:pbx.example", "sip:pbx.example:5060", "sip:pbx.example/udp"])
async def test_sip_is_asked_at_its_usual_port_over_udp_unless_somebody_says_otherwise(text: str) -> None:
    assert str(Probe.of(text)) == "sip:pbx.example:5060/udp"


async def test_a_probe_is_over_before_the_kernel_would_ask_again_by_itself() -> None:
    assert PATIENCE < 1.0
