"""What a target depends on: its own need and its site's, and the refusal of circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.estate import Need


def inherited(target: str, own: Need | None, site: Need | None) -> Need | None:
    """A target's whole need. One that its site's need names does not depend on itself, so it inherits nothing of it."""
    if site is None or target in site.names():
        return own
    if own is None:
        return site
    # Two lists of which all are needed are one list: the judge has less to walk, a person less to read.
    parts = [*site.parts] if site.mode == "all" else [site]
    mine = [*own.parts] if own.mode == "all" else [own]
    return Need("all", tuple(dict.fromkeys([*parts, *mine])))


def circles(needs: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, ...]]:
    """Every circle found on one walk through the needs, as `("a", "b", "a")`; none is left once these are mended
    one by one. The walk keeps its own stack: a chain may be longer than Python's.
    """
    done: set[str] = set()
    for start in needs:
        if start in done:
            continue
        path: list[str] = [start]
        on_path = {start}
        left = [iter(sorted(needs[start]))]
        while path:
            step = next(left[-1], None)
            if step is None:
                left.pop()
                done.add(path[-1])
                on_path.discard(path.pop())
            elif step in on_path:
                yield (*path[path.index(step) :], step)
            elif step in needs and step not in done:
                path.append(step)
                on_path.add(step)
                left.append(iter(sorted(needs[step])))
