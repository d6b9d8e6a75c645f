"""Reading a `web-config.yml`: every mistake with its line and column, and the files that it points at."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from config.problems import Nearest, Problem, dotted
from config.wording import explain
from config.yaml import Document, TreePath, YamlError, parse, read_file
from exporters.web.access.model import TlsModel, WebConfigModel
from exporters.web.access.suites import objections

_LARGEST = 1024 * 1024
_TLS = "tls_server_config"
_FILES = ("cert_file", "key_file", "client_ca_file")
_NOT_CHECKED = frozenset({"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"})


class WebConfigError(Exception):
    """The file cannot be used; a line for each mistake says where it is and how to mend it."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.line, p.column, p.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file that is well-formed; what it points at has not been looked at."""

    path: Path
    document: Document
    content: WebConfigModel

    @property
    def tls(self) -> TlsModel | None:
        """What it says about TLS; None where the listener speaks plain HTTP."""
        tls = self.content.tls_server_config
        return tls if tls is not None and tls.model_fields_set else None

    @property
    def authenticates(self) -> bool:
        """Whether it says who people are: by passwords, or by certificates that everybody must show."""
        return bool(self.content.basic_auth_users) or self.wants_certificates

    @property
    def wants_certificates(self) -> bool:
        """Whether nobody gets a connection without a client certificate that was checked."""
        return self.tls is not None and self.tls.client_auth_type == "RequireAndVerifyClientCert"

    def files(self) -> Iterator[Path]:
        """Itself and everything that it points at."""
        yield self.path
        for key in _FILES:
            if self.tls is not None and getattr(self.tls, key):
                yield self._place(key)

    def text(self, key: str) -> str:
        """What stands in the file, or in the file named by `key` of tls_server_config. Raises WebConfigError."""
        inline = getattr(self.tls, key)
        if inline:
            return str(inline)
        key = f"{key}_file"
        path = self._place(key)
        try:
            raw = read_file(path, _LARGEST)
            if key == "key_file" and path.stat().st_mode & stat.S_IRWXO:
                raise self.wrong(key, f"{path}: every user of this machine can reach this key; run: chmod o-rwx {path}")
            return raw.decode("ascii")
        except YamlError as error:
            raise self.wrong(key, f"{path} {error.faults[0].message}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise self.wrong(key, f"{path} is not a file in PEM") from error

    def wrong(self, key: str, message: str) -> WebConfigError:
        """What is wrong with the value of a key of tls_server_config."""
        return WebConfigError(_problem(self.document, (_TLS, key), message))

    def _place(self, key: str) -> Path:
        return self.path.parent / str(getattr(self.tls, key))


def read_web_file(path: Path) -> WebFile:
    """Read and judge the file alone. Raises WebConfigError with everything that is wrong with it."""
    try:
        document = parse(read_file(path, _LARGEST), str(path))
    except YamlError as error:
        raise WebConfigError(
            *(
                Problem(error.file, fault.line, fault.column, dotted(fault.path), fault.message)
                for fault in error.faults
            )
        ) from error
    nearest = Nearest()
    try:
        content = WebConfigModel.model_validate(document.tree)
    except ValidationError as error:
        told = [explain(detail, WebConfigModel, document.tree, nearest) for detail in error.errors(include_url=False)]
        raise WebConfigError(
            *(_problem(document, place, text, near, key=key) for place, text, near, key in told)
        ) from error
    file = WebFile(path, document, content)
    if file.tls is not None:
        problems = [_problem(document, (_TLS, key), text, key=True) for key, text in _of_tls(file.tls)]
        if problems:
            raise WebConfigError(*problems)
    return file


def _of_tls(tls: TlsModel) -> Iterator[tuple[str, str]]:
    for what in ("cert", "key"):
        either = (getattr(tls, what), getattr(tls, f"{what}_file"))
        if not any(either):
            yield f"{what}_file", f'"{what}_file" is missing: without certificate and key there is no TLS'
        elif all(either):
            yield what, f"stands beside `{what}_file`; say one of them"
    if tls.client_ca and tls.client_ca_file:
        yield "client_ca", "stands beside `client_ca_file`; say one of them"
    yield from _of_clients(tls)
    yield from objections(tls)


def _of_clients(tls: TlsModel) -> Iterator[tuple[str, str]]:
    authority = tls.client_ca or tls.client_ca_file
    if tls.client_auth_type in _NOT_CHECKED:
        yield (
            "client_auth_type",
            "Python's ssl asks for no certificate without checking it; write NoClientCert, VerifyClientCertIfGiven or "
            "RequireAndVerifyClientCert",
        )
    elif tls.client_auth_type == "NoClientCert":
        if authority:
            yield "client_ca_file", "is of no use with NoClientCert; say client_auth_type: RequireAndVerifyClientCert"
        if tls.client_allowed_sans:
            yield "client_allowed_sans", "is of no use with NoClientCert; say RequireAndVerifyClientCert"
    elif not authority:
        yield (
            "client_ca_file",
            '"client_ca_file" is missing: without it, any public authority could let people in',
        )


def _problem(document: Document, path: TreePath, message: str, suggestion: str = "", *, key: bool = False) -> Problem:
    line, column = document.place(path, key=key)
    return Problem(document.file, line, column, dotted(path), message, suggestion)
