"""A drill in words: everything that was filed, and each thing once while it happens."""

from __future__ import annotations

from agent.cli.drill_text import Progress, story
from exporters.web.api.drill_json import drill_json
from testbeds import kept


def test_the_story_of_phones_says_where_they_went_by_both_clocks_and_how_many_sets_were_out() -> None:
    told = story(drill_json(kept.phones_drill()))

    assert "telephony drill of controller-a: proven" in told
    assert "  backup     controller-b" in told
    assert "controller-a to controller-b, " in told and " by its own clock" in told
    assert "11 of 600 lost (11 unwell)" in told
    assert "IP Sets at controller-a: 2 before, 40 at worst (" in told
    assert "IP Sets at controller-b: 0 before, 0 at the end (" in told
    assert "phones on: controller-b; warning" in told


def test_the_story_of_a_pair_says_nothing_of_phones() -> None:
    told = story(drill_json(kept.drill()))

    assert "active: fw-a; ok" in told
    assert "backup" not in told and "out of service" not in told and "own clock" in told


def test_what_happens_is_told_once_in_its_order() -> None:
    lines: list[str] = []
    progress = Progress(lines.append)
    now = drill_json(kept.phones_drill())

    progress.tell(now)
    progress.tell(now)

    assert [line.partition("  ")[2] for line in lines] == [
        "phones on: controller-a; ok: at home",
        "phones on: controller-b; warning: ",
        f"PHONES: controller-a to controller-b, {lines[2].partition('b, ')[2]}",
        "IP Sets at controller-a: 40 out of service, 2 before",
        "PHONES: controller-b to controller-a",
        "IP Sets at controller-a: 2 out of service, no more than before",
    ]
