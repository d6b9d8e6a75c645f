"""The kind `firewall_config`: is the configuration as it was approved, and the same on all members? Over SSH.

Nothing of the configuration is kept but digests of its parts, made after all that is secret was taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.contract import Approval, Approvals, CheckKind, KindDefaults, Memory
from checks.firewall_config.answers import ConfigAnswers
from checks.firewall_config.asking import collect
from checks.firewall_config.change import approved
from checks.firewall_config.judgement import FAMILIES, assess
from checks.firewall_config.note import packed, unpacked
from checks.firewall_config.options import KIND, FirewallConfigOptions
from checks.network.ssh_login import LOGIN_KEYS, ROLE
from config.estate import MofN, WakeClass


def _shown(memory: Memory) -> Mapping[str, Any]:
    note = unpacked(memory)
    if note is None:
        return {}
    return {
        "state": note.state,
        "read_at": note.read_at,
        "changed_at": note.changed_at,
        "approved": {"at": note.approved_at, "by": note.approved_by, "why": note.approved_why},
        "parts": {name: held.lines for name, held in note.present.items()},
        "pending": {
            name: {
                "lines": one.lines if one.digest else None,
                "lines_approved": note.parts[name].lines if name in note.parts else None,
                "changed_after": one.after,
                "seen_at": one.since,
            }
            for name, one in note.pending.items()
        },
        "log": [
            {"at": one.at, "what": one.how.value, "parts": list(one.parts), "count": one.count, "why": one.why,
             "by": one.by}
            for one in note.log
        ],
    }  # fmt: skip


def _approved(memory: Memory, given: Approval) -> Memory:
    note = unpacked(memory)
    if note is None:
        raise ValueError("nothing was read of it yet that could be approved")
    return packed(approved(note, given))


CHECK = CheckKind(
    kind=KIND,
    title="Whether a firewall's configuration is as it was approved, by SSH",
    options=FirewallConfigOptions,
    answers=ConfigAnswers,
    defaults=KindDefaults(
        every=3_600.0,
        timeout=120.0,
        open_after=MofN(2, 2),
        clear_after=MofN(1, 1),
        wake=WakeClass.DIGEST,
        evidence=True,  # nothing but its own time makes a firewall show all that it has: no trap, no parent's question
    ),
    finding_keys={
        "firewall_config/drift": "The configuration changed, and no announced work or approved change explains it.",
        "firewall_config/members": "A member has another configuration: other rules would hold after a take-over.",
        "firewall_config/reading": "The configuration was not read whole, so nothing is known of it.",
        **LOGIN_KEYS,
        "firewall_config/refused": "Nothing listens on the SSH port: start the service, or open the port.",
        "firewall_config/no-answer": "The firewall answers other checks, but not SSH: look at its access list.",
        "firewall_config/forbidden": "The firewall lets the user in, but opens no session: it may have none free.",
        "firewall_config/protocol": "What answers is not SSH, breaks off, or shows no prompt.",
        "firewall_config/limit": "The configuration is longer than max_bytes, or does not end before the time-out.",
        "firewall_config/hanging": "An earlier question to this firewall has not ended: look at its load.",
        "firewall_config/local": "The agent itself could not ask: a secret, a credential or a host key is missing.",
        "firewall_config/name": "The target's name does not resolve.",
    },
    families=lambda: FAMILIES,
    collect=collect,
    assess=assess,
    requires=(ROLE,),
    inputs=lambda options: options.members,
    approvals=Approvals(_shown, _approved),
)
__all__ = ["CHECK", "ConfigAnswers", "FirewallConfigOptions"]
