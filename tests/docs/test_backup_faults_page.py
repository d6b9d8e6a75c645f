"""docs/checks/backup-faults.md holds the table that the tests fill."""

from pathlib import Path

from testbeds.planted import table

PAGE = Path(__file__).parents[2] / "docs" / "checks" / "backup-faults.md"


def test_the_table_of_the_page_is_the_one_that_tests_fill() -> None:
    assert f"\n\n{table()}\n" in PAGE.read_text(encoding="utf-8"), f"the page's table must be:\n\n{table()}"
