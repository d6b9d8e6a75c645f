"""Credentials by name, flattened to what a transport reads."""

from __future__ import annotations

from config.estate import Credential
from config.problems import either
from config.resolve.places import Names
from config.resolve.report import Report
from config.schema.credentials import CREDENTIAL_KINDS, settings_of


def read_credentials(report: Report, names: Names) -> dict[str, Credential]:
    """Every good credential. No message repeats a value: it may be the secret itself."""
    found: dict[str, Credential] = {}
    for name, raw in names.credentials.items():
        path = ("credentials", name)
        if not isinstance(raw, dict) or "kind" not in raw:
            report.add(path, f"must be a map with a `kind`: {either(CREDENTIAL_KINDS)}")
            continue
        kind = raw["kind"]
        if not isinstance(kind, str) or kind not in CREDENTIAL_KINDS:
            near = report.nearest.of(kind, CREDENTIAL_KINDS) if isinstance(kind, str) else ""
            report.add((*path, "kind"), f"must be {either(CREDENTIAL_KINDS)}", near)
            continue
        model = report.model(CREDENTIAL_KINDS[kind], {key: raw[key] for key in raw if key != "kind"}, path)
        if model is not None:
            found[name] = Credential(name, kind, settings_of(model))
    return found
