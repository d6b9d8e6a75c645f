"""docs/defaults.md holds the table that the code makes."""

from pathlib import Path

from checks.catalogue import load_catalogue
from config.defaults import defaults_table

PAGE = Path(__file__).parents[2] / "docs" / "defaults.md"


def test_the_table_of_the_page_is_the_one_in_force() -> None:
    assert f"\n\n{defaults_table(load_catalogue())}\n" in PAGE.read_text(encoding="utf-8")
