"""What a profile asks that is not read over SNMP: the only list of questions there is for it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.patterns import LinePattern, PatternError
from config.profiles.log_ins import Login, only_reads
from config.profiles.words import Name, ProfilePart

_PLACE = re.compile(r"[a-z][a-z0-9_]{0,62}#(/[^/#\x00-\x1f]{0,100}){0,16}")
_POINTER = re.compile(r"(/[^/\x00-\x1f]{0,100}){1,16}")
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


def pattern(text: str) -> str:
    """A pattern (RE2) that can be used."""
    try:
        LinePattern(text)
    except PatternError as error:
        raise ValueError(str(error)) from None
    return text


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError(f"{text!r} is not a pointer such as /results/*/status")
    return text


Pointer = Annotated[str, AfterValidator(_pointer)]
"""A JSON pointer (RFC 6901) in which any number of steps may be `*`."""


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
    answers: Literal["json", "xml", "sections"] = "json"
    """`sections` is XML as Stormshield's serverd answers it: a document of its sections and keys."""
    lists: tuple[str, ...] = ()
    """XML elements that are a list even where there is one of them only."""
    must_say: dict[Pointer, str | int | bool] = Field(default_factory=dict)
    """What the answer says where it is one: anything else is not understood. `*` is every element."""
    must_have: tuple[Pointer, ...] = ()
    """What the answer has where it is one, whatever it says there."""
    rows: Annotated[tuple[Pointer, ...], BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)] = ()
    """Makes rows of what lies deeper than one `*` reaches, or in several places: the document becomes an object of the
    elements there, in each of which `@1`, `@2`, … are the keys at the first, second, … `*`, and `@1.name` is `name` of
    the element there. An answer without any is an empty object."""
    by: str | None = Field(default=None, max_length=100)
    """Of `rows`: the field by which a row is called, so that rows of several questions meet."""
    only: dict[str, str] = Field(default_factory=dict)
    """Of `rows`: the others are left out, unless these fields say this."""
    parallel: bool = False
    """Of `rows`: what is there is an object of lists, of which row n has the n-th element each."""
    agree: Pointer | None = None
    """Of `rows`: `@agrees` then says of each row whether what it has there is what the first row has."""
    read: Read = Read.SLOWLY
    may_be_absent: bool = False
    """Whether a release or a licence may not have the path (404): then its values are absent."""
    or_get: tuple[str, ...] = ()
    """Paths by which other releases know the same: asked one after another while the answer is 404."""
    absent_says: Annotated[str, AfterValidator(pattern)] | None = None
    """A pattern (RE2) of a line in a refusal, or in an answer that is none, by which the device says that it has no
    such thing: then its values are absent."""

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if (self.get is None) == (self.post is None):
            raise ValueError("a question has either `get` or `post`")
        if self.body is not None and self.post is None:
            raise ValueError("`body` belongs to `post`")
        if not self.rows and (self.by is not None or self.agree is not None or self.only or self.parallel):
            raise ValueError("`by`, `only`, `parallel` and `agree` belong to `rows`")
        if self.or_get and self.get is None:
            raise ValueError("`or_get` belongs to `get`")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that may be asked for it, the first first."""
        return (self.get, *self.or_get) if self.get is not None else (str(self.post),)

    @property
    def asked(self) -> tuple[str, ...]:
        """The same with the method."""
        return tuple(f"{'GET' if self.post is None else 'POST'} {path}" for path in self.paths)


class HttpAsks(ProfilePart):
    """The questions of a profile that is read over HTTPS."""

    login: Login
    port: int = Field(default=443, ge=1, le=65535)
    questions: dict[Name, HttpQuestion] = Field(min_length=1)

    @model_validator(mode="after")
    def _only_reads(self) -> Self:
        for name, question in self.questions.items():
            for asked in question.asked:
                if only_reads(self.login, asked):
                    continue
                raise ValueError(
                    f"questions.{name}: {asked[:120]} is not known to read only, for the log-in {self.login.value}: "
                    "see docs/writing-a-profile.md for what may be asked"
                )
        return self


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
