"""The media process starts without site-packages, so what it imports must be there."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import checks.media

FOLDER = Path(checks.media.__file__).parent
OURS = ("checks.media", "checks.launcher.proc")


def test_the_media_process_imports_nothing_but_the_standard_library() -> None:
    imported = {
        name
        for file in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in _names(node)
    }

    strangers = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    assert "socket" in imported
    assert {name for name in strangers if not name.startswith(OURS)} == set()


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
