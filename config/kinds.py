"""What configuration must know of a kind of check and of a kind of desk, said without importing either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import BaseModel

from config.estate import KindDefaults


class KindLike(Protocol):
    """The part of a kind of check that the estate file depends on."""

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def options(self) -> type[BaseModel]:
        """Validates what a check says beside the settings that every check has."""

    @property
    def defaults(self) -> KindDefaults: ...

    @property
    def requires(self) -> tuple[str | tuple[str, ...], ...]:
        """Credential roles that a target with such a check must have; its inputs where it has any.

        Of a tuple in it one is enough.
        """

    @property
    def inputs(self) -> Callable[[Any], Sequence[str]]:
        """By its options: the names of further targets that one run asks."""

    @property
    def asks_itself(self) -> bool:
        """Whether a check with inputs asks its own target too, which then needs the credentials as well."""

    @property
    def places(self) -> Callable[[Any], Sequence[str]]:
        """By its options: the names of further vantages from which one run asks."""


class DeskLike(Protocol):
    """The part of a kind of desk that the estate file depends on."""

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def options(self) -> type[BaseModel]:
        """Validates what a desk says beside `kind` and `new_tickets_per_day`."""
