"""Names of a subject's parts as they stand in finding keys and metric labels."""

from __future__ import annotations

import hashlib

LONGEST = 100


def bounded(label: str) -> str:
    """The label, at most 100 characters long; a longer one ends in a digest, so that two are never alike."""
    if len(label) <= LONGEST:
        return label
    return f"{label[: LONGEST - 13]}#{hashlib.sha256(label.encode()).hexdigest()[:12]}"
