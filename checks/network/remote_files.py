"""What the files of a remote directory mean. Pure: what was seen and the last note in, an assessment out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from checks.contract import Assessment, Family, Finding, Memory, Reading, State
from checks.network.command_reading import span, spoken
from checks.network.file_listing import MANIFEST, Checksum, FileAnswers, FileSeen
from checks.network.file_note import Note, noted, packed

KIND = "sftp_file"
MODIFIED = Family(
    "ridgeway_sftp_file_modified_timestamp_seconds",
    "When the newest matching file was changed, by the clock of its server (Unix time).",
    unit="seconds",
    labels=("path",),
)
SIZE = Family("ridgeway_sftp_file_size_bytes", "Size of the newest matching file.", unit="bytes", labels=("path",))
FILES = Family("ridgeway_sftp_files", "Matching files in the directory.", labels=("path",))
_LONGEST_SUMMARY = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the estate says must be so. Sizes in octets, times in seconds."""

    path: str
    """Directory and pattern, or the one file: the finding's key and the metric's label."""
    single: bool
    """One given file, not the newest of several."""
    may_be_empty: bool = False
    warning_age: float | None = None
    critical_age: float | None = None
    min_size: int | None = None
    max_size: int | None = None
    min_count: int | None = None
    max_count: int | None = None
    grow_within: float | None = None
    settle_within: float | None = None
    checksum: bool = False

    def key(self, what: str) -> str:
        """The finding's key."""
        return f"{KIND}{self.path}/{what}"


@dataclass(slots=True)
class _Work:
    wanted: Wanted
    answers: FileAnswers
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)
    may_go: set[str] = field(default_factory=set)

    def say(self, what: str, state: State, summary: str, evidence: Mapping[str, str] | None = None) -> None:
        key = self.wanted.key(what)
        self.findings.append(Finding(key, state, summary[:_LONGEST_SUMMARY], evidence or {}))
        self.covers.add(key)

    def read(self, family: Family, value: float) -> None:
        self.readings.append(Reading(family, value, (self.wanted.path,)))

    def evidence(self, file: FileSeen) -> dict[str, str]:
        said = {"file": file.name[:200], "agent_clock": _clock(self.answers.at)}
        if file.mtime is not None:
            said["modified"] = _clock(file.mtime)
        if file.size is not None:
            said["size"] = f"{file.size} bytes"
        return said


def assessed(wanted: Wanted, answers: FileAnswers, memory: Memory | None) -> Assessment:
    """Judge what was seen."""
    work = _Work(wanted, answers)
    note: Note | None = None
    if _listed(work) and _present(work):
        assert answers.newest is not None  # just seen
        note = noted(memory, answers.newest, answers.at)
        _judge(work, note)
    return Assessment(
        tuple(work.findings), tuple(work.readings), frozenset(work.covers), frozenset(work.may_go), packed(note, memory)
    )


def _listed(work: _Work) -> bool:
    """Whether the listing tells what is asked. Part of one does when the one given file is in it."""
    answers, path = work.answers, work.wanted.path
    if not answers.there:
        work.say("listing", State.CRITICAL, f"{path}: the directory does not exist")
        return False
    if not answers.complete and not (work.wanted.single and (answers.count or answers.links)):
        said = f"{path}: more than {answers.entries} entries in the directory, so it was not read to its end"
        work.say("listing", State.UNKNOWN, f"{said}; raise `most`, or have it tidied up")
        return False
    work.say("listing", State.OK, f"{path}: the directory was read")
    return True


def _present(work: _Work) -> bool:
    """Whether there is a file to be judged; the clock and the count are judged here, which need none."""
    answers, wanted = work.answers, work.wanted
    if not wanted.single:
        work.read(FILES, answers.count)
        _count(work)
    _clock_of_files(work)
    if answers.count:
        work.say("present", State.OK, f"{wanted.path}: is there" if wanted.single else f"{answers.count} files match")
        if answers.newest is None:
            _undated(work)
        return answers.newest is not None
    if answers.links and wanted.single:
        said = f"{wanted.path}: is a link or no regular file, so nothing of it is known"
        work.say("present", State.UNKNOWN, f"{said}; name the file itself, or use directory and pattern")
    elif wanted.may_be_empty:
        work.say("present", State.OK, f"{wanted.path}: no file, which may be")
        gone = {wanted.key(what) for what in ("age", "size", "growth", "settled", "checksum")}
        work.covers |= gone
        work.may_go |= gone
    elif wanted.single:
        work.say("present", State.CRITICAL, f"{wanted.path}: there is no such file")
    else:
        said = f"{wanted.path}: no file matches, of {answers.entries} entries in the directory"
        links = f"; {answers.links} links and the like do not count" if answers.links else ""
        work.say("present", State.CRITICAL, said + links)
    return False


def _undated(work: _Work) -> None:
    """Files are there, but none of which it can be said how old it is: then nothing of the newest is known."""
    why = "changed in the future" if work.answers.ahead else "without a time"
    for what, asked in _asked_of_newest(work.wanted):
        if asked:
            said = f"{work.wanted.path}: every file is {why}, so that nobody can tell which is the newest"
            work.say(what, State.UNKNOWN, said)


def _asked_of_newest(wanted: Wanted) -> tuple[tuple[str, bool], ...]:
    return (
        ("age", wanted.warning_age is not None or wanted.critical_age is not None),
        ("size", wanted.min_size is not None or wanted.max_size is not None),
        ("growth", wanted.grow_within is not None),
        ("settled", wanted.settle_within is not None),
        ("checksum", wanted.checksum),
    )


def _count(work: _Work) -> None:
    wanted, count = work.wanted, work.answers.count
    if wanted.min_count is None and wanted.max_count is None:
        return
    if wanted.min_count is not None and count < wanted.min_count:
        work.say("count", State.CRITICAL, f"{wanted.path}: {count} files, at least {wanted.min_count} are expected")
    elif wanted.max_count is not None and count > wanted.max_count:
        work.say("count", State.WARNING, f"{wanted.path}: {count} files, at most {wanted.max_count} are expected")
    else:
        work.say("count", State.OK, f"{wanted.path}: {count} files")


def _clock_of_files(work: _Work) -> None:
    answers, file = work.answers, work.answers.furthest
    if file is None or file.mtime is None:
        work.say("clock", State.OK, f"{work.wanted.path}: no file is changed in the future")
        return
    text = f"{work.wanted.path}: {answers.ahead} files are changed in the future, {file.name[:80]} by "
    text += f"{span(file.mtime - answers.at)}; the clock of the server, of whoever wrote it, or of the agent is wrong"
    work.say("clock", State.WARNING, text, work.evidence(file))


def _judge(work: _Work, note: Note) -> None:
    wanted, file = work.wanted, work.answers.newest
    assert file is not None  # the caller saw it
    if file.mtime is not None:
        work.read(MODIFIED, file.mtime)
    if file.size is not None:
        work.read(SIZE, file.size)
    if wanted.warning_age is not None or wanted.critical_age is not None:
        _age(work, file)
    if wanted.grow_within is not None:
        _growth(work, file, note, wanted.grow_within)
    if wanted.settle_within is not None:
        _settled(work, file, note, wanted.settle_within)
        if not note.rests:
            return  # half a file has neither its size nor its checksum yet: those keep their state
    if wanted.min_size is not None or wanted.max_size is not None:
        _size(work, file)
    if wanted.checksum:
        _checksum(work, file)


def _age(work: _Work, file: FileSeen) -> None:
    wanted, evidence = work.wanted, work.evidence(file)
    if file.mtime is None or work.answers.undated:
        said = "the server does not tell when it was changed" if file.mtime is None else "some files have no time"
        work.say("age", State.UNKNOWN, f"{file.name[:100]}: {said}, so the age of the newest is not known", evidence)
        return
    age = max(0.0, work.answers.at - file.mtime)
    for state, limit in ((State.CRITICAL, wanted.critical_age), (State.WARNING, wanted.warning_age)):
        if limit is not None and age > limit:
            said = f"{file.name[:100]}: changed {span(age)} ago, at most {span(limit)} are expected"
            work.say("age", state, said if wanted.single else f"newest file {said}", evidence)
            return
    work.say("age", State.OK, f"{file.name[:100]}: changed {span(age)} ago")


def _size(work: _Work, file: FileSeen) -> None:
    wanted, evidence = work.wanted, work.evidence(file)
    if file.size is None:
        work.say("size", State.UNKNOWN, f"{file.name[:100]}: the server does not tell its size", evidence)
        return
    said = f"{file.name[:100]}: {spoken(file.size, 'bytes')}"
    if wanted.min_size is not None and file.size < wanted.min_size:
        least = spoken(wanted.min_size, "bytes")
        work.say("size", State.CRITICAL, f"{said}, at least {least} are expected", evidence)
    elif wanted.max_size is not None and file.size > wanted.max_size:
        most = spoken(wanted.max_size, "bytes")
        work.say("size", State.WARNING, f"{said}, at most {most} are expected", evidence)
    else:
        work.say("size", State.OK, said)


def _growth(work: _Work, file: FileSeen, note: Note, within: float) -> None:
    still = work.answers.at - note.changed
    if still > within:
        said = f"{file.name[:100]}: neither grown nor followed by another for {span(still)}"
        work.say("growth", State.CRITICAL, f"{said}, at most {span(within)} are expected", work.evidence(file))
    else:
        work.say("growth", State.OK, f"{file.name[:100]}: last change seen {span(still)} ago")


def _settled(work: _Work, file: FileSeen, note: Note, within: float) -> None:
    written = work.answers.at - note.first
    if not note.rests and written > within:
        said = f"{file.name[:100]}: still being written after {span(written)}, at most {span(within)} are expected"
        work.say("settled", State.WARNING, said, work.evidence(file))
    else:
        now = "not changed since the last look" if note.rests else "being written"
        work.say("settled", State.OK, f"{file.name[:100]}: {now}")


_CHECKSUMS = {
    Checksum.MATCH: (State.OK, "its SHA-256 is the one in its manifest"),
    Checksum.MISMATCH: (State.CRITICAL, "its SHA-256 is not the one in its manifest: the file is damaged or changed"),
    Checksum.NO_MANIFEST: (State.UNKNOWN, f"there is no {MANIFEST} file beside it to compare with"),
    Checksum.BAD_MANIFEST: (State.UNKNOWN, f"the {MANIFEST} file beside it holds no SHA-256 of it"),
    Checksum.TOO_LARGE: (State.UNKNOWN, "it is larger than 1 MiB, which is not fetched"),
    Checksum.UNREADABLE: (State.UNKNOWN, "it or its manifest may not be read by this user"),
}


def _checksum(work: _Work, file: FileSeen) -> None:
    found = _CHECKSUMS.get(work.answers.checksum)
    if found is not None:  # else it was not asked, because the connection was lost: nothing is said of it
        state, said = found
        work.say("checksum", state, f"{file.name[:100]}: {said}", {} if state is State.OK else work.evidence(file))


def _clock(at: float) -> str:
    """Unix seconds as UTC; a server can claim times that no calendar has."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f} s after 1970"
