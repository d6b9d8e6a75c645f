"""What a device said, as evidence for a person: one line, short, and without what looks like a secret.

Known secrets are masked by whatever writes for people. A device can also show secrets of its own (a configuration, a
process list), and nobody knows those beforehand: so what stands behind a telling word on its line goes, and
what looks like a key.
"""

from __future__ import annotations

import re

from config.secrets import MASK

SHORT = 200
_READ = 1_000
"""Characters looked at: masking costs, and what is behind them is not shown anyway."""
_TELLING = re.compile(
    r"((?:pass(?:word|wd|phrase|code)|pwd|secret|token|credential|api[_-]?key|private[_-]?key|community|psk"
    r"|bearer|authorization)s?[\"']?\s{0,3}[:=]?\s{0,3})(?=\S)[^\n]+",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(://[^\s/:@]{0,100}:)[^\s/@]{1,200}(?=@)")
_PEM = re.compile(r"-----BEGIN [^-]{1,60}-----.*?(?:-----END [^-]{1,60}-----|\Z)", re.DOTALL)
_LONG = re.compile(r"\b[A-Za-z0-9+/_-]{40,}={0,2}")


def shown(text: str, most: int = SHORT) -> str:
    """At most `most` characters of `text` on one line, masked. Nothing at all is said as `(nothing)`."""
    cut = _PEM.sub(MASK, text[:_READ])
    cut = _ADDRESS.sub(rf"\1{MASK}", cut)
    cut = _TELLING.sub(rf"\1{MASK}", cut)
    cut = _LONG.sub(MASK, cut)
    line = " ⏎ ".join(part for part in (" ".join(line.split()) for line in cut.splitlines()) if part)
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    if not line:
        return "(nothing)"
    return line if len(line) <= most and len(text) <= _READ else line[: most - 1] + "…"
