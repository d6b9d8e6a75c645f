"""A public key that is believed in place of any authority: `sha256/` and its hash in base64 (RFC 7469, section 2.4)."""

from __future__ import annotations

import re

PIN = re.compile(r"sha256/[A-Za-z0-9+/]{43}=")
