"""What targets have said by themselves, as checks may ask it. In memory: after a restart nobody has said anything."""

from __future__ import annotations

from collections.abc import Iterable

from checks.notices import Notice


class Heard:
    """`checks.contract.Hearing`, as the traps fill it."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._newest: dict[str, dict[str, tuple[float, str]]] = {}
        """By target and name: a closed set for each target."""
        self._changed: dict[str, float] = {}

    @property
    def since(self) -> float | None:
        return self._since

    def begun(self, now: float) -> None:
        """From now on everything that is said is heard (Unix seconds)."""
        self._since = now

    def heard(self, target: str, notice: Notice, now: float) -> None:
        """A notice came."""
        self._newest.setdefault(target, {})[notice.name] = (now, notice.words)
        if notice.change:
            self._changed[target] = now

    def keep(self, targets: Iterable[str]) -> None:
        """Forget all others: they are no longer in the estate."""
        known = set(targets)
        self._newest = {target: said for target, said in self._newest.items() if target in known}
        self._changed = {target: at for target, at in self._changed.items() if target in known}

    def changed(self, target: str) -> float | None:
        return self._changed.get(target)

    def newest(self, target: str, *names: str) -> tuple[float, str] | None:
        said = self._newest.get(target, {})
        return max((known for name, known in said.items() if not names or name in names), default=None)
