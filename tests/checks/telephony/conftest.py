"""What the tests of telephony share."""

from __future__ import annotations

import pytest

from testbeds.registrar import PASSWORD


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret of the test extension, where `testbeds.registration` looks for it."""
    monkeypatch.setenv("TEST_EXTENSION", PASSWORD)
