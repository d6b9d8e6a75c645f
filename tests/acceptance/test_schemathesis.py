"""Thousands of made-up questions to a real agent by its own description: never a 5xx, every answer as described."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporters.web.api import problem_json
from exporters.web.api.openapi import document
from exporters.web.principal import Access, Principal
from testbeds.two_councils import EVERYBODY, OF_ASHRIDGE, READER, TwoCouncils, always, standing

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SCHEMATHESIS = str(Path(sys.executable).parent / "st")
EXAMPLES = 5
"""Of each operation, beside those of the phase that covers every limit."""
LIMITS, AT_RANDOM = "coverage,fuzzing", "fuzzing"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection",
)  # fmt: skip
"""Not `unsupported_method`: the guard refuses the type of a body (415) before anybody looks at the method (405)."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def councils() -> AsyncIterator[TwoCouncils]:
    async with standing() as found:
        yield found


def nobody(_app: ASGIApp) -> ASGIApp:
    """An access control that lets in nobody."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        body = problem_json(401, "Unauthorized", "Say who you are.")
        headers = {"WWW-Authenticate": "Bearer"}
        await JSONResponse(body, 401, headers, media_type="application/problem+json")(scope, receive, send)

    return refuse


async def questioned(
    description: Path, url: str, report: Path, phases: str = LIMITS
) -> tuple[int, dict[str, Any], str]:
    """Exit status, what was asked with its answers, and what schemathesis says."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCHEMATHESIS, "run", str(description), "--url", url, "--checks", ",".join(CHECKS),
             "--max-examples", str(EXAMPLES), "--generation-deterministic", "--phases", phases,
             "--request-timeout", "20", "--no-color", "--warnings", "off", "--continue-on-failure",
             "--suppress-health-check", "all", "--report", "har", "--report-har-path", str(report)],
            capture_output=True, text=True, timeout=240, cwd=report.parent,
        )  # fmt: skip

    done = await asyncio.to_thread(run)
    asked = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return done.returncode, asked, done.stdout + done.stderr


def statuses(asked: dict[str, Any]) -> set[int]:
    return {entry["response"]["status"] for entry in asked["log"]["entries"]}


@pytest.fixture
def description(tmp_path: Path) -> Path:
    """What the code makes, without what has no end or waits for long, and `/-/reload`, which this agent has not."""
    whole = document()
    del whole["paths"]["/api/v1/events/stream"], whole["paths"]["/-/reload"]
    events = whole["paths"]["/api/v1/events"]["get"]
    events["parameters"] = [one for one in events["parameters"] if one["name"] != "wait"]
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("access", "phases", "expected"),
    [
        pytest.param(always(OF_ASHRIDGE), LIMITS, {200, 400, 404}, id="who acts for one council"),
        pytest.param(always(EVERYBODY), AT_RANDOM, {200, 400, 404}, id="who acts for everybody"),
        pytest.param(always(READER), AT_RANDOM, {200, 400, 403, 404}, id="who reads for one council"),
        pytest.param(nobody, AT_RANDOM, {401}, id="nobody"),
    ],
)
async def test_no_question_is_answered_with_an_error_of_the_agent_or_otherwise_than_described(
    councils: TwoCouncils, description: Path, tmp_path: Path, access: Access, phases: str, expected: set[int]
) -> None:
    asked = await councils.asked_through(access)

    status, report, said = await questioned(description, asked.url, tmp_path / "asked.har", phases)

    assert status == 0, said
    assert expected <= statuses(report)
    assert len(report["log"]["entries"]) > 2 * len(document()["paths"])


async def test_an_answer_that_is_not_as_described_is_found(
    councils: TwoCouncils, description: Path, tmp_path: Path
) -> None:
    whole = json.loads(description.read_text(encoding="utf-8"))
    whole["components"]["schemas"]["Status"]["required"].append("moon")
    whole["paths"] = {"/api/v1/status": whole["paths"]["/api/v1/status"]}
    description.write_text(json.dumps(whole), encoding="utf-8")
    asked = await councils.asked_by(Principal("reader"))

    status, _, said = await questioned(description, asked.url, tmp_path / "asked.har")

    assert status == 1
    assert "moon" in said
