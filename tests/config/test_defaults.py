"""The defaults table."""

from config.defaults import defaults_table
from testbeds.estates import KINDS


def test_the_table_has_one_row_per_kind_by_name() -> None:
    kinds = {name: KINDS[name] for name in ("nightly", "icmp")}

    table = defaults_table(kinds)

    assert table == (
        "| Kind | What | Every | Time-out | Opens after | Clears after | Hold-down | Reopens within | Wake |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| `icmp` | Echo request | 1m | 5s | 3 of 5 | 2 of 3 | 10m | 1d | now |\n"
        "| `nightly` | Nightly job | 1d | 30s | 1 of 1 (evidence) | 1 of 1 | 10m | 3d | working-hours |\n"
    )
