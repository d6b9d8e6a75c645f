"""Lines of a diagnosis for a terminal, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import click

from agent.diagnosis import Level, Line, exit_status

_WIDTH = max(len(level.value) for level in Level)


def show(lines: Sequence[Line], as_json: bool, more: Mapping[str, object]) -> int:
    """Print what was found; `more` goes into the JSON beside the lines. Returns the exit status."""
    status = exit_status(lines)
    if as_json:
        rows = [
            {"level": line.level.value, "what": line.what, "where": line.where, "text": line.text, "mend": line.mend}
            for line in lines
        ]
        click.echo(json.dumps({**more, "status": status, "lines": rows}, indent=2, ensure_ascii=False))
        return status
    for line in lines:
        place = f" ({line.where})" if line.where else ""
        click.echo(f"{line.level.value:<{_WIDTH}}  {line.what}{place}: {line.text}")
        if line.mend:
            click.echo(f"{'':<{_WIDTH}}  → {line.mend}")
    return status
