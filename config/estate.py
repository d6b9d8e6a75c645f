"""The estate as the rest of Ridgeway sees it: resolved, immutable and small.

`config.load` makes it from YAML: names are checked, inheritance (defaults → council → site → target → check) is
applied, and every reference points at something that exists. Times are seconds unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from pydantic import BaseModel

from config.secrets import Secret, SecretReference

SHARED = "shared"
"""The council name for what both councils own."""


class WakeClass(StrEnum):
    """When a person is told, apart from how bad it is."""

    NOW = "now"
    MORNING = "07:00"
    WORKING_HOURS = "working-hours"
    DIGEST = "digest"


class Level(StrEnum):
    """Impact of a target on its council, and urgency of a finding (ITIL 4: priority = impact × urgency)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class MofN:
    """True when at least `m` of the last `n` results say so; 1 <= m <= n <= 32."""

    m: int
    n: int


@dataclass(frozen=True, slots=True)
class Every:
    """A period; the phase within it is a stable hash of the check's id, anchored to the epoch."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields in an IANA time zone."""

    expression: str
    time_zone: str


Schedule = Every | Cron


@dataclass(frozen=True, slots=True)
class KindDefaults:
    """One row of the defaults table: what a check of a kind does unless the estate says otherwise."""

    every: float
    timeout: float
    open_after: MofN
    clear_after: MofN
    wake: WakeClass
    hold_down: float = 600.0
    reopen_window: float = 86_400.0
    evidence: bool = False
    """An evidence check (a nightly backup) is judged on one result at its own cadence."""
    fastest: float = 0.0
    """Seconds between two runs below which the estate is refused: what is asked costs somebody something."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """`accept_unreadable`: somebody answers for not being able to read this; shown as *unsupported*."""

    reason: str
    owner: str
    review: datetime
    """From this moment (UTC) the acceptance is overdue, which is a finding."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a target needs in order to be reached: `all` of the parts, or `any` of them (resilient)."""

    mode: Literal["all", "any"]
    parts: tuple[str | Need, ...]
    """Names of targets, or further needs."""

    def names(self) -> frozenset[str]:
        """Every target named anywhere in this need."""
        found: set[str] = set()
        for part in self.parts:
            found |= {part} if isinstance(part, str) else part.names()
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check of one target, everything inherited already applied."""

    id: str
    """`target/name`; stable, and the source of its phase."""
    target: str
    name: str
    kind: str
    options: BaseModel
    """An instance of the kind's own options model."""
    schedule: Schedule
    timeout: float
    open_after: MofN
    clear_after: MofN
    hold_down: float
    reopen_window: float
    wake: WakeClass
    evidence: bool
    vantages: tuple[str, ...]
    expect_empty: frozenset[str] = frozenset()
    accept_unreadable: Acceptance | None = None
    inputs: tuple[str, ...] = ()
    """Names of further targets that one run asks."""
    places: tuple[str, ...] = ()
    """Names of further vantages from which one run asks."""


@dataclass(frozen=True, slots=True)
class Target:
    """A thing with an address, at a site, owned by a council or `shared`."""

    name: str
    address: str
    """A host name, an IPv4 or an IPv6 address, without port."""
    council: str
    site: str
    vantages: tuple[str, ...]
    checks: tuple[CheckSpec, ...]
    depends_on: Need | None = None
    services: tuple[str, ...] = ()
    impact: Level = Level.MEDIUM
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    """By role (`snmp`, `ssh`, …), already looked up by name."""
    formerly: tuple[str, ...] = ()
    title: str = ""
    host_keys: tuple[str, ...] = ()
    """SSH host keys that somebody approved, as `ssh-ed25519 SHA256:…`; without any, SSH is refused."""
    system_name: str = ""
    """What it calls itself (sysName), where its traps are to be known by that and it is none of the names above."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A named credential. Secrets inside are references, resolved as late as possible."""

    name: str
    kind: str
    settings: Mapping[str, str | int | SecretReference]


@dataclass(frozen=True, slots=True)
class Council:
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    title: str
    council: str
    depends_on: Need | None = None


@dataclass(frozen=True, slots=True)
class Vantage:
    """A place from which probes are sent. `gateway` answers "am I cut off?" for the agent standing there."""

    name: str
    site: str
    gateway: str | None = None
    """Name of the target that is this vantage's own way out."""
    url: str | None = None
    """Where the agent that stands there, a prober, is asked: `https://host:port`."""
    token: SecretReference | None = None
    """What the judge shows the prober; both read the same estate."""
    ca: str | None = None
    """File of the authority that signed the prober's certificate; without it the machine's own authorities count."""
    pin: str | None = None
    """`sha256/…` of the key in the prober's certificate (RFC 7469, section 2.4): no other key is believed."""
    listen: str | None = None
    """Where the prober listens: `address:port`."""
    certificate: str | None = None
    """File of the certificate chain that the prober shows."""
    key: SecretReference | None = None


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    title: str
    council: str
    impact: Level


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Opening hours per weekday (0 = Monday) in a time zone; days missing are closed, `closed` lists extra days."""

    time_zone: str
    days: Mapping[int, tuple[time, time]]
    bank_holidays: bool = True
    """Closed on the bank holidays of England."""
    closed: frozenset[str] = frozenset()
    """ISO dates."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which findings something applies to; an empty field matches everything, names may hold `*`."""

    councils: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A planned window. One-off: `start` and `end` (UTC). Recurring: `cron` in its zone, lasting `duration`."""

    id: str
    selector: Selector
    reason: str
    owner: str
    start: datetime | None = None
    end: datetime | None = None
    cron: Cron | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class DeskSpec:
    """A service desk. `options` is an instance of the adapter kind's own options model."""

    name: str
    kind: str
    options: BaseModel
    new_tickets_per_day: int = 100


@dataclass(frozen=True, slots=True)
class Route:
    """Where incidents go. Routes are read in order; the first that matches decides.

    `mode: shadow` decides and records everything, and sends nothing.
    """

    name: str
    selector: Selector
    desks: tuple[str, ...]
    queue: str
    mode: Literal["live", "shadow"] = "live"


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may see and do."""

    councils: frozenset[str] | None
    """The councils whose things they see, `shared` only where it is named; None: all."""
    may_act: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and what whoever shows it may."""

    name: str
    token: SecretReference
    rights: Rights


@dataclass(frozen=True, slots=True)
class Proxy:
    """A reverse proxy that is believed when it says who asks."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    """Where the TCP connection of the proxy comes from; from elsewhere the header means nothing."""
    header: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask the agent's pages and interface, beside what the web configuration file says."""

    tokens: Mapping[str, Token] = field(default_factory=dict)
    people: Mapping[str, Rights] = field(default_factory=dict)
    """By the name of a user, of a client certificate, or as the proxy says it."""
    others: Rights | None = None
    """For those who have logged in and are not listed. None: they get nothing, unless nobody at all is listed."""
    proxy: Proxy | None = None


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """Who is told of events by signed requests (Standard Webhooks)."""

    name: str
    url: Secret | SecretReference
    """Whoever knows it may post there: never shown."""
    secrets: tuple[SecretReference, ...]
    """One to three; every request is signed with all of them, so that one can take the place of another."""
    councils: frozenset[str] | None
    """Whose events; None is everybody's."""
    kinds: frozenset[str]
    """Which kinds of events (`agent.records.EventKind`)."""
    timeout: float
    ca: str | None = None
    """File or folder of authorities, in place of the machine's own."""


@dataclass(frozen=True, slots=True)
class HeartbeatSpec:
    """Something outside the building that is pinged for as long as the agent works, and pages when that ends."""

    name: str
    url: Secret | SecretReference
    """Whoever knows it can keep the alarm quiet: never shown."""
    every: float
    timeout: float
    method: Literal["GET", "POST"] = "GET"
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything an agent needs to know, and the hash of what it was read from."""

    name: str
    revision: str
    """SHA-256 of the files it was read from, in hexadecimal."""
    councils: Mapping[str, Council]
    sites: Mapping[str, Site]
    vantages: Mapping[str, Vantage]
    services: Mapping[str, Service]
    targets: Mapping[str, Target]
    maintenance: tuple[Maintenance, ...]
    desks: Mapping[str, DeskSpec]
    routes: tuple[Route, ...]
    working_hours: WorkingHours
    vantage: str
    """The vantage at which the agent that reads this file stands, unless its command line says otherwise."""
    access: Access = field(default_factory=Access)
    webhooks: Mapping[str, WebhookSpec] = field(default_factory=dict)
    heartbeats: Mapping[str, HeartbeatSpec] = field(default_factory=dict)
