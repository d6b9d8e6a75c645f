"""Traps and informs, put together: who is believed, which target is meant, its poll. They open and close nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from structlog.typing import FilteringBoundLogger

from agent.complaints import place
from agent.daemon.parts import polled
from agent.hearing import Heard
from agent.prompts import Prompted, Prompts
from agent.senders import ROLES, Nobody, Senders
from checks.notices import Notice, Notices
from checks.transports.aside import Aside, Crowded, StillHanging
from checks.transports.snmp.allowance import Allowance, Allowances
from checks.transports.snmp.credentials import Access, resolve
from checks.transports.snmp.engine import Engine
from checks.transports.snmp.envelope import Keyring
from checks.transports.snmp.errors import OutOfResources
from checks.transports.snmp.notification import STANDARD, Notification
from checks.transports.snmp.traps import Refusal, TrapReceiver
from config.estate import Credential, Estate, Target

REFRESH = 60.0
"""Seconds between two looks at secrets and names."""
_LOOKUPS = 8
_PATIENCE = 5.0
"""Seconds that a name is waited for, and that secrets may hold up the start."""
_NAMED = 3
"""Targets at one address that a line names."""
_NOTHING: frozenset[str] = frozenset()
OTHER = "other"
"""The name by which notifications are counted that nobody understands."""


class Traps:
    """Use `start` and `stop`, in the event loop."""

    def __init__(
        self,
        targets: Iterable[Target],
        engine: Engine,
        ask: Callable[[str], bool],
        count: Callable[[str], None],
        *,
        notices: Sequence[Notices] = (),
        hearing: Heard | None = None,
        count_name: Callable[[str], None] = lambda _name: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        look_up: Callable[[str], Iterable[str]] | None = None,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        """`ask` begins the poll of a target, and says whether all of it could begin; `count` gets every outcome.

        `notices` are what the kinds of check understand; what is understood is told to `hearing`. `count_name` gets
        the name of each notification that a target sent.
        """
        targets = tuple(targets)
        self._credentials = _of(targets)
        self._engine = engine
        self._ask_now = ask
        self._count = count
        self._notices = tuple(notices)
        self._hearing = hearing or Heard()
        self._count_name = count_name
        self._clock = clock
        self._look_up = look_up or _addresses
        self._lines = _Lines(log or structlog.get_logger("agent.traps"), monotonic)
        self._aside = Aside(_LOOKUPS + 1)
        self._places = asyncio.Semaphore(_LOOKUPS)
        self._accesses: dict[str, Access] = {}
        self._senders = Senders(targets)
        self._prompts = Prompts(self._ask)
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self.receiver = TrapReceiver(engine, self._heard, self._refused, monotonic, acknowledged=self._may_answer)

    def use(self, estate: Estate) -> None:
        """Believe the targets of this estate from now on. Names and secrets are looked up soon."""
        targets = polled(estate)
        self._credentials = _of(targets)
        self._accesses = {name: access for name, access in self._accesses.items() if name in self._credentials}
        self._senders = self._senders.successor(targets)
        self._hearing.keep(target.name for target in targets)
        self._changed.set()

    async def start(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Listen. Raises `TrapListenError`."""
        self.receiver.start(addresses)
        self._hearing.begun(self._clock())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._renew_keys()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep()), loop.create_task(self._renew_addresses())]
        listening = ", ".join(f"{host} port {port}" for host, port in self.receiver.addresses)
        self._lines.log.info("traps are taken", at=listening, engine_id=self._engine.id.hex())

    async def stop(self) -> None:
        """Listen no more; safe to call twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.receiver.stop()
        self._prompts.stop()

    def _heard(self, said: Notification) -> None:
        vouched = self.receiver.keyring.communities.get(said.origin_community, _NOTHING)
        notice = self._read(said)
        meant = self._senders.meant(said, vouched, name_first=notice is not None)
        if said.words == "authenticationFailure" and not isinstance(meant, Nobody):
            # Asking would not tell more, and if it was us who asked wrongly, the device would only say it again.
            self._count("ignored")
            who = f"{', '.join(meant[:_NAMED])} ({said.source})"
            self._lines.stranger(f"{said.source} ignored", f"{_word(said)} from {who}: {said.words}; {_ASKED_WRONGLY}")
            return
        if isinstance(meant, Nobody):
            self._count(_OUTCOMES[meant])
            words = said.words if notice is None else notice.words
            self._lines.stranger(said.source, f"{_word(said)} from {said.source}: {words}; {_WHY[meant]}")
            return
        self._count_name(said.words if said.words in STANDARD else OTHER if notice is None else notice.name)
        if notice is not None:
            for name in meant:
                self._hearing.heard(name, notice, self._clock())
            if notice.remedy:
                who = f"{', '.join(meant[:_NAMED])} ({said.source})"
                self._lines.grave(f"{_word(said)} from {who}: {notice.words}; {notice.remedy}")
            if not notice.prompts:
                self._count("ignored")
                return
        self._prompt(said, meant, notice)

    def _read(self, said: Notification) -> Notice | None:
        """What it says, if a kind of check understands it."""
        for known in self._notices:
            try:
                notice = known.read(said.trap, said.bindings)
            except Exception as error:  # noqa: BLE001 - kinds of others may raise anything, and traps must go on
                self._lines.stranger(f"defect {known.names}", f"a kind of check failed on a trap, {place(error)}")
                continue
            if notice is not None and notice.name in known.names:
                return notice
        return None

    def _may_answer(self, said: Notification) -> bool:
        notice = self._read(said)
        return notice is None or notice.acknowledged

    def _prompt(self, said: Notification, meant: Sequence[str], notice: Notice | None) -> None:
        words = said.words if notice is None else notice.words
        became = {name: self._prompts.prompt(name) for name in meant}
        self._count(min(became.values(), key=_RANK.__getitem__))
        for name, prompted in became.items():
            event = f"{_word(said)} from {name} ({said.source}): {words}; {_BECAME[prompted]}"
            if prompted is Prompted.COALESCED and notice is None:
                self._lines.log.debug(event)
            else:
                self._lines.say(event)

    def _refused(self, source: str, why: Refusal, words: str) -> None:
        self._count(why)
        names = self._senders.at(source)
        if why is Refusal.MALFORMED:
            words = "it is no notification that can be read"
        who = f"{', '.join(names[:_NAMED])} ({source})" if names else source
        self._lines.stranger(f"{source} {why}", f"datagram from {who} ignored: {words}")

    def _ask(self, target: str, prompts: int, later: bool) -> bool:
        if later:
            self._lines.say(
                f"{target} polled once more, for {prompts} traps since"
                if prompts
                else f"{target} polled once more, since its checks were running when the trap came"
            )
        return self._ask_now(target)

    async def _keep(self) -> None:
        """Read the secrets and look the names up again and again, and as soon as others are meant."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH):
                    await self._changed.wait()
            self._changed.clear()
            await self._renew_keys()
            await self._renew_addresses()

    async def _renew_addresses(self) -> None:
        """Look all names up, a few at a time."""
        await asyncio.gather(*(self._renew_address(host) for host in self._senders.to_look_up()))

    async def _renew_keys(self) -> None:
        """Read the secrets again; one that cannot be read keeps what it was before."""
        try:
            resolved = await self._aside.run("secrets of traps", self._resolve)
        except (StillHanging, Crowded):
            return
        for name, access in resolved.items():
            if isinstance(access, Access):
                self._accesses[name] = access
            else:
                self._lines.stranger(f"credential {name}", f"traps of some targets are not believed: {access}")
        self.receiver.keyring = Keyring.of(self._accesses)

    def _resolve(self) -> dict[str, Access | OutOfResources]:
        return {name: _access(each, self._accesses.get(name)) for name, each in self._credentials.items()}

    async def _renew_address(self, host: str) -> None:
        """Look one name up; without an answer it keeps the addresses it had."""
        async with self._places:
            try:
                async with asyncio.timeout(_PATIENCE):
                    found = await self._aside.run(f"lookup of {host}", lambda: frozenset(self._look_up(host)))
            except (OSError, UnicodeError, StillHanging, Crowded):  # a time-out is an OSError, too
                return
        if found:
            self._senders.told(host, found)


class _Lines:
    """What the journal is told: enough to understand a night, and no flood."""

    def __init__(self, log: FilteringBoundLogger, monotonic: Callable[[], float]) -> None:
        self.log = log
        self._monotonic = monotonic
        self._known = Allowance(0.5, 30)
        self._strangers = Allowance(0.1, 10)
        self._grave = Allowance(1 / 60, 10)
        self._stranger = Allowances(1 / 600, 1)
        self._left_out = 0

    def say(self, event: str) -> None:
        """About a target: 30 lines at once, then one in two seconds."""
        if not self._known.take(self._monotonic()):
            self._left_out += 1
            return
        if self._left_out:
            self.log.info(f"{self._left_out} lines about traps left out")
            self._left_out = 0
        self.log.info(event)

    def grave(self, event: str) -> None:
        """What should not have come: ten at once, then one a minute, whatever else is said."""
        if self._grave.take(self._monotonic()):
            self.log.error(event)

    def stranger(self, who: str, event: str) -> None:
        """About somebody else: once in ten minutes for each, and no more than one in ten seconds for all."""
        now = self._monotonic()
        if self._stranger.take(who, now) and self._strangers.take(now):
            self.log.warning(event)


_OUTCOMES = {Nobody.UNKNOWN: "unknown_sender", Nobody.UNPROVEN: Refusal.UNAUTHENTIC.value}
_WHY = {
    Nobody.UNKNOWN: "no target of the estate has this address or name, ignored",
    Nobody.UNPROVEN: "it proved another target's credential than its own, ignored",
}
_BECAME = {
    Prompted.PROMPTED: "polled now",
    Prompted.COALESCED: "polled soon, together with others",
    Prompted.LIMITED: "polled in its turn, many devices send traps",
}
_ASKED_WRONGLY = "somebody asks it with a wrong community, user or password; not polled"
_RANK = {Prompted.PROMPTED: 0, Prompted.LIMITED: 1, Prompted.COALESCED: 2}


def _of(targets: Iterable[Target]) -> dict[str, Credential]:
    """The credentials that notifications may prove, by name."""
    return {
        credential.name: credential
        for target in targets
        for role, credential in target.credentials.items()
        if role in ROLES
    }


def _word(said: Notification) -> str:
    return "inform" if said.inform else "trap"


def _access(credential: Credential, earlier: Access | None) -> Access | OutOfResources:
    try:
        return resolve(credential, earlier)
    except OutOfResources as error:
        return error


def _addresses(host: str) -> list[str]:
    return sorted({str(row[4][0]).partition("%")[0] for row in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)})
