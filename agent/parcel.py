"""An estate on its way from the process that read it to the agent that is to use it, in pieces.

Every target is a piece of its own with a digest, so that of a large estate only what changed has to be taken in: the
rest keeps the very objects it has, and whoever compares two estates sees at a glance what is the same. Credentials are
pieces too, since targets share them.

Pickle carries the pieces (PEP 574, protocol 5). That is safe here and only here: the reader is a child that the agent
itself started from its own installation, over a pipe that nobody else has. Options go without what a model keeps beside
its fields (compiled templates), which the agent makes again.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from config.estate import Credential, Estate, Target
from config.problems import Problem
from config.secrets import Secret

LARGEST = 64 * 1024 * 1024
"""Octets of one piece; an estate file has at most 16 MiB."""
_DIGEST = 16


class Mark(StrEnum):
    """What a piece is; its first letter on the wire."""

    HELLO = "h"
    """The version of the reader."""
    PROBLEMS = "p"
    """What is wrong with the estate; nothing but the end follows."""
    CREDENTIAL = "c"
    TARGET = "t"
    REST = "r"
    """The estate without its targets."""
    END = "e"


@dataclass(frozen=True, slots=True)
class Piece:
    mark: Mark
    body: bytes = b""

    def wire(self) -> bytes:
        """One letter, the length in four octets, the body."""
        return self.mark.encode() + len(self.body).to_bytes(4, "big") + self.body


class ParcelError(Exception):
    """What came is no estate of this installation."""


def packed(estate: Estate) -> Iterator[Piece]:
    """The pieces of an estate, targets in its order, then the rest."""
    credentials: dict[int, tuple[Credential, str]] = {}
    for target in estate.targets.values():
        for credential in target.credentials.values():
            if id(credential) not in credentials:
                body = _pickled(credential, {})
                key = f"{credential.name}:{_digest(body).hex()}"
                credentials[id(credential)] = (credential, key)
                yield Piece(Mark.CREDENTIAL, key.encode() + b"\0" + body)
        body = _pickled(target, credentials)
        yield Piece(Mark.TARGET, _digest(body) + target.name.encode() + b"\0" + body)
    yield Piece(Mark.REST, _pickled(replace(estate, targets={}), {}))


def problems_piece(problems: tuple[Problem, ...]) -> Piece:
    return Piece(Mark.PROBLEMS, pickle.dumps(problems, 5))


def problems_of(piece: Piece) -> tuple[Problem, ...]:
    """Raises ParcelError."""
    found = _unpickled(piece.body, {})
    if not isinstance(found, tuple) or not found or not all(isinstance(one, Problem) for one in found):
        raise ParcelError("problems that cannot be read")
    return found


class Unpacker:
    """Puts one estate after the other together, and remembers what the last one was made of."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, Target]] = {}
        self._known: dict[str, Credential] = {}
        self.begin({})

    def begin(self, before: Mapping[str, Target]) -> None:
        """The pieces of another estate come; a target that is as it was in `before` will be the same object."""
        self._before = before
        self._credentials: dict[str, Credential] = {}
        self._taken: dict[str, tuple[bytes, Target]] = {}
        self._rest: Estate | None = None

    def take(self, piece: Piece) -> None:
        """Take one piece in, some 20 to 200 µs. Raises ParcelError."""
        if piece.mark is Mark.CREDENTIAL:
            name, body = _named(piece.body)
            self._credentials[name] = self._known.get(name) or _one(body, {}, Credential)
        elif piece.mark is Mark.TARGET:
            digest = piece.body[:_DIGEST]
            name, body = _named(piece.body[_DIGEST:])
            known, last = self._before.get(name), self._last.get(name)
            if known is None or last is None or last[0] != digest or last[1] is not known:
                read: Target = _one(body, self._credentials, Target)
                known = known if known == read else read
            assert known is not None  # for mypy
            self._taken[name] = (digest, known)
        elif piece.mark is Mark.REST:
            self._rest = _one(piece.body, {}, Estate)
        else:
            raise ParcelError(f"a piece of another kind: {piece.mark}")

    def estate(self) -> Estate:
        """What the pieces since `begin` make. Raises ParcelError."""
        if self._rest is None:
            raise ParcelError("the end came before the estate")
        self._last, self._known = self._taken, self._credentials
        return replace(self._rest, targets={name: target for name, (_, target) in self._taken.items()})


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, credentials: Mapping[int, tuple[Credential, str]]) -> None:
        super().__init__(file, 5)
        self._credentials = credentials

    def persistent_id(self, obj: Any) -> str | None:
        if obj.__class__ is Credential and id(obj) in self._credentials:
            return self._credentials[id(obj)][1]
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Secret):  # which refuses to be pickled; this pipe, and no file, may have it
            return Secret, (obj.reveal(),)
        if not isinstance(obj, BaseModel):
            return NotImplemented
        state = obj.__getstate__()
        fields = type(obj).model_fields
        kept = {name: value for name, value in state["__dict__"].items() if name in fields}
        return _blank, (type(obj),), {**state, "__dict__": kept}


class _Unpickler(pickle.Unpickler):
    def __init__(self, body: bytes, credentials: Mapping[str, Credential]) -> None:
        super().__init__(io.BytesIO(body))
        self._credentials = credentials

    def persistent_load(self, pid: Any) -> Credential:
        return self._credentials[pid]


def _blank(model: type[BaseModel]) -> BaseModel:
    return model.__new__(model)


def _pickled(value: object, credentials: Mapping[int, tuple[Credential, str]]) -> bytes:
    file = io.BytesIO()
    _Pickler(file, credentials).dump(value)
    return file.getvalue()


def _one(body: bytes, credentials: Mapping[str, Credential], kind: type[Any]) -> Any:
    found = _unpickled(body, credentials)
    if not isinstance(found, kind):
        raise ParcelError(f"{type(found).__name__} where {kind.__name__} was to come")
    return found


def _unpickled(body: bytes, credentials: Mapping[str, Credential]) -> object:
    try:
        return _Unpickler(body, credentials).load()
    except (pickle.UnpicklingError, AttributeError, ImportError, KeyError, TypeError, ValueError, EOFError) as error:
        raise ParcelError(f"a piece that cannot be read ({type(error).__name__}: {error})") from error


def _named(body: bytes) -> tuple[str, bytes]:
    name, _, rest = body.partition(b"\0")
    return name.decode(), rest


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()
