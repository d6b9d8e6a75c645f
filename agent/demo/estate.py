"""The demo's estate: the shipped `config/examples/demo.yaml`, with what is made anew at each start put in its place."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

_HOST_KEY = "ssh-ed25519 SHA256:" + "A" * 43
_AUTHORITY = "/run/ridgeway-demo/authority.pem"
"""What stands in the shipped file for the host key and for the authority's file, both between double quotes."""


def write_estate(folder: Path, host_key: str, authority: Path) -> Path:
    """The estate as a file in `folder`, with this pin and this authority."""
    text = (files("config") / "examples" / "demo.yaml").read_text("utf-8")
    for stand_in, made in ((_HOST_KEY, host_key), (_AUTHORITY, str(authority))):
        if f'"{stand_in}"' not in text:
            raise LookupError(f"demo.yaml has no {stand_in!r} that the demo could replace")
        text = text.replace(f'"{stand_in}"', json.dumps(made))  # a JSON string is a YAML string
    path = folder / "estate.yaml"
    path.write_text(text, "utf-8")
    return path
