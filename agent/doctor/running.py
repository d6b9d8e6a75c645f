"""The running agent as it tells of itself over the control socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agent.diagnosis import Line, broken, ok, warning


def agent_lines(about: Mapping[str, Any], installed: str, revision: str | None) -> Iterator[Line]:
    """`about`: its answer; `installed`: the version of this program; `revision`: of the estate file as it is now."""
    who = f"process {about['process']}, vantage {about['vantage']}"
    if not about["healthy"]:
        yield broken("agent", f"runs and does not do its work: {about['reason']}", "systemctl restart ridgeway", who)
    elif not about["ready"]:
        yield warning("agent", f"runs and is not ready: {about['reason']}", "wait, and look at its log", who)
    else:
        yield ok("agent", "runs, healthy and ready", who)
    if about["version"] != installed:
        text = f"runs version {about['version']}, installed is {installed}"
        yield warning("version", text, "systemctl restart ridgeway puts the installed one in force")
    else:
        yield ok("version", installed)
    if revision is not None and about["revision"] != revision:
        text = f"in force is revision {about['revision'][:12]}, the file is {revision[:12]}"
        yield warning("estate in force", text, "put the file in force by a reload or a restart, or put it back")
    elif revision is not None:
        yield ok("estate in force", f"revision {revision[:12]}, as in the file")
    if about["ledger_error"]:
        yield broken("ledger", f"cannot be written: {about['ledger_error']}", "see docs/ledger.md")
    for address in about["traps"]:
        yield ok("traps", "are taken", address)
