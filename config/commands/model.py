"""The language of command templates, as pydantic models: every key a template may have, and nothing else.

A template is the only place from which a command line can come. The estate names one and gives parameters, of which
each must match the whole of its declared pattern. What a pattern may match, and what a command line may be made of, is
decided here, when the file is read.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from config.commands.pattern import NotUnderstood, understood
from config.patterns import LinePattern, PatternError
from config.profiles.model import Limit, Metric

EXEC = "exec"
"""The `shell` of a template whose command line is run by itself (RFC 4254, section 6.5), without a terminal."""
LONGEST_PARAMETER = 200
SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:@,+-")
"""All that a parameter may be made of. None of it means anything to a POSIX shell, wherever it stands in a word."""
SAFE_AT_A_PROMPT = SAFE - frozenset(",+")
"""The same for the shells of network devices, which quote each in another way and so are given nothing to quote."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COMMAND = re.compile(r"[a-z][a-z0-9-]{0,62}")
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_QUOTED = re.compile(r"'[ -&(-~]*'")
_LINE = re.compile(r"[A-Za-z0-9 ._/:@,+=%-]+")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_RESERVED = ("run", "output")
_METRICS = "ridgeway_ssh_command_"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name: small letters, digits and underscores, beginning with a letter")
    return text


def _plain(text: str) -> str:
    if not text.strip() or not _PRINTABLE.fullmatch(text):
        raise ValueError("must be one line of text")
    return text


Name = Annotated[str, AfterValidator(_name)]
Text = Annotated[str, Field(max_length=300), AfterValidator(_plain)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Transform(StrEnum):
    """How the text that was found becomes what is judged and shown."""

    NUMBER = "number"
    """A decimal number and nothing else."""
    TEXT = "text"
    """Text for people, judged by `words`."""
    DURATION = "duration"
    """`1w 2d 3h 4m 5s`, `3 days, 4:05`, `04:05:06` in seconds."""
    BYTES = "bytes"
    """`12.5G`, `1024 kB`, `3 MiB` in bytes. The powers are of 1,024, as df, free and /proc/meminfo mean them."""
    TIMESTAMP = "timestamp"
    """Unix time in seconds. Limits are on how many seconds ago it was, by the agent's clock."""


class Take(StrEnum):
    """Which of several lines that match counts."""

    FIRST = "first"
    LAST = "last"
    LEAST = "least"
    GREATEST = "greatest"
    SUM = "sum"
    COUNT = "count"
    """How many lines match, of which there may be none."""


WordState = Literal["ok", "warning", "critical", "unknown", "unsupported"]


class ParameterModel(_Model):
    """What the estate may fill into the command line, as one word of it."""

    title: Text
    pattern: str
    default: str | None = None

    @model_validator(mode="after")
    def _harmless(self) -> Self:
        try:
            pattern = understood(self.pattern)
        except NotUnderstood as error:
            raise ValueError(f"pattern: {error}") from error
        strange = pattern.alphabet - SAFE
        if strange:
            named = " ".join(sorted(_spelt(mark) for mark in strange)[:12])
            raise ValueError(
                f"pattern {self.pattern!r} lets through what a shell may read as its own: {named}; "
                "a parameter is made of letters, digits and . _ / : @ , + -"
            )
        if "-" in pattern.first:
            raise ValueError(f"pattern {self.pattern!r} may begin with a hyphen, which makes an option of a parameter")
        if self.default is not None:
            self.checked(self.default, SAFE)
        return self

    def checked(self, text: str, safe: frozenset[str]) -> str:
        """The parameter, if it is one. Raises ValueError: it must match the whole pattern, and be safe by itself."""
        if not 0 < len(text) <= LONGEST_PARAMETER:
            raise ValueError(f"must have 1 to {LONGEST_PARAMETER} characters ({self.title})")
        strange = frozenset(text) - safe
        if strange:
            named = " ".join(sorted(_spelt(mark) for mark in strange)[:12])
            raise ValueError(f"holds what may not stand in a command: {named} ({self.title})")
        if text.startswith("-"):
            raise ValueError(f"may not begin with a hyphen ({self.title})")
        if ".." in text.split("/"):
            raise ValueError(f"may not hold a step upwards (..) ({self.title})")
        if not understood(self.pattern).compiled().fullmatch(text):
            raise ValueError(f"does not match {self.pattern} ({self.title})")
        return text


class RatioModel(_Model):
    """A value made of two others: one divided by the other."""

    of: Name
    to: Name


class ValueModel(_Model):
    """One thing read from the output. Its finding is `ssh_command/<command>/<name>`."""

    title: Text
    find: str | None = None
    """A pattern that is tried on every line, with one group called `value`; `{parameter}` stands for its text."""
    ratio: RatioModel | None = None
    take: Take = Take.FIRST
    transform: Transform = Transform.NUMBER
    scale: float = 1.0
    unit: Annotated[str, Field(max_length=20)] = ""
    """For people only."""
    words: dict[str, WordState] = Field(default_factory=dict)
    """Text to state; `{parameter}` stands for its text."""
    otherwise: WordState = "unknown"
    """The state of a text that is not among `words`."""
    required: bool = True
    """Not found is unknown. What is not required may be absent: neither reading nor finding."""
    warning: Limit | None = None
    critical: Limit | None = None
    metric: Metric | None = None

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if (self.find is None) == (self.ratio is None):
            raise ValueError("a value has either `find` or `ratio`")
        if self.ratio is not None and (self.take is not Take.FIRST or self.transform is not Transform.NUMBER):
            raise ValueError("a ratio takes its two values as they are: no `take` or `transform`")
        text = self.transform is Transform.TEXT
        if text and (self.warning or self.critical or self.metric):
            raise ValueError("text has no limits and no metric; say by `words` what is bad")
        if text and self.take not in (Take.FIRST, Take.LAST, Take.COUNT):
            raise ValueError(f"text has no {self.take.value}")
        if self.words and not text:
            raise ValueError("`words` are for `transform: text`")
        if self.metric is not None and (self.metric.type != "gauge" or not self.metric.name.startswith(_METRICS)):
            raise ValueError(f"the metric of a command is a gauge, and its name begins with {_METRICS}")
        if (
            self.transform is Transform.TIMESTAMP
            and self.metric
            and not self.metric.name.endswith("_timestamp_seconds")
        ):
            raise ValueError(f"{self.metric.name}: the metric of a timestamp ends in _timestamp_seconds")
        return self


class CommandModel(_Model):
    """One template file."""

    command: str
    title: Text
    source: Text
    """Where its facts come from: manual page, vendor page, recording."""
    proven: str = ""
    """On what it was proved; empty means: on nothing."""
    shell: str = EXEC
    """`exec`, or the name of a dialect."""
    run: Text
    changes: Literal["nothing"]
    """What the command changes on the device. There is one answer; whoever cannot give it does not write a template."""
    harmless: Text
    """Why that is so, and why the command costs the device little: for the one who reviews the template."""
    parameters: dict[Name, ParameterModel] = Field(default_factory=dict)
    exit_status: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    may_be_empty: bool = False
    expect: str | None = None
    """A pattern that some line must match, else critical."""
    not_expect: str | None = None
    """A pattern that no line may match, else critical."""
    values: dict[Name, ValueModel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not _COMMAND.fullmatch(self.command):
            raise ValueError(f"command {self.command!r}: small letters, digits and hyphens, beginning with a letter")
        self._check_line()
        for what in ("expect", "not_expect"):
            pattern = getattr(self, what)
            if pattern is not None:
                self._check_pattern(what, pattern)
        for name, value in self.values.items():
            self._check_value(name, value)
        if not (self.values or self.expect or self.not_expect):
            raise ValueError("says nothing: give it `values`, `expect` or `not_expect`")
        if self.may_be_empty and self.expect:
            raise ValueError("an output that may be empty cannot be expected to hold something")
        return self

    @property
    def safe(self) -> frozenset[str]:
        """What a parameter of this template may be made of."""
        return SAFE if self.shell == EXEC else SAFE_AT_A_PROMPT

    def _check_line(self) -> None:
        places = _PLACE.findall(self.run)
        for name in places:
            if name not in self.parameters:
                raise ValueError(f"run: {{{name}}} is not among the parameters")
        looked_for = "".join(value.find or "" for value in self.values.values())
        for name, parameter in self.parameters.items():
            if name not in places and f"{{{name}}}" in looked_for:
                continue  # it chooses among the lines that are printed
            if name not in places:
                raise ValueError(f"parameters.{name} does not stand in `run`")
            if not re.search(rf"(?<!\S)\{{{name}\}}(?!\S)", self.run):
                raise ValueError(f"run: {{{name}}} must be a word of its own, with a space on each side")
            if parameter.default is not None:
                parameter.checked(parameter.default, self.safe)
        bare = _PLACE.sub("x", self.run)
        if self.shell == EXEC:
            if any("{" in quoted for quoted in _QUOTED.findall(self.run)):
                raise ValueError("run: a parameter may not stand between quotes; it is quoted by itself")
            bare = _QUOTED.sub("x", bare)
        if not _LINE.fullmatch(bare) or bare != bare.strip() or self.run.startswith("{"):
            raise ValueError(
                "run: is one command with its words, made of letters, digits, spaces and . _ / : @ , + = % - "
                "(and, with `shell: exec`, anything between single quotes); pipes, redirections and lists are refused"
            )

    def _check_pattern(self, what: str, text: str) -> LinePattern:
        """With a letter in the parameters' places; the real text is checked with the estate."""
        return _line_pattern(what, filled(text, dict.fromkeys(self.parameters, "x")))

    def _check_value(self, name: str, value: ValueModel) -> None:
        if name in _RESERVED:
            raise ValueError(f"values: a value may not be called {name!r}: ssh_command/…/{name} is the run's own")
        if value.find is not None:
            pattern = self._check_pattern(f"values.{name}.find", value.find)
            if pattern.names != ("value",):
                raise ValueError(f"values.{name}.find: has one named group, (?P<value>…)")
        if value.ratio is None:
            return
        for other in (value.ratio.of, value.ratio.to):
            there = self.values.get(other)
            if there is None or there.ratio is not None or there.transform is Transform.TEXT:
                raise ValueError(f"values.{name}.ratio: there is no number called {other!r} beside it")


class DialectModel(_Model):
    """How the shell of a kind of network device speaks: data for the transport's terminal."""

    dialect: str
    title: Text
    source: Text
    proven: str = ""
    prompt: str
    """A pattern for the whole last line, by which the device says that it waits for a command."""
    pager: str | None = None
    """A pattern for the line by which it asks whether to go on; a space is then sent."""
    paging_off: tuple[Text, ...] = ()
    """Sent first; they change the session's own screen and nothing else."""
    leave: Text = "exit"
    begins: Annotated[tuple[str, ...], Field(min_length=1)]
    """The first words with which a command line may begin: those that only show."""
    refusals: tuple[str, ...] = ()
    """Patterns of lines by which it says that it did not understand, or that the user may not."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for what, text in (("prompt", self.prompt), ("pager", self.pager), *(("refusals", it) for it in self.refusals)):
            if text is None:
                continue
            if what == "refusals":
                _line_pattern(what, text)
                continue
            try:
                understood(text)  # the terminal holds these two against half a line, by the standard library's `re`
            except NotUnderstood as error:
                raise ValueError(f"{what}: {error}") from error
        return self


def _line_pattern(what: str, text: str) -> LinePattern:
    try:
        return LinePattern(text)
    except PatternError as error:
        raise ValueError(f"{what}: {error}") from error


def filled(text: str, given: dict[str, str]) -> str:
    """The text with every `{name}` of `given` replaced."""
    return _PLACE.sub(lambda found: given.get(found[1], found[0]), text)


def _spelt(mark: str) -> str:
    if mark == "\u0080":
        return "letters beyond ASCII"
    return mark if mark.isprintable() and mark != " " else f"U+{ord(mark):04X}"
