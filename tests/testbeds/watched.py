"""Weeks of a check of backups in a real ledger: judged and recorded as the agent does it, at moments a test chooses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.ledger.ledger import Ledger
from agent.ledger.recorder import Recorder
from agent.records import Alert, AlertLevel, Cause, CheckResult, Judgement
from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Account
from checks.backup.options import BackupOptions
from checks.catalogue import load_catalogue
from checks.contract import Assessment, Memory, Subject
from config.load import load_estate
from exporters.desks.catalogue import desk_kinds
from testbeds.backup_accounts import HOUR

ESTATE = """
estate: {name: test, vantage: here}
councils: {dacorum: {title: Dacorum}, hemel: {title: Hemel}}
sites: {forum: {council: dacorum}}
vantages: {here: {site: forum}}
targets:
  backups:
    address: vbr.dacorum.example
    site: forum
    credentials: {http: viewer}
    checks:
      - backup:
          products: {veeam: {product: veeam}, other: {product: veeam, port: 9420}}
          repositories: [{repository: main, place: depot}]
          undeclared_except: ["lab-*"]
          objects: OBJECTS
credentials: {viewer: {kind: password, user: ridgeway, password: "env:NOTHING"}}
"""


@dataclass
class Watched:
    """The check, from one reading to the next."""

    ledger: Ledger
    options: BackupOptions
    subject: Subject
    now: float
    memory: Memory | None = None
    last: Assessment = field(default_factory=lambda: Assessment(findings=()))
    _recorder: Recorder | None = None
    _alerts: dict[Cause, Alert] = field(default_factory=dict)

    def read(self, *, other: Account | None = None, **products: Account) -> None:
        """One result: what these products told. Each bad finding is an alert until it is good again."""
        if self._recorder is None:
            self._recorder = Recorder(
                self.ledger.writer, run=self.ledger.run, vantage="here", clock=lambda: self.now
            )  # fmt: skip
        parts = {name: ProductPart(one) for name, one in products.items()}
        if other is not None:
            parts["other"] = ProductPart(other)
        self.last = judged(self.options, BackupAnswers(parts), self.memory, self.now)
        self.memory = self.last.memory or self.memory
        result = CheckResult(
            self.subject, "here", self.now, self.now, 0.0, (), self.last, True, None, 2.5 * HOUR
        )  # fmt: skip
        self._recorder.take(result, max((one.state for one in self.last.findings), key=lambda state: state.rank))
        self._recorder.judged(Judgement(changed=tuple(self._changed())), self.now)
        self._recorder.tick(self.now)

    def idle(self) -> None:
        """Time passed, and nothing was read."""
        assert self._recorder is not None
        self._recorder.tick(self.now)

    async def stop(self) -> None:
        assert self._recorder is not None
        await self._recorder.stop()
        self.ledger.writer.call(lambda _connection: None)
        self.ledger.close()

    def _changed(self) -> list[Alert]:
        found = []
        for finding in self.last.findings:
            cause = Cause(self.subject.council, self.subject.name, finding.key)
            known = self._alerts.get(cause)
            if (known is None and finding.state.bad) or (known is not None and known.state is not finding.state):
                level = AlertLevel.FIRING if finding.state.bad else AlertLevel.CLEAR
                self._alerts[cause] = Alert(cause, "forum", level, finding.state, last_result=self.now)
                found.append(replace(self._alerts[cause]))
        return found


def estate_file(home: Path, objects: str) -> Path:
    """An estate with one check of backups; `objects` in YAML's flow style."""
    path = home / "estate.yaml"
    path.write_text(ESTATE.replace("OBJECTS", objects), encoding="utf-8")
    return path


def watched(location: str, estate: Path, now: float) -> Watched:
    """An agent begins to watch at `now`."""
    loaded = load_estate(estate, load_catalogue(), desk_kinds())
    target = loaded.targets["backups"]
    (spec,) = target.checks
    assert isinstance(spec.options, BackupOptions)
    return Watched(
        Ledger.open(location, clock=lambda: now, vantage="here"),
        spec.options,
        Subject("backups", target.council, target.site, spec, (target,)),
        now,
    )
