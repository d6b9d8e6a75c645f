"""Faults that tests plant in backups, what finds each of them by product, and the table of it at the end of a run.

`FAULTS` declares the table; tests fill it. A cell says what the agent's own rules find in what the product tells, by
the findings' keys without `backup/` and the object, and behind a semicolon what else finds it where it was looked for:
`check` (the product's cheap check), `verification` (it reads its data again), `drill` (a restore), `push` (the job says
itself how it ended). `nothing` is what the rules find in a list that stays green.

A test calls `planted(fault, product)` and tells what it saw, which must be what is declared. A run of all tests must
fill every cell of which the peer is installed; a run of some prints what it filled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from testbeds.peers import find
from testbeds.planted_faults import FAULTS, HARMLESS, LISTS, PEERS

if TYPE_CHECKING:  # every run of any test loads this file
    from checks.contract import Assessment
    from testbeds.by_backup import Told

RULES = "rules"
_PROPERTY = "planted"
_CHOICES = ("keyword", "markexpr", "lf", "stepwise", "deselect", "ignore", "ignore_glob", "collectonly", "setuponly")
"""Options by which not all tests are run."""
UNPROVEN = 8
"""Exit status of a whole run that left a cell empty: 1 would have suite.sh ask failed tests again."""

Cell = tuple[str, str]
Planter = Callable[[str, str], "Planting"]


@dataclass(frozen=True, slots=True)
class Planting:
    """One fault, planted in one product by the test that runs."""

    fault: str
    product: str
    record: list[tuple[str, object]]
    """Properties of the test, which travel home with its result from whichever process it ran in."""

    def seen(self, told: Told | Assessment) -> None:
        """What the agent's rules make of it, which must be what is declared."""
        found, declared = findings(told), declared_of(self._cell())[0]
        assert found == declared, f"{self.fault}, {self.product}: found {found!r}, declared {declared!r}"
        self._proved(RULES)

    def found_by(self, *others: str) -> None:
        """That something else finds it, which the test has seen."""
        for other in others:
            assert other in declared_of(self._cell())[1], f"{self.fault}, {self.product}: {other} is not declared"
            self._proved(other)

    def _cell(self) -> str:
        return FAULTS[self.fault][self.product]

    def _proved(self, look: str) -> None:
        self.record.append((_PROPERTY, [self.fault, self.product, look]))


@pytest.fixture
def planted(request: pytest.FixtureRequest) -> Planter:
    """To say which fault a test plants in which product."""
    return lambda fault, product: Planting(fault, product, request.node.user_properties)


def faults_of_lists(request: pytest.FixtureRequest) -> list[str]:
    """The fault of the table that a test of answers plants, by the id of its parameters; none for other answers."""
    return [fault for name, fault in LISTS.items() if name in request.node.callspec.id]


def findings(told: Told | Assessment) -> str:
    """What is not ok, as a cell has it."""
    from checks.contract import Assessment, State

    if not isinstance(told, Assessment):
        if told.observation.fault is not None:
            return told.observation.fault.condition.removeprefix("backup/")
        told = told.assessment
    bad = {f"{f.key.split('/')[1]} {f.state}" for f in told.findings if f.state is not State.OK}
    return ", ".join(sorted(bad)) or "nothing"


def declared_of(cell: str) -> tuple[str, tuple[str, ...]]:
    """What the rules find by a cell of the table, and what else does."""
    rules, _, others = cell.partition("; ")
    return rules, tuple(others.split(", ")) if others else ()


def looks(cell: str) -> set[str]:
    """What tests must have seen for a cell to be proved."""
    return {RULES, *declared_of(cell)[1]}


def unproven(seen: Mapping[Cell, set[str]], installed: Callable[[str], bool] = lambda _: True) -> list[str]:
    """Cells of which something was not seen, though the product is there to be planted in."""
    return [
        f"{fault}, {product}: {', '.join(sorted(left))}"
        for fault, row in FAULTS.items()
        for product, cell in row.items()
        if (left := looks(cell) - seen.get((fault, product), set())) and installed(product)
    ]


def row(fault: str, products: Iterable[str]) -> str:
    """What finds a fault, and in which of these products."""
    found: dict[str, list[str]] = {}
    for product in products:
        found.setdefault(_words(fault, FAULTS[fault][product]), []).append(product)
    return " · ".join(f"{what}: {', '.join(of)}" for what, of in found.items())


def table() -> str:
    """All of it in Markdown."""
    rows = [f"| {fault} | {row(fault, cells)} |" for fault, cells in FAULTS.items()]
    return "\n".join(["| planted | found, in which products |", "|---|---|", *rows])


def _words(fault: str, cell: str) -> str:
    rules, others = declared_of(cell)
    if rules == "nothing":
        rules = "nothing, rightly" if fault in HARMLESS else "not by what the product tells"
    return rules + (f"; by {' and '.join(others)}" if others else "")


def _installed(product: str) -> bool:
    return product not in PEERS or find(PEERS[product]) is not None


def _seen(reporter: pytest.TerminalReporter) -> dict[Cell, set[str]]:
    seen: dict[Cell, set[str]] = {}
    for report in reporter.stats.get("passed", ()):
        for name, said in report.user_properties if report.when == "call" else ():
            if name == _PROPERTY:
                fault, product, look = said
                seen.setdefault((fault, product), set()).add(look)
    return seen


def _is_whole(config: pytest.Config) -> bool:
    """Whether all tests were to be run."""
    chosen = [config.getoption(name, None) for name in _CHOICES]
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not any(chosen)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, as far as this run has filled it."""
    seen = _seen(terminalreporter)
    if not seen:
        return
    terminalreporter.section("planted faults of backups, and what finds them")
    for fault, cells in FAULTS.items():
        proved = [product for product, cell in cells.items() if looks(cell) <= seen.get((fault, product), set())]
        if proved:
            terminalreporter.line(f"{fault}  {row(fault, proved)}")
    declared = sum(map(len, FAULTS.values()))
    terminalreporter.line(f"{declared - len(unproven(seen))} of {declared} were planted in this run")
    if _is_whole(terminalreporter.config):
        for line in unproven(seen, _installed):
            terminalreporter.line(f"NOT PROVED: {line}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Have a whole run that went well fail, where it left a cell empty."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus != 0 or hasattr(session.config, "workerinput") or not _is_whole(session.config):
        return
    if isinstance(reporter, pytest.TerminalReporter) and unproven(_seen(reporter), _installed):
        session.exitstatus = UNPROVEN
