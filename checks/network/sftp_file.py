"""The kind `sftp_file`: is the newest file of a remote directory there, fresh, whole and of a sensible size."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    Fault,
    KindDefaults,
    Memory,
    Observation,
    Reason,
    Subject,
    Target,
)
from checks.network.file_listing import MANIFEST, Checksum, FileAnswers, seen
from checks.network.label import bounded
from checks.network.limits import give_up_at
from checks.network.remote_files import FILES, KIND, MODIFIED, SIZE, Wanted, assessed
from checks.network.ssh_login import LOGIN_KEYS, ROLE, device_of, over_after_login
from checks.transports.fault import TransportFault
from checks.transports.ssh import NoSuchPath, SshDevice, ssh_fault
from checks.transports.ssh.faults import NotOpened
from config.estate import MofN, WakeClass
from config.schema.words import Duration

LARGEST = 1024 * 1024
"""Octets of a file that are fetched to compare its checksum."""
_LARGEST_MANIFEST = 4_096
_MANIFEST_LINE = re.compile(r"\\?([0-9a-fA-F]{64})(?: [ *](.{1,255}))?")
_BSD_LINE = re.compile(r"SHA256 \((.{1,255})\) = ([0-9a-fA-F]{64})")


def remote_path(text: str) -> str:
    """A path of another machine, from its root, without steps upwards. ValueError says what is wrong."""
    if not text.startswith("/") or len(text) > 300 or not text.isprintable():
        raise ValueError("must be a path from the root, as in /srv/backup")
    if ".." in text.split("/"):
        raise ValueError("may not hold a step upwards (..)")
    return posixpath.normpath(text).replace("//", "/")


def _pattern(text: str) -> str:
    if not text or len(text) > 200 or "/" in text or not text.isprintable():
        raise ValueError("must be a pattern for names of files, as in *.tar.gz, without a directory")
    return text


Path = Annotated[str, AfterValidator(remote_path)]


class SftpFileOptions(BaseModel):
    """What a check of this kind may say: a directory with a pattern, or one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: Path | None = Field(None, description="The directory whose newest file is judged.")
    pattern: Annotated[str, AfterValidator(_pattern)] = Field(
        "*", description="With directory: which names count, with * ? and […]."
    )
    file: Path | None = Field(None, description="One file, instead of directory and pattern.")
    warning_age: Duration | None = Field(None, description="A newest file that was changed longer ago is a warning.")
    critical_age: Duration | None = Field(None, description="A newest file that was changed longer ago is critical.")
    min_size: int | None = Field(None, ge=0, description="A newest file of fewer octets is critical.")
    max_size: int | None = Field(None, ge=0, description="A newest file of more octets is a warning.")
    min_count: int | None = Field(None, ge=1, description="With directory: fewer matching files are critical.")
    max_count: int | None = Field(None, ge=1, description="With directory: more matching files are a warning.")
    may_be_empty: bool = Field(False, description="With directory: no matching file is ok.")
    grow_within: Duration | None = Field(
        None, description="The newest file must grow, or another must follow, within this time; else critical."
    )
    settle_within: Duration | None = Field(
        None,
        description="A file still being written after this time is a warning; until then it is not judged.",
    )
    checksum: bool = Field(
        False, description="Compare the SHA-256 of the newest file (1 MiB at most) with the .sha256 file beside it."
    )
    most: int = Field(default=10_000, ge=1, le=50_000, description="Entries that are listed; more makes it unknown.")
    port: int = Field(default=22, ge=1, le=65535, description="The SSH port.")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if (self.directory is None) == (self.file is None):
            raise ValueError("say either directory (with a pattern) or file")
        if self.file is not None and (self.pattern != "*" or self.min_count or self.max_count or self.may_be_empty):
            raise ValueError("pattern, min_count, max_count and may_be_empty belong to directory, not to file")
        if self.file == "/":
            raise ValueError("file must be the path of a file")
        for least, most in (("warning_age", "critical_age"), ("min_size", "max_size"), ("min_count", "max_count")):
            low, high = getattr(self, least), getattr(self, most)
            if low is not None and high is not None and low > high:
                raise ValueError(f"{most} must not be below {least}")
        if self.grow_within is not None and self.settle_within is not None:
            raise ValueError("a file cannot have to grow (grow_within) and to rest (settle_within)")
        return self

    @cached_property
    def wanted(self) -> Wanted:
        """The options as the judgement takes them."""
        path = self.file if self.file is not None else posixpath.join(self.directory or "/", self.pattern)
        return Wanted(
            path=bounded(path + (f"#{self.port}" if self.port != 22 else "")), single=self.file is not None,
            may_be_empty=self.may_be_empty, warning_age=self.warning_age, critical_age=self.critical_age,
            min_size=self.min_size, max_size=self.max_size, min_count=self.min_count, max_count=self.max_count,
            grow_within=self.grow_within, settle_within=self.settle_within, checksum=self.checksum,
        )  # fmt: skip

    @property
    def place(self) -> str:
        """The directory to list."""
        return self.directory if self.directory is not None else posixpath.dirname(self.file or "/")


async def collect(target: Target, options: SftpFileOptions, ctx: Context) -> Observation:
    """List the directory; where a checksum is wanted, fetch the newest file and its manifest too."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    device = device_of(target, options.port)
    answers: FileAnswers | None = None
    fault: Fault | None = None
    try:
        answers = await _listed(device, options, ctx, deadline)
        if options.checksum and answers.newest is not None and (answers.complete or options.file is not None):
            answers = replace(answers, checksum=await _compared(device, options, answers, ctx, deadline))
    except TransportFault as error:
        fault = ssh_fault(error, KIND, device.credential)
        of_path = error.reason in (Reason.FORBIDDEN, Reason.LIMIT) and not isinstance(error, NotOpened)
        if of_path and answers is None:
            fault = replace(fault, condition=options.wanted.key("listing"))
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _listed(device: SshDevice, options: SftpFileOptions, ctx: Context, deadline: float) -> FileAnswers:
    try:
        listing = await ctx.transports.ssh.files(device, options.place, deadline=deadline, most=options.most)
    except NoSuchPath:
        return FileAnswers(at=ctx.now(), there=False)
    entries, pattern = listing.entries, options.pattern
    if options.file is not None:
        name, pattern = posixpath.basename(options.file), "*"
        entries = [entry for entry in entries if entry.name == name]
    found = seen(entries, listing.complete, pattern, options.checksum and options.file is None, ctx.now())
    return replace(found, entries=len(listing.entries))


async def _compared(
    device: SshDevice, options: SftpFileOptions, answers: FileAnswers, ctx: Context, deadline: float
) -> Checksum:
    """Whether the newest file is what its manifest says. Raises TransportFault when the connection was lost."""
    file, ssh = answers.newest, ctx.transports.ssh
    assert file is not None  # the caller saw it
    if file.size is None or file.size > LARGEST:
        return Checksum.TOO_LARGE
    path = posixpath.join(options.place, file.name)
    try:
        manifest = await ssh.read(device, path + MANIFEST, deadline=deadline, limit=_LARGEST_MANIFEST)
        wanted = digest_in(manifest.decode("utf-8", "replace"), file.name)
        if wanted is None:
            return Checksum.BAD_MANIFEST
        content = await ssh.read(device, path, deadline=deadline, limit=LARGEST)
    except NoSuchPath:
        return Checksum.NO_MANIFEST
    except TransportFault as error:
        if error.reason is Reason.FORBIDDEN:
            return Checksum.UNREADABLE
        if error.reason is Reason.LIMIT:
            return Checksum.TOO_LARGE
        raise
    return Checksum.MATCH if hashlib.sha256(content).hexdigest() == wanted else Checksum.MISMATCH


def digest_in(manifest: str, name: str) -> str | None:
    """The SHA-256 of the file `name` in a manifest as sha256sum(1) writes it, plain or with --tag; None without one."""
    for line in manifest.splitlines():
        tagged = _BSD_LINE.fullmatch(line)
        plain = _MANIFEST_LINE.fullmatch(line.rstrip())
        digest, said = (tagged[2], tagged[1]) if tagged else (plain[1], plain[2]) if plain else (None, None)
        if digest is not None and (said is None or posixpath.basename(said) == name):
            return digest.lower()
    return None


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """What the files mean; their ages are by the agent's clock at the moment when they were listed."""
    del now
    options, answers = subject.check.options, observations[0].answers
    assert isinstance(options, SftpFileOptions) and isinstance(answers, FileAnswers)  # for mypy: the agent pairs them
    made = assessed(options.wanted, answers, memory)
    over = over_after_login(subject)
    return replace(made, covers=made.covers | over, may_go=made.may_go | over)


def families() -> tuple[Family, ...]:
    return (MODIFIED, SIZE, FILES)


CHECK = CheckKind(
    kind=KIND,
    title="The newest file of a directory, over SFTP",
    options=SftpFileOptions,
    answers=FileAnswers,
    defaults=KindDefaults(
        every=600.0, timeout=30.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.WORKING_HOURS
    ),
    finding_keys={
        "sftp_file<path>/present": "No file is there: look at the job that should write it.",
        "sftp_file<path>/age": "The newest file is too old: look at the job that should write it.",
        "sftp_file<path>/size": "The newest file is too small or too large: look into it, and at the job's log.",
        "sftp_file<path>/count": "Too few files (does the job run?) or too many (does anybody tidy up?).",
        "sftp_file<path>/growth": "The file does not grow any more: look at whatever should write it.",
        "sftp_file<path>/settled": "A file is being written for too long: look at the job.",
        "sftp_file<path>/checksum": "The file is not what its manifest says, or cannot be compared.",
        "sftp_file<path>/clock": "Files are changed in the future: look at the clocks.",
        "sftp_file<path>/listing": "The directory is missing, may not be read, or is too full; or there is no SFTP.",
        **LOGIN_KEYS,
        "sftp_file/refused": "Nothing listens on the SSH port: start the service, or open the port.",
        "sftp_file/no-answer": "The server answers other checks, but not SSH: look at its access list.",
        "sftp_file/forbidden": "The server lets the user in, but opens no session: it may have none free.",
        "sftp_file/protocol": "What answers is not SSH or not SFTP, or breaks off: look at the service.",
        "sftp_file/limit": "The server sends without end: look at what it sends.",
        "sftp_file/hanging": "An earlier question to this server has not ended: look at its load and its disks.",
        "sftp_file/local": "The agent itself could not ask: a secret or a host key is missing, or threads ran out.",
        "sftp_file/name": "The target's name does not resolve.",
    },
    families=families,
    collect=collect,
    assess=assess,
    requires=(ROLE,),
)
__all__ = ["CHECK", "FileAnswers", "SftpFileOptions"]
