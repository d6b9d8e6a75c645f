"""`python -m tests.benchmarks [NAME…] [--quick] [--json FILE]`: measure the figures that docs/benchmarks.md explains.

Exit status 1 when a figure is not met or could not be measured, 2 when there is no benchmark of that name.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.benchmarks import figures, world

BENCHMARKS = {
    "snmp": ("tests.benchmarks.cost", "measure_snmp"),
    "firewall": ("tests.benchmarks.firewall", "measure"),
    "backup": ("tests.benchmarks.backup", "measure"),
    "sip": ("tests.benchmarks.sip", "measure"),
    "probes": ("tests.benchmarks.cost", "measure_probes"),
    "web": ("tests.benchmarks.web", "measure"),
    "access": ("tests.benchmarks.access", "measure"),
    "ssh": ("tests.benchmarks.ssh", "measure"),
    "outbound": ("tests.benchmarks.outbound", "measure"),
    "push": ("tests.benchmarks.push", "measure"),
    "page": ("tests.benchmarks.page", "measure"),
    "feed": ("tests.benchmarks.feed", "measure"),
    "keeping": ("tests.benchmarks.keeping", "measure"),
    "start": ("tests.benchmarks.start", "measure"),
    "link": ("tests.benchmarks.link", "measure"),
    "hanging": ("tests.benchmarks.hanging", "measure"),
    "reload": ("tests.benchmarks.reload", "measure"),
    "calls": ("tests.benchmarks.calls", "measure"),
    "thousand": ("tests.benchmarks.thousand", "measure"),
}
"""In the order in which they are run."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="the smallest sample, which only proves the harness")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    world.enter("tests.benchmarks", arguments)
    facts = figures.machine() | {"own_network": world.own_network(), "quick": options.quick}
    found: list[figures.Figure] = []
    for figure in _measured(options.names or list(BENCHMARKS), options.quick):
        found.append(figure)
        print(figures.line(figure), file=sys.stderr, flush=True)
        if options.json is not None:  # after each, since a run that is ended in its last minute has cost the others
            report = {"machine": facts, "figures": figures.as_json(found)}
            options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print()
    print(figures.table(found))
    return 1 if any(figure.met is False or figure.value is None for figure in found) else 0


def _measured(names: Sequence[str], quick: bool) -> Iterator[figures.Figure]:
    for name in names:
        module, function = BENCHMARKS[name]
        begun = time.monotonic()
        try:
            yield from getattr(importlib.import_module(module), function)(quick)
        except figures.Void as error:
            yield figures.not_measured(name, "", "", str(error))
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
