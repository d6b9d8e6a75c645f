"""The language of configuration syntaxes, as pydantic models: every key such a file may have, and nothing else.

A syntax says how a product shows its configuration: the one command for it, where the text begins and ends, what in it
is volatile, secret, or a member's own. The command is bound by the same rules as every other (`config.commands.model`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from config.commands.model import EXEC, CommandModel, Text
from config.patterns import PatternText

_SYNTAX = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
_MOST = 64


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(f"{text!r} is not a word: letters, digits and hyphens, beginning with a letter")
    return text


Word = Annotated[str, AfterValidator(_word)]
Words = Annotated[tuple[Word, ...], Field(max_length=_MOST)]
Patterns = Annotated[tuple[PatternText, ...], Field(max_length=_MOST)]


class Grammar(StrEnum):
    """How a text of this kind is made of sections and statements."""

    BLOCKS = "blocks"
    """`config … / edit … / set … / next / end`, as FortiOS writes it."""
    INDENTED = "indented"
    """What is indented belongs to the line above that is not, as Cisco writes it."""
    BRACES = "braces"
    """`name { … }`, as Junos, nftables and keepalived write it."""
    LINES = "lines"
    """Each line says all of itself: `set interface eth0 state on`, as Gaia and VyOS write it."""
    XML = "xml"
    """Elements, as pfSense, OPNsense and PAN-OS write them."""


class SyntaxModel(BaseModel):
    """One syntax file. Patterns are RE2's; they are held against `section section statement`, on one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    syntax: str
    title: Text
    source: Text
    """Where its facts come from."""
    proven: str = ""
    """On what it was proved; empty means: on nothing."""
    shell: str = EXEC
    """`exec`, or the name of a dialect of `config.commands`."""
    run: Text
    """The one command that shows the configuration."""
    changes: Literal["nothing"]
    harmless: Text
    """Why the command changes nothing and costs little: for the one who reviews the file."""
    grammar: Grammar
    begins: PatternText | None = None
    """One of the first lines must match: else it is no configuration."""
    ends: PatternText | None = None
    """The last line must match: else it is cut off. Where nothing tells that a text is whole, one that is shorter than
    before counts only when it is read twice."""
    depth: Annotated[int, Field(ge=1, le=6)] = 1
    """How many words, or levels, make the name of a part."""
    named: Words = ()
    """First words after which a name belongs to the part's: `access-list OUTSIDE`."""
    verbs: Words = ()
    """With `lines`: the words with which a line begins; another line continues the one before."""
    plain: Patterns = ()
    """Statements in which no secret can stand, whatever their words say: rules that name `password-servers`."""
    secrets: Patterns = ()
    """Statements whose values are secret although no word in them says so."""
    volatile: Patterns = ()
    """Statements that change by themselves."""
    own: Patterns = ()
    """Statements that rightly differ between the members of a cluster: host name, priority, management address."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not _SYNTAX.fullmatch(self.syntax):
            raise ValueError(f"syntax {self.syntax!r}: small letters, digits and hyphens, beginning with a letter")
        if bool(self.verbs) != (self.grammar is Grammar.LINES):
            raise ValueError("verbs: belong to the grammar `lines`, which needs them")
        if "{" in self.run:
            raise ValueError("run: has no parameters")
        self.command()
        return self

    def command(self) -> CommandModel:
        """The command, held to the rules of every command. Raises ValueError."""
        return CommandModel.model_validate(
            {
                "command": self.syntax, "title": self.title, "source": self.source, "shell": self.shell,
                "run": self.run, "changes": self.changes, "harmless": self.harmless, "expect": ".",
            }
        )  # fmt: skip
