"""What the estate says must be there: tunnels by intent, licences, interfaces. Pure.

Without an expectation a tunnel that is down and an interface without a link are facts: only people know their purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.contract import Finding, State
from checks.firewall.options import Expect, Intent, Reader
from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.rows import Row, rows_of
from checks.printable import some_of
from config.profiles.roles import FirewallPart, Role, TunnelTable

SERVES = (Role.ACTIVE, Role.ALONE, Role.NOT_CLUSTERED)
"""The roles in which a member carries the traffic."""
_INTERFACES, _INTERFACE_UP = "interface", "interface_up"
_LONGEST_NAMES = 200


@dataclass(slots=True)
class Judged:
    """Findings, the keys that were judged to the end, and what is only a fact."""

    findings: list[Finding] = field(default_factory=list)
    covers: set[str] = field(default_factory=set)
    may_go: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    """Keys that could not be judged, because not all was read."""
    unnamed: set[str] = field(default_factory=set)
    """Keys of what is not there under that name; another way of reading may call it otherwise."""
    facts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Tunnel:
    row: Row
    names: tuple[str, ...]
    up: bool | None
    """None: what it is cannot be told."""
    permanent: bool


def expected(reader: Reader, part: FirewallPart, answers: SnmpAnswers, expect: Expect, role: Role) -> Judged:
    """Everything that was expected, judged; `role` is that of the member that was asked."""
    judged = Judged()
    _tunnels(judged, reader, part.tunnels, answers, expect, role)
    _listed(judged, reader, part, answers, expect.licences)
    _interfaces(judged, reader, answers, expect.interfaces)
    return judged


def _tunnels(
    judged: Judged,
    reader: Reader,
    tables: Sequence[TunnelTable],
    answers: SnmpAnswers,
    expect: Expect,
    role: Role,
) -> None:
    tunnels, complete = _read(reader, tables, answers)
    matched: set[str] = set()
    for name, intent in expect.tunnels.items():
        ours = [tunnel for tunnel in tunnels if fits_one(name, tunnel.names)]
        matched |= {tunnel.row.label for tunnel in ours}
        key = f"firewall/tunnel/{name[:64]}"
        applies = _applies(intent, role)
        if applies is False or not tables:
            judged.covers.add(key)
            judged.may_go.add(key)
            if not tables:
                words = f"tunnel {name}: this product lists no tunnels {reader.profile.way.told}"
                judged.findings.append(Finding(key, State.UNSUPPORTED, words))
            continue
        if not complete:
            continue
        judged.covers.add(key)
        judged.findings.append(_of_intent(key, name, ours, certain=applies is True))
    down = [tunnel.row.label for tunnel in tunnels if tunnel.up is False and tunnel.row.label not in matched]
    if complete:
        judged.covers.add("firewall/tunnel/*")
        judged.may_go |= {f"firewall/tunnel/{tunnel.row.label}" for tunnel in tunnels}
    else:
        judged.lacking.add("firewall/tunnel/*")
    if role is Role.STANDBY:
        judged.facts.append("tunnels are not judged: this member is the standby")
        return
    for tunnel in tunnels:
        if tunnel.permanent and tunnel.up is False and tunnel.row.label not in matched:
            down.remove(tunnel.row.label)
            words = f"tunnel {tunnel.row.label} is down, and the firewall's own configuration calls it permanent"
            judged.findings.append(Finding(f"firewall/tunnel/{tunnel.row.label}", State.CRITICAL, words[:300]))
    if down:
        judged.facts.append(
            f"{len(down)} tunnels are down that nothing expects to be up: {some_of(down)[:_LONGEST_NAMES]}"
        )


def fits_one(pattern: str, names: Sequence[str]) -> bool:
    """Whether one of the names fits."""
    return any(raw.like((pattern,), name) for name in names if name)


def _read(reader: Reader, tables: Sequence[TunnelTable], answers: SnmpAnswers) -> tuple[list[_Tunnel], bool]:
    tunnels: list[_Tunnel] = []
    complete = True
    for part in tables:
        found = rows_of(reader.plan.table(part.table), answers)
        complete = complete and found.complete
        for row in found.rows:
            said = "up" if part.up is None else row.said(part.up)
            names = (row.label, *(row.text(key) for key in part.keys))
            permanent = part.permanent is not None and row.said(part.permanent) == "permanent"
            tunnels.append(_Tunnel(row, names, None if said is None else said == "up", permanent))
    return tunnels, complete


def _applies(intent: Intent, role: Role) -> bool | None:
    """Whether the tunnel must be up on a member of that role; None where the role cannot be told."""
    if intent is Intent.ON_DEMAND:
        return False
    if role in (Role.UNKNOWN, Role.TRANSITIONAL):
        return None
    return role in SERVES if intent is Intent.PERMANENT else role is Role.STANDBY


def _of_intent(key: str, name: str, ours: Sequence[_Tunnel], *, certain: bool) -> Finding:
    down = [tunnel.row.label for tunnel in ours if tunnel.up is False]
    if ours and all(tunnel.up for tunnel in ours):
        return Finding(key, State.OK, f"tunnel {name} is up")
    if ours and not down:
        return Finding(key, State.UNKNOWN, f"tunnel {name}: its state is not among the known ones")
    words = (
        f"tunnel {name} is down" if down else f"tunnel {name} is not there, which is how a tunnel looks that is down"
    )
    if not certain:
        return Finding(key, State.UNKNOWN, f"{words}; whether it must be up depends on a role that cannot be told")
    evidence = {"down": some_of(down)[:_LONGEST_NAMES]} if down else {}
    return Finding(key, State.CRITICAL, words, evidence)


def _listed(judged: Judged, reader: Reader, part: FirewallPart, answers: SnmpAnswers, wanted: Sequence[str]) -> None:
    if not wanted:
        return
    tables = [rows_of(reader.plan.table(name), answers) for name in part.licences]
    for name in wanted:
        key = f"firewall/licence/{name[:64]}"
        if not tables:
            words = f"licence {name}: this product tells nothing of licences {reader.profile.way.told}"
            judged.findings.append(Finding(key, State.UNSUPPORTED, words))
            judged.covers.add(key)
        elif all(table.complete for table in tables):
            there = any(fits_one(name, (row.label,)) for table in tables for row in table.rows)
            judged.findings.append(
                Finding(key, State.OK, f"licence {name} is there")
                if there
                else Finding(key, State.CRITICAL, f"licence {name} is not among those the firewall has")
            )
            judged.covers.add(key)
            if not there:
                judged.unnamed.add(key)
        else:
            judged.lacking.add(key)


def _interfaces(judged: Judged, reader: Reader, answers: SnmpAnswers, wanted: Sequence[str]) -> None:
    if not any(table.name == _INTERFACES for table in reader.plan.tables):
        return
    found = rows_of(reader.plan.table(_INTERFACES), answers)
    if found.complete:  # whatever else was expected once is not any more
        judged.covers.add("firewall/interface/*")
        judged.may_go.add("firewall/interface/*")
    else:
        judged.lacking.add("firewall/interface/*")
    for name in wanted:
        if found.complete:
            key = f"firewall/interface/{name[:64]}"
            judged.covers.add(key)
            judged.findings.append(_interface(key, name, found.rows))


def _interface(key: str, name: str, rows: Sequence[Row]) -> Finding:
    ours = {row.label: row.said(_INTERFACE_UP) for row in rows if fits_one(name, (row.label,))}
    if not ours:
        return Finding(key, State.CRITICAL, f"interface {name} is not there")
    down = [label for label, said in ours.items() if said not in ("up", "unknown", None)]
    if down:
        return Finding(key, State.CRITICAL, f"interface {some_of(down)[:_LONGEST_NAMES]} is down")
    if any(said != "up" for said in ours.values()):
        return Finding(key, State.UNKNOWN, f"interface {name}: the firewall does not say whether it is up")
    return Finding(key, State.OK, f"interface {name} is up")
