"""A drill for a person: what happens while it is under way, line by line, and the whole of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agent.cli.tables import moment

_LONDON = ZoneInfo("Europe/London")
_GAPS_SHOWN = 20
_CARRIES = {"telephony": "phones on"}
"""What it means that a target is active, by kind of drill."""
_MOVES = {"telephony": "PHONES"}


class Progress:
    """Tells what is new since the last look; each thing once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: set[tuple[str, ...]] = set()

    def tell(self, drill: Mapping[str, Any]) -> None:
        """Say what the agent has seen of a drill that was not said yet, the earliest first."""
        moved = _MOVES.get(drill["kind"], "FAILOVER")
        news = [
            *((look["at"], ("look", look["at"]), _look(look, drill)) for look in drill["looks"]),
            *(
                (swap["seen"], ("swap", swap["seen"], swap["to"]), f"{moved}: {_swap(swap)}")
                for swap in drill["failovers"]
            ),
            *(
                (out["worst_at"], ("out", out["target"], out["category"], str(out["worst"])), _worst(out))
                for out in drill["out_of_service"]
                if out["worst"] > out["before"]
            ),
            *(
                (out["back_at"], ("in", out["target"], out["category"], out["back_at"]), _back(out))
                for out in drill["out_of_service"]
                if out["back_at"] is not None
            ),
        ]
        for probe in drill["probes"]:
            name = probe["probe"]
            for gap in probe["gaps"]:
                news.append((gap["start"], ("lost", name, gap["start"]), f"{name}: lost"))
                if not gap["open"]:
                    text = f"{name}: answered again after {_gap(gap)}"
                    news.append((_end(gap), ("back", name, gap["start"]), text))
        for at, key, text in sorted(news, key=lambda one: datetime.fromisoformat(one[0])):
            if key not in self._told:
                self._told.add(key)
                self._say(f"{_clock(at)}  {text}")


def story(drill: Mapping[str, Any]) -> str:
    """Everything that was filed."""
    change = f" ({drill['change']})" if drill["change"] else ""
    lines = [
        f"{drill['id']}  {drill['kind']} drill of {drill['target']}: {drill['outcome'] or 'under way'}",
        f"  what       {drill['summary'] or 'It has not ended.'}",
        f"  by         {drill['by']}: {drill['reason']}{change}",
        f"  from       {moment(drill['start'])} {_until(drill)}",
        f"  window     {drill['window']}, covered {', '.join(drill['covers'])}",
    ]
    lines += [f"  backup     {drill['standby']}"] if drill["standby"] else []
    lines += [f"  failover   {_clock(swap['seen'])}  {_swap(swap)}" for swap in drill["failovers"]]
    for probe in drill["probes"]:
        lines.append(f"  probe      {_probe(probe)}")
        shown = probe["gaps"][:_GAPS_SHOWN]
        lines += [f"    gap      {_clock(gap['start'])}  {_gap(gap)}" for gap in shown]
        left = len(probe["gaps"]) - len(shown) + probe["gaps_left_out"]
        if left:
            lines.append(f"    gap      … and {left} more")
    lines += [f"  out        {_out(out)}" for out in drill["out_of_service"]]
    lines += [f"  seen       {_clock(look['at'])}  {_look(look, drill)}" for look in drill["looks"]]
    return "\n".join(lines)


def _until(drill: Mapping[str, Any]) -> str:
    if drill["ended_at"] is None:
        return f"until {moment(drill['until'])} at the latest"
    by = {"window": "its time was over", "agent": "the agent ended it"}.get(drill["ended_by"], drill["ended_by"])
    return f"to {moment(drill['ended_at'])} ({by})"


def _probe(probe: Mapping[str, Any]) -> str:
    lost = f"{probe['lost']} of {probe['sent']} lost"
    if probe["lost_by_way"]:
        lost += f" ({', '.join(f'{count} {way}' for way, count in sorted(probe['lost_by_way'].items()))})"
    unsent = f", {probe['unsent']} could not be sent" if probe["unsent"] else ""
    every = f"every {probe['interval_seconds']:g} s, at worst {probe['coarsest_seconds']:.2f} s apart"
    return f"{probe['probe']}: {lost}{unsent}; {every}"


def _end(gap: Mapping[str, Any]) -> str:
    return (datetime.fromisoformat(gap["start"]) + timedelta(seconds=gap["seconds"])).isoformat()


def _gap(gap: Mapping[str, Any]) -> str:
    if gap["open"]:
        return f"{gap['seconds']:.1f} s and going on, {gap['lost']} lost"
    return f"{gap['seconds']:.1f} s (away for {gap['at_least']:.2f} to {gap['at_most']:.2f} s), {gap['lost']} lost"


def _swap(swap: Mapping[str, Any]) -> str:
    why = f" ({swap['reason']})" if swap["reason"] else ""
    dated = f", {_clock(swap['at'])} by its own clock" if swap["at"] != swap["seen"] else ""
    return f"{swap['away_from'] or 'none known'} to {swap['to']}{why}{dated}"


def _look(look: Mapping[str, Any], drill: Mapping[str, Any]) -> str:
    active = ", ".join(look["active"]) or "none known"
    return f"{_CARRIES.get(drill['kind'], 'active')}: {active}; {look['state']}: {look['text']}"


def _worst(out: Mapping[str, Any]) -> str:
    return f"{out['category']} at {out['target']}: {out['worst']} out of service, {out['before']} before"


def _back(out: Mapping[str, Any]) -> str:
    return f"{out['category']} at {out['target']}: {out['last']} out of service, no more than before"


def _out(out: Mapping[str, Any]) -> str:
    told = f"{out['category']} at {out['target']}: {out['before']} before"
    if out["worst"] > out["before"]:
        told += f", {out['worst']} at worst ({_clock(out['worst_at'])})"
    return f"{told}, {out['last']} at the end ({_clock(out['last_at'])})"


def _clock(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(_LONDON).strftime("%H:%M:%S.%f")[:-5]
