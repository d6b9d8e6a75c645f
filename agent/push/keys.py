"""Whose key is whose: read from where the estate says, kept as digests, never shown."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.estate import Estate
from config.secrets import Secret, SecretError, SecretReference

if TYPE_CHECKING:
    from checks.backup.products.push import PushJob
    from checks.backup.products.push.rules import MailOptions

SHORTEST = 16
"""Characters: whoever guesses a million times a second is at it for longer than anybody lives."""
LONGEST = 128
_FORM = re.compile(rf"[A-Za-z0-9._~-]{{{SHORTEST},{LONGEST}}}")
_HOW = f"must be {SHORTEST} to {LONGEST} letters, digits, dots, hyphens and underscores, as from: openssl rand -hex 16"
_LIKE_A_KEY = re.compile(rf"[A-Za-z0-9._~-]{{{SHORTEST},}}")
_SALT = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Keys:
    """As they were when they were read."""

    jobs: Mapping[bytes, str] = field(default_factory=dict)
    """By the digest of a key: its job."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """By job: why no key of it is taken, and how to mend that."""
    known: frozenset[str] = frozenset()
    """All jobs of the estate."""
    found: tuple[Secret, ...] = ()
    """The keys themselves, for whoever masks them."""

    def job_of(self, brought: str) -> str | None:
        """The job whose key this is.

        What is compared are digests under a salt of this process: nobody who is not told it can choose what they begin
        with, so the time that the comparison takes says nothing of any key.
        """
        return self.jobs.get(_digest(brought)) if _FORM.fullmatch(brought) else None


def keys_in(text: str, job_of: Callable[[str], str | None]) -> list[str]:
    """The keys of ours that stand in a text: each word that could be one is looked up, with stops and without."""
    words = set(_LIKE_A_KEY.findall(text))
    words |= {part for word in words for part in (word.strip("._~-"), *word.split("."))}
    return [word for word in words if job_of(word) is not None]


def wanted(estate: Estate) -> Mapping[str, tuple[SecretReference, ...]]:
    """The references of every job that pings, by its `target/name`."""
    found: dict[str, list[SecretReference]] = {}
    for job, reference in _references(estate):
        found.setdefault(job, []).append(reference)
    return {job: tuple(dict.fromkeys(references)) for job, references in found.items()}


def read_keys(
    jobs: Mapping[str, tuple[SecretReference, ...]],
    resolve: Callable[[SecretReference], Secret] = SecretReference.resolve,
) -> Keys:
    """Fetch them now: blocks. A key that two jobs have is taken for neither."""
    digests: list[tuple[bytes, str]] = []
    troubles: dict[str, str] = {}
    found: list[Secret] = []
    for job, references in jobs.items():
        for reference in references:
            try:
                key = resolve(reference)
            except SecretError as error:
                troubles[job] = f"its key cannot be read: {error}"
                continue
            if not _FORM.fullmatch(key.reveal()):
                troubles[job] = f"its key {reference} {_HOW}"
                continue
            found.append(key)
            digests.append((_digest(key.reveal()), job))
    digests = list(dict.fromkeys(digests))
    times = Counter(digest for digest, _ in digests)
    for digest, job in digests:
        if times[digest] > 1:
            troubles[job] = "another job has the same key, so that nobody could tell which one pings; change one"
    taken = {digest: job for digest, job in digests if times[digest] == 1}
    return Keys(taken, troubles, frozenset(jobs), tuple(found))


def mail_options(estate: Estate) -> Mapping[str, MailOptions]:
    """What the estate says of the mails of every job that pings, by its `target/name`."""
    return {address: job.mail for address, job in _jobs(estate)}


def _references(estate: Estate) -> Iterator[tuple[str, SecretReference]]:
    for address, job in _jobs(estate):
        yield address, job.key


def _jobs(estate: Estate) -> Iterator[tuple[str, PushJob]]:
    for target in estate.targets.values():
        for spec in target.checks:
            if spec.kind != "backup":
                continue
            from checks.backup import BackupOptions  # loaded already where there is such a check
            from checks.backup.products.push import PushOptions, address_of

            if not isinstance(spec.options, BackupOptions):
                continue
            for product in spec.options.products.values():
                if isinstance(product, PushOptions):
                    for name, job in product.jobs.items():
                        yield address_of(target.name, name), job


def _digest(key: str) -> bytes:
    return hmac.digest(_SALT, key.encode(), hashlib.sha256)
