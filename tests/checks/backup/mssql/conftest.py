"""Gives the tests of this folder their lab."""

from __future__ import annotations

from testbeds.by_mssql import lab

__all__ = ["lab"]
