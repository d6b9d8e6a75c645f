"""Imports requests before any test of this folder, so that it is no part of a question's time."""

from __future__ import annotations

import checks.transports.http.exchange  # noqa: F401 - for its effect alone
