"""What a mail means: rules on its subject and text, as the estate writes them, and those for whoever writes none."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from checks.transports.inbox import Mail
from config.patterns import LinePattern, PatternText, line_pattern

LONGEST = 400
FIGURES = ("size", "files", "errors", "duration")
"""Named groups by which figures are read out of a mail."""
_EDGE = r"[^\pL\pN]"


def _with_figures(text: str) -> str:
    names = LinePattern(text).names
    if not names or set(names) - set(FIGURES):
        raise ValueError(f"names what it finds, as in (?P<size>[\\d.]+ GB); names are {', '.join(FIGURES)}")
    return text


_Pattern = Annotated[PatternText, Field(max_length=LONGEST)]
_Figures = Annotated[str, Field(max_length=LONGEST), AfterValidator(_with_figures)]


class MailRule(BaseModel):
    """Words as they stand, or patterns (RE2) of which all that are given must be found; case does not count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """In the subject or in a line of the text, as words of their own: `success` is not in `unsuccessful`."""
    subject: _Pattern | None = None
    body: _Pattern | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_words(cls, value: object) -> object:
        return {"words": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.words is None and self.subject is None and self.body is None:
            raise ValueError("say words, or a pattern for the subject or the body")
        return self

    @property
    def reads_body(self) -> bool:
        """Whether the text matters to it."""
        return self.words is not None or self.body is not None

    def fits(self, subject: str, body: str) -> bool:
        if self.words is not None:
            pattern = _whole(self.words)
            if not (pattern.found(subject) or pattern.found(body)):
                return False
        return (self.subject is None or caseless(self.subject).found(subject)) and (
            self.body is None or caseless(self.body).found(body)
        )


def caseless(text: str) -> LinePattern:
    return line_pattern(f"(?i:{text})")


def _whole(words: str) -> LinePattern:
    """Words of their own: what stands beside them is neither a letter nor a digit."""
    parts = r"\s+".join(re.escape(word) for word in words.split())
    return caseless(f"(?:^|{_EDGE}){parts}(?:{_EDGE}|$)")


_Rules = Annotated[tuple[MailRule, ...], Field(max_length=20)]

_FAILURE = (
    r"(?:^|[^\w\s]\s*|[^\W0]\s+|[1-9]\d*\s+)fail(?:ed|ure|s)?\b", r"\berror\b",
    r"\b(?:unsuccessful|abort(?:ed)?|cancel(?:l?ed)?|critical|interrupted|missed|unable|denied)\b",
    r"\b(?:not|no|without|never)\b[\w\s-]{0,20}\b(?:success|succe|complete|finish|ok\b)",
)  # fmt: skip
_PARTIAL = (
    r"\b(?:warning|partial(?:ly)?|incomplete|exceptions?)\b", r"\bwith (?:some )?(?:errors|warnings|problems|issues)\b",
    r"\b[1-9]\d* (?:errors|warnings)\b", r"\berrors\s*[:=]\s*[1-9]",
)  # fmt: skip
_SUCCESS = (r"\bsuccess(?:ful|fully)?\b", r"\bsucceeded\b", r"\b(?:completed|finished|ended)\s+(?:ok|fine)\b", r"^ok\b")
_START = (r"\b(?:has |was )?(?:started|begun|starting)\b",)


def _in_subject(patterns: tuple[str, ...]) -> tuple[MailRule, ...]:
    return tuple(MailRule(subject=text) for text in patterns)


class MailOptions(BaseModel):
    """Rules by what a mail says. Those that are not written are the agent's own, which look at the subject alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    ignore: _Rules = ()
    """Mails that say nothing of a run, whatever else fits them."""
    failure: _Rules = _in_subject(_FAILURE)
    partial: _Rules = _in_subject(_PARTIAL)
    success: _Rules = _in_subject(_SUCCESS)
    start: _Rules = _in_subject(_START)
    figures: Annotated[tuple[_Figures, ...], Field(max_length=20)] = ()
    """Patterns with named groups `size`, `files`, `errors` and `duration`; of each the first that is found counts."""
    senders: Annotated[tuple[Annotated[str, Field(min_length=3, max_length=254)], ...], Field(max_length=50)] = Field(
        default=(), alias="from"
    )
    """Addresses, or domains as `@nas.example`, of which mail is taken; no proof: anybody can write any."""

    def takes_from(self, address: str) -> bool:
        """`address` in small letters."""
        wanted = {sender.lower() for sender in self.senders}
        return not wanted or address in wanted or f"@{address.rpartition('@')[2]}" in wanted


def any_fits(rules: tuple[MailRule, ...], mail: Mail, body: str) -> bool:
    return any(rule.fits(mail.subject, body) for rule in rules)
