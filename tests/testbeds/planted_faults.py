"""The table of planted faults: by fault and product, what finds it. How cells are written: testbeds/planted.py.

`rules` are the rules alone, with accounts as a product would fill them. Of the others restic, borg, Bacula, pgBackRest,
Barman and files are real; Veeam, PBS and PVE are played by servers that answer by their specifications, push by pings.
"""

from __future__ import annotations

from collections.abc import Mapping

PEERS: Mapping[str, str] = {
    "restic": "restic", "borg": "borg", "Bacula": "bacula-dir", "pgBackRest": "pgbackrest", "Barman": "barman",
    "files": "sshd",
}  # fmt: skip
"""The program without which nothing can be planted in a product."""
_CHECKS = ("restic", "borg", "Bacula", "pgBackRest", "Barman", "files", "push", "Veeam", "PBS", "PVE")
_LATE = "protection critical"
_UNREAD = "product unknown"

HARMLESS = frozenset({
    "none", "a run under way", "a lock was left", "the clocks go forward", "the clocks go back",
})  # fmt: skip
"""What looks like a fault and is none: here finding nothing is right."""

LISTS: Mapping[str, str] = {
    "forbidden": "a list is forbidden (403)",
    "too often": "asked too often (429)",
    "cut page": "a page is cut short",
    "cut JSON": "JSON is cut short",
    "log-in page": "a log-in page instead of a list",
    "hangs up": "the server hangs up",
}
"""By the names that tests give to answers: the faults that those are."""

FAULTS: Mapping[str, Mapping[str, str]] = {
    # Runs.
    "none": dict.fromkeys(("rules", *_CHECKS), "nothing"),
    "no run for two days": {
        **dict.fromkeys(("rules", "restic", "borg", "Bacula", "pgBackRest", "Barman", "files", "PBS"), _LATE),
        **dict.fromkeys(("Veeam", "PVE"), "job critical"),  # it tells when the job was due
    },
    "a missed start": {"rules": "protection warning", "push": "protection warning"},
    "a run that does not end": {"rules": "protection warning", "push": "protection warning"},
    "a run under way": {"rules": "nothing", "Bacula": "nothing", "PVE": "nothing"},
    "a failed run": dict.fromkeys(("rules", "Bacula", "push", "Veeam", "PBS", "PVE"), "protection warning"),
    "a failed run, beyond the RPO": {"rules": _LATE, "Veeam": _LATE},
    "an incomplete run": {
        **dict.fromkeys(("rules", "files", "push", "Veeam", "PBS", "PVE"), "protection warning"),
        "Bacula": _LATE,  # of three files one was missing
    },
    "three incomplete runs in a row": {"rules": _LATE},
    "a source that cannot be read": {
        "rules": _LATE,
        "restic": "nothing; push",
        "borg": "nothing; push",
        "Barman": "protection warning",
    },
    "an interrupted run": {
        "rules": "protection warning",
        "restic": "protection critical",
        "borg": "protection critical",
        "files": "protection critical",
        "push": "protection unknown",
    },
    "a run that protected nothing": dict.fromkeys(("rules", "files", "push", "PVE"), _LATE),
    "an outcome in a word that nobody knows": {"rules": "protection unknown", "Veeam": "protection unknown"},
    "a job that is switched off": {
        "rules": "protection warning",
        **dict.fromkeys(("Veeam", "PVE"), "job warning"),  # of a job of several
    },
    "a size far off what is usual": {"rules": "size warning"},
    "a point below the size that it must have": {"rules": _LATE},
    # What is declared.
    "backed up, and nobody declared it": dict.fromkeys(("rules", "restic", "Veeam", "PBS"), "undeclared warning"),
    "declared, and nobody backs it up": dict.fromkeys(("rules", "restic", "push", "Veeam"), _LATE),
    # What is kept.
    "many points are gone at once": dict.fromkeys(("rules", "restic", "borg", "Veeam", "PBS"), "retention critical"),
    "too little is kept": {"rules": "retention warning"},
    "the copy at the other council is old": {"rules": "copies warning"},
    "no copy out of an attacker's reach": {"rules": "copies warning"},
    "new points are locked for less time": {"rules": "lock critical", "Veeam": "lock critical"},
    "a repository is nearly full": dict.fromkeys(("rules", "Veeam", "PBS"), "repository critical"),
    "a repository is gone": {
        **dict.fromkeys(("rules", "restic", "borg", "files", "Veeam", "PBS"), "repository critical"),
        "pgBackRest": _UNREAD,
    },
    "the server's own backup is old": {"rules": "server warning", "Veeam": "server warning"},
    "the server's own backup may not be read": {"Veeam": "server unsupported"},
    # Whether it can be restored.
    "an octet in the data is another": {
        **dict.fromkeys(("restic", "borg", "Bacula", "pgBackRest", "Barman"), "nothing; verification, drill"),
    },
    "a file of data is gone": {
        "restic": "nothing; check, verification, drill",
        "borg": "protocol; check, verification, drill",
        "pgBackRest": "nothing; verification, drill",
        "Barman": "nothing; verification",
    },
    "a segment of the log is gone, or another": dict.fromkeys(("pgBackRest", "Barman"), "nothing; drill"),
    "a file of data is cut short": {
        "restic": "nothing; check",
        "borg": "protocol; check, verification",
        **dict.fromkeys(("pgBackRest", "Barman"), "nothing; verification"),
    },
    "a volume in error": {"Bacula": "protection critical, repository warning"},
    "the canary is in no backup": {"restic": "restored critical"},
    "a verification that found damage": dict.fromkeys(("rules", "Bacula", "Veeam", "PBS"), "verified critical"),
    "a restore that failed": {
        **dict.fromkeys(("rules", "restic", "Veeam"), "restored critical"),
        "Bacula": "restored critical, verified critical",
    },
    "not read again for too long": {"rules": "verified warning"},
    "no restore proved for too long": {"rules": "restored warning"},
    "malware in the newest point": dict.fromkeys(("rules", "Veeam"), "protection critical, verified critical"),
    # Whoever asks.
    "a wrong password": dict.fromkeys(("restic", "borg", "Veeam", "PBS", "PVE"), "authentication"),
    "a lock was left": {"restic": "nothing", "borg": "nothing"},
    "a list is forbidden (403)": dict.fromkeys(("rules", "Veeam", "PBS", "PVE"), _UNREAD),
    "asked too often (429)": dict.fromkeys(("Veeam", "PBS", "PVE"), _UNREAD),
    "a page is cut short": {"Veeam": _UNREAD, "PBS": _UNREAD},
    "JSON is cut short": dict.fromkeys(("Veeam", "PBS", "PVE"), _UNREAD),
    "a log-in page instead of a list": {"Veeam": _UNREAD, "PBS": _UNREAD},
    "the server hangs up": dict.fromkeys(("Veeam", "PBS", "PVE"), _UNREAD),
    "the list is empty": {"rules": _UNREAD, "Veeam": _UNREAD, "PBS": _UNREAD},
    "the account may see a part only": {"PBS": _UNREAD, "PVE": _UNREAD},
    "the product does not answer": {"rules": _UNREAD},
    "the list is damaged": {"Barman": "protocol"},
    "what drills left is damaged": {"rules": "proofs unknown"},
    # Time.
    "the clocks go forward": {"rules": "nothing"},
    "the clocks go back": {"rules": "nothing"},
    "the server's clock is wrong": {"rules": "product warning", "Veeam": "product warning"},
}
