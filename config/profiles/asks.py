"""What a profile asks that is not read over SNMP: the only list of questions there is for it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from config.profiles.words import Name, ProfilePart

_PLACE = re.compile(r"[a-z][a-z0-9_]{0,62}#(/[^/#\x00-\x1f]{0,100}){0,16}")
_COMMAND = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
_PATH = re.compile(r"/[!-~]{0,500}")


class Way(StrEnum):
    """How a profile reads a device; also the role of the credential for it."""

    SNMP = "snmp"
    HTTP = "http"
    SSH = "ssh"

    @property
    def told(self) -> str:
        """The way in a sentence."""
        return _TOLD[self]


_TOLD = {Way.SNMP: "over SNMP", Way.HTTP: "over HTTPS", Way.SSH: "by command"}


class Read(StrEnum):
    """How often a value is asked, where the kind of check knows the difference."""

    EVERY_RUN = "every_run"
    SLOWLY = "slowly"
    DAILY = "daily"


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError(f"{text!r} is not a place such as ha_status#/members/*/serial: question, `#`, pointer")
    if text.count("/*") > 1:
        raise ValueError(f"{text!r} has more than one `*`; a column has one, a scalar none")
    return text


Place = Annotated[str, AfterValidator(_place)]
"""`question#/pointer`: where in a question's answer a value stands (RFC 6901; `*` is every element)."""


def rows_at(place: str) -> bool:
    """Whether a place is one of a column."""
    return "/*" in place


class Command(ProfilePart):
    """One command that may be sent, exactly as it stands here, and who understands what it prints."""

    run: str = Field(pattern=_COMMAND.pattern)
    parser: str = Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")
    """Of `checks.firewall.cli`: `product/command`."""
    read: Read = Read.SLOWLY
    may_be_absent: bool = False
    """Whether a release or a licence may not know the command: then its values are absent."""


class SshAsks(ProfilePart):
    """The commands of a profile that is read over SSH."""

    dialect: str = Field(pattern=r"^[a-z0-9-]+$")
    """How the device's shell speaks: prompt and pager (`config.commands`)."""
    commands: dict[Name, Command] = Field(min_length=1)


class HttpQuestion(ProfilePart):
    """One question that may be asked, exactly as it stands here."""

    get: str | None = Field(default=None, pattern=_PATH.pattern)
    post: str | None = Field(default=None, pattern=_PATH.pattern)
    body: str | None = Field(default=None, max_length=4000)
    """Of a `post`; JSON unless it begins with `<`."""
    answers: Literal["json", "xml"] = "json"
    lists: tuple[str, ...] = ()
    """XML elements that are a list even where there is one of them only."""
    read: Read = Read.SLOWLY
    may_be_absent: bool = False
    """Whether a release or a licence may not have the path (404): then its values are absent."""

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if (self.get is None) == (self.post is None):
            raise ValueError("a question has either `get` or `post`")
        if self.body is not None and self.post is None:
            raise ValueError("`body` belongs to `post`")
        return self


class Login(StrEnum):
    """How the device is shown who asks."""

    BEARER = "bearer"
    """`Authorization: Bearer` (RFC 6750): FortiOS."""
    HEADER = "header"
    """The header that the credential names."""
    BASIC = "basic"
    """RFC 7617: OPNsense's key and secret, Junos."""
    PANOS_KEY = "panos-key"
    """`X-PAN-KEY`."""
    GAIA_SESSION = "gaia-session"
    """Check Point: `login` gives a session identifier, `logout` ends it."""
    STORMSHIELD_SESSION = "stormshield-session"


class HttpAsks(ProfilePart):
    """The questions of a profile that is read over HTTPS."""

    login: Login
    port: int = Field(default=443, ge=1, le=65535)
    questions: dict[Name, HttpQuestion] = Field(min_length=1)


class Asks(ProfilePart):
    """Either commands or questions."""

    ssh: SshAsks | None = None
    http: HttpAsks | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.ssh is None) == (self.http is None):
            raise ValueError("a profile asks either by `ssh` or by `http`")
        return self

    @property
    def way(self) -> Way:
        return Way.SSH if self.ssh is not None else Way.HTTP

    def often(self) -> dict[str, Read]:
        """How often each question is asked, by its name."""
        if self.ssh is not None:
            return {name: command.read for name, command in self.ssh.commands.items()}
        assert self.http is not None  # the validator saw to it
        return {name: question.read for name, question in self.http.questions.items()}
