"""Samples are drawn among small and large files, within their bounds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from agent.restore_drills.products import StoredFile
from agent.restore_drills.samples import drawn


def files(*sizes: int) -> list[StoredFile]:
    return [StoredFile(f"/srv/{number}", size, 0.0) for number, size in enumerate(sizes)]


def test_each_group_of_sizes_gives_one() -> None:
    listed = files(*([10] * 50), *([1000] * 50), *([100_000] * 50))

    chosen, left_out = drawn(listed, 3, 10**6, random.Random(1))

    assert sorted(one.size for one in chosen) == [10, 1000, 100_000]
    assert left_out == 0


def test_what_is_empty_or_has_a_name_of_patterns_is_never_drawn() -> None:
    listed = [StoredFile("/srv/empty", 0, 0.0), StoredFile("/srv/a*", 5, 0.0), StoredFile("/srv/a\nb", 5, 0.0)]

    assert drawn(listed, 5, 10**6, random.Random(1)) == ([], 0)


@given(st.lists(st.integers(0, 1000), max_size=60), st.integers(1, 20), st.integers(1, 1000), st.integers())
def test_no_bound_is_broken_and_no_file_is_drawn_twice(sizes: list[int], count: int, most: int, seed: int) -> None:
    chosen, _ = drawn(files(*sizes), count, most, random.Random(seed))

    assert len(chosen) <= count
    assert len(set(chosen)) == len(chosen)
    assert all(0 < one.size <= most for one in chosen)
    assert sum(one.size for one in chosen) <= 2 * most
    assert bool(chosen) == any(0 < size <= most for size in sizes)
