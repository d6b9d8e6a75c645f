"""`python -m agent.demo`: the demo's desk by itself. docs/get-started.md, which a test follows, uses it."""

from __future__ import annotations

from click.testing import CliRunner

from agent.demo.__main__ import desk


def test_without_a_token_it_says_how_to_make_one() -> None:
    ended = CliRunner().invoke(desk, env={"DESK_TOKEN": ""})

    assert ended.exit_code == 2
    assert "export DESK_TOKEN=$(openssl rand -hex 16)" in ended.output
