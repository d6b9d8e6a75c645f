"""The page about writing a command: its template is accepted, and it names every key there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.commands import SHIPPED, CommandModel, DialectModel, Take, Transform, ValueModel, load, names

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "writing-a-command.md").read_text()


def test_the_template_of_the_page_is_accepted(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "print-queue.yaml").write_text(example)

    template = load("print-queue", (tmp_path, SHIPPED))

    assert template.values["jobs"].take is Take.COUNT


@pytest.mark.parametrize("model", [CommandModel, ValueModel, DialectModel])
def test_the_page_names_every_key(model: type[CommandModel]) -> None:
    missing = [name for name in model.model_fields if not re.search(rf"`{name}\b|\b{name}:", PAGE)]

    assert missing == []


def test_the_page_names_every_transform() -> None:
    assert [each for each in (*Transform, *Take) if f"`{each}`" not in PAGE] == []


def test_the_check_s_page_lists_every_template_with_its_parameters_and_values() -> None:
    page = (DOCS / "checks" / "ssh_command.md").read_text()
    for name in names((SHIPPED,)):
        (row,) = re.findall(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
        template = load(name, (SHIPPED,))

        assert all(f"`{word}`" in row for word in (*template.parameters, *template.values)), row
        assert ("unproven" in row) is (not template.proven)
