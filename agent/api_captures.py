"""What people keep of a firewall's API: the body of an answer in a file that is called after the question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.firewall.http.shape import understood
from checks.network.documents import Document, NotUnderstood
from checks.recordings import reading
from checks.recordings.recording import RecordingError
from checks.transports.http.line import LARGEST
from config.profiles import ProfileError, ProfileModel, load, search_path
from config.profiles.asks import HttpAsks, Way

_HEAD = 100
_OURS = re.compile(rb'\{\s*"schema"\s*:\s*"?[0-9]')


@dataclass(frozen=True, slots=True)
class ApiCapture:
    """Answers of one firewall, by question of its profile."""

    name: str
    profile: ProfileModel
    documents: Mapping[str, Document | NotUnderstood]


def by_https(profile: str | None) -> ProfileModel | None:
    """The profile by HTTPS that is meant: the named one itself, or that of its product. None where there is none.

    Raises RecordingError.
    """
    if profile is None:
        return None
    try:
        found = load(profile, search_path())
        if found.way is not Way.HTTP and Way.HTTP in found.also:
            found = load(found.also[Way.HTTP], search_path())
    except ProfileError as error:
        raise RecordingError(str(error)) from None
    return found if found.way is Way.HTTP else None


def is_answer(raw: bytes) -> bool:
    """Whether a file begins as JSON or XML does, and is no observation of ours, which says its schema at once."""
    head = raw[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head[:1] in (b"{", b"[", b"<") and _OURS.match(head) is None


def capture(files: Sequence[Path], question: str | None, profile: ProfileModel) -> ApiCapture:
    """The answers in the files, all of one firewall: the file `ha_peer.json` answers the question `ha_peer`.

    Raises RecordingError.
    """
    asks = profile.asks.http if profile.asks is not None else None
    assert asks is not None  # `by_https` gives no other
    if question is not None and len(files) != 1:
        raise RecordingError("--question is for one file; several files are called after the questions they answer")
    documents: dict[str, Document | NotUnderstood] = {}
    for file in files:
        name = question or file.name.partition(".")[0].replace("-", "_")
        if name not in asks.questions:
            raise RecordingError(
                f"{file.name}: profile {profile.profile} has no question {name!r}; name one with --question, or the "
                f"file after one: {', '.join(asks.questions)}"
            )
        documents.update(_answered(asks, name, reading.octets(file)))
    return ApiCapture(files[0].name, profile, documents)


def _answered(asks: HttpAsks, name: str, raw: bytes) -> Iterator[tuple[str, Document | NotUnderstood]]:
    """The answer to a question, and to every other that asks the same in other words."""
    if len(raw) > LARGEST:
        raise RecordingError(f"an answer is at most {LARGEST // 1024} KiB")
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    alike = (asks.questions[name].paths, asks.questions[name].body)
    for other, question in asks.questions.items():
        if other == name or (question.paths, question.body) == alike:
            yield other, understood(question, raw, text)
