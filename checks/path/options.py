"""What the estate may say of flows: which must pass, which must be blocked, whose they are, and what proves it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from checks.contract import Reason
from checks.path.questions import check_counter, check_simulator
from config.estate import Target
from config.pins import PIN

KIND = "path"
MOST_FLOWS = 200
"""Flows of one check: enough for a council's matrix, too few for a scan."""
MOST_ASKED = 40
"""Simulators and counters of one check: each is a command on a firewall."""
SYN_AGAIN = 1.0
"""Seconds after which Linux sends an unanswered SYN again (RFC 6298, section 2.1)."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TAKEN = frozenset(reason.value for reason in Reason) | {"asking", "vantage", "leg"}
_SSH = 22
_Words = Annotated[str, Field(min_length=1, max_length=120)]


class Must(StrEnum):
    """What a flow is to do."""

    PASS = "pass"  # noqa: S105 - a word of the estate
    BLOCK = "block"


class Protocol(StrEnum):
    """How a flow is tried."""

    TCP = "tcp"
    """A connection, nothing is sent on it."""
    TLS = "tls"
    """A TLS handshake; whether the certificate is any good is the kind `tls`'s matter."""
    DNS = "dns"
    """A question over UDP; any reply counts."""
    NTP = "ntp"
    """A question over UDP; any reply counts."""

    @property
    def carrier(self) -> str:
        """What a firewall's rule calls it."""
        return "udp" if self in (Protocol.DNS, Protocol.NTP) else "tcp"


_PORTS = {Protocol.TLS: 443, Protocol.DNS: 53, Protocol.NTP: 123}


def _text(value: object) -> object:
    """A number in an estate file is as good a parameter as the same in quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _place(text: str) -> str:
    """An address of one machine, or the name of a target."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if not _TARGET.fullmatch(text):
            raise ValueError("must be the name of a target or the address of one machine") from None
        return text
    if address.is_multicast or address.is_unspecified or text == "255.255.255.255":
        raise ValueError("must be the address of one machine")
    return text


def is_address(text: str) -> bool:
    """Whether the text is an address, not a target's name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Asked(_Options):
    """A command of the allow-list on the firewall; what it prints is read by the command's template."""

    target: str | None = None
    """The device's target, where it is not the check's own."""
    command: str
    parameters: dict[str, Annotated[str, BeforeValidator(_text)]] = Field(default_factory=dict, alias="with")
    port: int = Field(default=_SSH, ge=1, le=65535)


class Counter(Asked):
    """A drop rule's counter. Its template has a value `packets`."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        check_counter(self.command, self.parameters)
        return self


class Lookup(_Options):
    """FortiOS's policy lookup, over HTTPS with the target's credential in the role `http`."""

    interface: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,34}$")
    source: str = Field(pattern=r"^[0-9a-fA-F.:]{2,45}$")
    vdom: str = Field(default="root", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$")
    port: int = Field(default=443, ge=1, le=65535)
    ca: str | None = Field(default=None, min_length=1)
    pin: str | None = Field(default=None, pattern=f"^{PIN.pattern}$")


class Simulator(_Options):
    """The firewall's own word on which rule would decide: a command, or FortiOS's lookup."""

    target: str | None = None
    command: str | None = None
    parameters: dict[str, Annotated[str, BeforeValidator(_text)]] = Field(default_factory=dict, alias="with")
    port: int = Field(default=_SSH, ge=1, le=65535)
    fortios: Lookup | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.command is None) == (self.fortios is None):
            raise ValueError("a simulator has either `command` or `fortios`")
        if self.fortios is not None and (self.parameters or self.port != _SSH):
            raise ValueError("`with` and `port` belong to `command`; `fortios` has its own")
        if self.command is not None:
            check_simulator(self.command, self.parameters)
        return self


class Flow(_Options):
    """One flow, and who wants it so."""

    source: str = Field(alias="from", min_length=1, max_length=100)
    """The vantage from which it is tried."""
    to: Annotated[str, AfterValidator(_place)] | None = None
    """A target or an address; without it the check's own target."""
    port: int | None = Field(default=None, ge=1, le=65535)
    protocol: Protocol = Protocol.TCP
    must: Must
    owner: _Words
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    alive_from: str | None = Field(default=None, min_length=1, max_length=100)
    """Another vantage, which may reach the same port: it shows that the listener lives."""
    ip_version: Literal[4, 6] | None = None
    counter: Counter | None = None
    simulator: Simulator | None = None

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.port is None and self.protocol not in _PORTS:
            raise ValueError("needs a `port`")
        if self.must is Must.PASS and (self.alive_from is not None or self.counter is not None):
            raise ValueError("`alive_from` and `counter` prove that a flow is blocked; this one must pass")
        if self.must is Must.BLOCK and self.alive_from is None and self.counter is None:
            raise ValueError(
                "a flow that must be blocked needs `alive_from` (a vantage that may connect) or `counter` (of the rule "
                "that drops it), for a port that is blocked and one where nobody listens look the same"
            )
        if self.alive_from == self.source:
            raise ValueError(f"alive_from: {self.source} is where the flow must be blocked; name another vantage")
        return self

    @property
    def at(self) -> int:
        """The port, by protocol where none is said."""
        return self.port if self.port is not None else _PORTS[self.protocol]

    @property
    def asked(self) -> Iterator[str]:
        """The targets it names."""
        if self.to is not None and not is_address(self.to):
            yield self.to
        for one in (self.counter, self.simulator):
            if one is not None and one.target is not None:
                yield one.target


def _flow_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a flow's name is made of small letters, digits and hyphens, beginning with a letter")
    if name in _TAKEN:
        raise ValueError(f"a flow may not be called {name}: path/{name} says that something could not be asked")
    return name


class PathOptions(_Options):
    """What a check of this kind may say."""

    flows: dict[Annotated[str, AfterValidator(_flow_name)], Flow] = Field(min_length=1, max_length=MOST_FLOWS)
    wait_seconds: float = Field(default=0.9, ge=0.1, le=5.0)
    """How long one try waits for an answer. Below one second a try is one packet."""
    tries: int = Field(default=2, ge=1, le=3)
    """Tries without any answer before that counts, so that one lost packet is neither an alarm nor a proof."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        asked = sum((flow.counter is not None) + (flow.simulator is not None) for flow in self.flows.values())
        if asked > MOST_ASKED:
            raise ValueError(f"{asked} counters and simulators in one check, at most {MOST_ASKED}: each is a command")
        return self


def inputs(options: PathOptions) -> Sequence[str]:
    """The targets that the flows name."""
    return tuple(dict.fromkeys(name for flow in options.flows.values() for name in flow.asked))


def places(options: PathOptions) -> Sequence[str]:
    """The vantages that the flows name."""
    named = ((flow.source, flow.alive_from) for flow in options.flows.values())
    return tuple(dict.fromkeys(name for pair in named for name in pair if name is not None))


def address_of(flow: Flow, target: Target, others: Sequence[Target]) -> str:
    """Where the flow goes to."""
    return flow.to if flow.to is not None and is_address(flow.to) else device_named(flow.to, target, others).address


def device_named(name: str | None, target: Target, others: Sequence[Target]) -> Target:
    """The target of that name among a check's inputs; without a name the check's own."""
    return next((one for one in others if one.name == name), target)
