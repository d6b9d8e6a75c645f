"""One sample as bytes: label values escaped, numbers written so that both text formats read them back exactly.

Sources: Prometheus text format 0.0.4 and OpenMetrics 1.0, section "ABNF" (escaped-char, number).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_LABEL = 1024
"""Characters of a label value; a longer one comes from a device that means no good."""

_NEEDS_ESCAPE = re.compile(r'[\\"\n]')
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPECIAL = {"inf": b"+Inf", "-inf": b"-Inf", "nan": b"NaN"}


class LabelError(ValueError):
    """A label value that must not stand on a page: a control character, a lone surrogate, or too long."""


def escaped(value: str) -> str:
    """The label value as it stands between the quotes. Raises LabelError."""
    if len(value) > LONGEST_LABEL:
        raise LabelError(f"a label value of {len(value)} characters, longer than {LONGEST_LABEL}")
    if _CONTROL.search(value):
        raise LabelError("a label value holds a control character")
    return _NEEDS_ESCAPE.sub(lambda found: _ESCAPES[found[0]], value)


def pairs(names: Sequence[str], values: Sequence[str]) -> bytes:
    """`name="value",…` without braces. Raises LabelError."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in zip(names, values, strict=True)).encode()


def number(value: float) -> bytes:
    """The shortest text that reads back as the same double; `+Inf`, `-Inf` and `NaN` as both formats spell them."""
    text = repr(float(value))
    return _SPECIAL.get(text) or text.encode()
