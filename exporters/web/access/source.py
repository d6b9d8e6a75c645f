"""The files behind the access control, read again when one of them has changed. Everything here blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.estate import Token
from exporters.web.access.file import WebFile, read_web_file
from exporters.web.access.tls import Tls, tls_of
from exporters.web.access.tokens import Tokens, place_of, read_tokens

Looks = Mapping[Path, tuple[int, ...] | None]


@dataclass(frozen=True, slots=True)
class Web:
    """A web configuration file with all that it points at, fit to be used."""

    file: WebFile
    tls: Tls | None


def looks_of(paths: Iterable[Path]) -> Looks:
    """What shows that a file is another one than before, without reading it; None where it cannot be seen."""
    found: dict[Path, tuple[int, ...] | None] = {}
    for path in paths:
        try:
            seen = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode)
    return found


class WebSource:
    """A web configuration file, its certificate, key and authority."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looks: Looks = {path: ()}

    def changed(self) -> Web | None:
        """The new content; None while nothing has changed. Raises WebConfigError."""
        looks = looks_of(self._looks)
        if looks == self._looks:
            return None
        # Looked at before it is read: what changes meanwhile is another change.
        self._looks = looks
        file = read_web_file(self._path)
        self._looks = {**looks_of(file.files()), self._path: looks[self._path]}
        return Web(file, tls_of(file))

    def forget(self) -> None:
        """Read everything again at the next look: what was refused may do then, also without another change."""
        self._looks = {self._path: ()}


class TokenSource:
    """The tokens that the estate refers to."""

    def __init__(self) -> None:
        self._known: tuple[Mapping[str, Token], Looks] | None = None
        self._read = Tokens()

    def changed(self, tokens: Mapping[str, Token]) -> Tokens | None:
        """The tokens as they are now; None while they are as before. One that cannot be read is tried at each look."""
        places = (place_of(token.token) for token in tokens.values())
        known = (tokens, looks_of(place for place in places if place is not None))
        if known == self._known and not self._read.troubles:
            return None
        self._known = known
        before, self._read = self._read, read_tokens(tokens.values())
        return self._read if self._read != before else None
