"""The demo's estate: the shipped `config/examples/demo.yaml`, with what is made anew at each start put in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

_HOST_KEY = '"ssh-ed25519 SHA256:' + "A" * 43 + '"'
_AUTHORITY = '"/run/ridgeway-demo/authority.pem"'
_PROOFS = '"/run/ridgeway-demo/proofs"'
_BACKUPS = (
    '{product: restic, local: true, repository: "/run/ridgeway-demo/repository", '
    'password_file: "/run/ridgeway-demo/password"}'
)
"""What stands in the shipped file for the host key, the authority's file, what drills leave, and the backup product."""


def write_estate(folder: Path, host_key: str, authority: Path, proofs: Path, backups: Mapping[str, object]) -> Path:
    """The estate as a file in `folder`, with this pin, this authority, and this product of backups."""
    text = (files("config") / "examples" / "demo.yaml").read_text("utf-8")
    made = {_HOST_KEY: host_key, _AUTHORITY: str(authority), _PROOFS: str(proofs), _BACKUPS: dict(backups)}
    for stand_in, value in made.items():
        if stand_in not in text:
            raise LookupError(f"demo.yaml has no {stand_in} that the demo could replace")
        text = text.replace(stand_in, json.dumps(value))  # JSON is YAML
    path = folder / "estate.yaml"
    path.write_text(text, "utf-8")
    return path
