"""Do the members tell one story, and are they alike: views of each other, configuration, firmware, signatures,
licences, the links between them. Pure.

Only members that are well are compared: what ails another one is told of it already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

from checks.contract import Finding, State, worst
from checks.firewall.pair.membership import GOING, GONE
from checks.firewall.pair.note import Since
from checks.firewall.pair.options import PairOptions
from checks.firewall.pair.views import SERVING, WORDS, View, told_of
from checks.network.dates import day
from checks.network.plan import ValuePlan
from checks.network.raw import told
from checks.network.transform import Unreadable, transformed
from checks.printable import some_of
from config.profiles.asks import Way
from config.profiles.roles import Role

VIEWS, SYNC, FIRMWARE, CONTENT = "pair/views", "pair/sync", "pair/firmware", "pair/content"
LICENCES, HEARTBEAT = "pair/licences", "pair/heartbeat"
_CONTENT_GRACE = 4 * 3600.0
"""Seconds that members may take to load the same signatures: each fetches them by its own clock."""
_SAME_DAY = 86_400.0


def findings(views: Sequence[View], since: Since, options: PairOptions) -> Iterator[Finding]:
    """Every rule that has something to compare, in order."""
    yield from heard(views)
    yield from synchronised(views, since, options)
    versions = _firmware(views)
    if not versions:
        since.keep(FIRMWARE)
    yield from alike(FIRMWARE, "firmware", versions, lambda: since.longer(FIRMWARE, options.sync_grace_seconds))
    yield from content(views, since)
    yield from licences(views)
    yield from between(views)


def heard(views: Sequence[View]) -> Iterator[Finding]:
    """Each member's view of itself against what the others say of it."""
    stories, untold, compared = [], [], 0
    for teller, other in permutations(views, 2):
        assert teller.found is not None  # it is well
        if not (teller.found.clustered and teller.found.members) and teller.role is not Role.ALONE:
            continue
        said = told_of(teller, other, views)
        lists_itself = any(member.own for member in teller.found.members)
        if said is None and teller.role is not Role.ALONE and not (teller.found.complete and lists_itself):
            continue  # which row is whose cannot be told
        compared += 1
        if teller.role is Role.ALONE:
            stories.append(f"{teller.name} says that it is alone, and {other.story()}")
        elif said is None:
            stories.append(f"{teller.name} does not list {other.name}, and {other.story()}")
        elif said.role is Role.UNKNOWN:
            untold.append(f"what {teller.name} says of {other.name} cannot be understood ({said.raw or 'nothing'})")
        elif Role.TRANSITIONAL not in (said.role, other.role) and not _same(said.role, other.role):
            stories.append(f"{teller.name} says that {other.name} is {WORDS[said.role]}, and {other.story()}")
    if stories:
        words = f"{GONE}, as far as can be told: the members tell different stories: {'; '.join(stories)}"
        yield Finding(VIEWS, State.WARNING, words[:300])
    elif untold:
        yield Finding(VIEWS, State.UNKNOWN, "; ".join(untold)[:300])
    elif compared:
        yield Finding(VIEWS, State.OK, "each member says of the others what they say of themselves")


def _same(one: Role, other: Role) -> bool:
    return one is other or (one in SERVING and other in SERVING)


def in_sync(views: Sequence[View]) -> Mapping[str, tuple[State, str]]:
    """By member: whether it has the configuration of the others, by all that any of them says of it."""
    told_states: dict[str, list[tuple[State, str]]] = {}
    for teller in views:
        for name, state, word in _sync_said(teller, views):
            told_states.setdefault(name, []).append((state, word))
    found = {}
    for name, said in told_states.items():
        bad = [one for one in said if _differs(one[0])]
        well = [one for one in said if one[0] is State.OK]
        found[name] = (bad or well or said)[0]  # one that leaves it blank takes nothing from another's word
    return found


def _differs(state: State) -> bool:
    return state.bad and state is not State.UNKNOWN


def _sync_said(teller: View, views: Sequence[View]) -> Iterator[tuple[str, State, str]]:
    for voice, listed in zip(teller.voices, teller.listed, strict=True):
        for name in teller.pair.synchronised:
            scalar = voice.reader.plan.by_name.get(name)
            if scalar is not None:
                if any(voice.answers.values.get(oid) is not None for oid in scalar.oids):
                    word = told(scalar, voice.answers.values, voice.answers.errors)
                    yield teller.name, _state(scalar, word), str(word)
                continue
            for member, row in listed:
                column = row.column(name)
                if column is not None:
                    word = row.said(name)
                    yield _whose(teller, member.key, member.own, views), _state(column, word), str(word)


def _whose(teller: View, key: str, own: bool, views: Sequence[View]) -> str:
    """The name of the member that a row is about; its key where no member of the estate is."""
    if own:
        return teller.name
    for view in views:
        if key and view.serial == key:
            return view.name
    others = [view.name for view in views if view is not teller]
    return others[0] if len(others) == 1 else key


def _state(plan: ValuePlan, word: object) -> State:
    """The state that the profile gives to a word of an enumeration; unknown for one it does not have."""
    states = {meaning.name: meaning.state for meaning in (plan.enum or {}).values()}
    return states.get(str(word), State.UNKNOWN)


def synchronised(views: Sequence[View], since: Since, options: PairOptions) -> Iterator[Finding]:
    """The devices' own word for it, then the checksums that one member lists for all."""
    said = in_sync(views)
    wrong = [f"{name} is {word}" for name, (state, word) in said.items() if _differs(state)]
    wrong += [sums for view in views if (sums := _checksums(view))]
    untold = [name for name, (state, _) in said.items() if state is State.UNKNOWN]
    if wrong:
        words = f"the configuration is not the same on all: {'; '.join(dict.fromkeys(wrong))}"
        if since.longer(SYNC, options.sync_grace_seconds):
            after = f"{GOING}: {words}; after a take-over other rules would hold"
            yield Finding(SYNC, State.WARNING, after[:300])
        else:
            yield Finding(SYNC, State.OK, f"{words}, for less than {options.sync_grace_seconds:.0f} s"[:300])
        return
    silent = any(not voice.whole for view in views for voice in view.voices)
    differed = (untold or not said or silent) and since.keep(SYNC)
    if untold:
        words = f"whether {' and '.join(untold)} has the configuration of the others cannot be told"
        yield Finding(SYNC, State.UNKNOWN, words[:300])
    elif said and not differed:  # else the way that said so may only be silent
        yield Finding(SYNC, State.OK, "the members have the same configuration")


def _checksums(view: View) -> str:
    """That the rows of one table differ: those were read at one time, which two members' tables are not."""
    column = view.pair.checksum
    for listed in view.listed if column is not None else ():
        rows = [row for _, row in listed if row.column(column) is not None]
        sums = {row.label: text for row in rows if (text := row.text(column))}
        if len(set(sums.values())) > 1:
            return "checksums differ: " + ", ".join(f"{label} {text[:12]}" for label, text in sums.items())
    return ""


def _firmware(views: Sequence[View]) -> Mapping[str, str]:
    """By the first way by which more than one member tells it: each way has a spelling of its own."""
    for way in Way:
        texts = {view.name: text for view in views if (text := view.texts(view.pair.firmware).get(way))}
        if len(texts) > 1:
            return texts
    return {}


def alike(key: str, what: str, texts: Mapping[str, str], longer: Callable[[], bool]) -> Iterator[Finding]:
    """A text that must be the same on all members that tell one; `longer` says that a difference lasts too long."""
    known = {name: text for name, text in texts.items() if text}
    if len(known) < 2:
        return
    listed = ", ".join(f"{name} {text[:60]}" for name, text in known.items())
    if len(set(known.values())) == 1:
        yield Finding(key, State.OK, f"{what}: the same on all")
    elif longer():
        yield Finding(key, State.WARNING, f"{GOING}: the {what} differs: {listed}"[:300])
    else:
        yield Finding(key, State.OK, f"the {what} differs since a short time: {listed}"[:300])


def content(views: Sequence[View], since: Since) -> Iterator[Finding]:
    """Signatures: a day apart or more, and for longer than the members need to fetch the same."""
    differ = []
    compared = False
    for feed in dict.fromkeys(name for view in views for name in view.pair.content):
        dates = {view.name: date for view in views if (date := _date(view, feed)) is not None}
        compared = compared or len(dates) > 1
        if len(dates) > 1 and max(dates.values()) - min(dates.values()) >= _SAME_DAY:
            differ.append(f"{feed} ({', '.join(f'{name} of {day(date)}' for name, date in dates.items())})")
    if differ and since.longer(CONTENT, _CONTENT_GRACE):
        yield Finding(CONTENT, State.WARNING, f"{GOING}: different signatures: {'; '.join(differ)}"[:300])
    elif not compared:
        since.keep(CONTENT)
    else:
        yield Finding(CONTENT, State.OK, "signatures: of the same day on all, or not for long of another")


def _date(view: View, feed: str) -> float | None:
    for way, text in view.texts(feed).items():
        plan = next(voice.reader.plan.by_name[feed] for voice in view.voices if voice.way is way)
        if text in plan.no_value:
            continue
        try:
            moment = transformed(plan.transform, text, plan.scale, 0.0)
        except Unreadable:
            continue
        if isinstance(moment, float):
            return moment
    return None


def licences(views: Sequence[View]) -> Iterator[Finding]:
    """By the vendor's rule: where all need the same ones, none may lack one that another has."""
    equal = [view for view in views if view.pair.licences == "equal"]
    held: dict[str, set[str]] = {}
    for view in equal:
        names = dict.fromkeys(name for voice in view.voices for name in voice.part.licences)
        tables = [view.rows(name) for name in names]
        if tables and all(complete for _, complete in tables):
            held[view.name] = {row.label for rows, _ in tables for row in rows}
    if len(held) < 2 or not any(held.values()):
        return
    whole = set().union(*held.values())
    lacks = [f"{name} has not {some_of(sorted(whole - had))}" for name, had in held.items() if whole - had]
    if lacks:
        yield Finding(
            LICENCES, State.WARNING,
            f"{GOING}: this product needs the same licences on all: {'; '.join(lacks)}"[:300],
        )  # fmt: skip
    else:
        yield Finding(LICENCES, State.OK, "the members have the same licences")


def between(views: Sequence[View]) -> Iterator[Finding]:
    """The links over which they see each other, in one finding for both ends."""
    said = [(view, *told) for view in views for told in view.findings(view.pair.heartbeat)]
    bad = [(view.name, state, words) for view, state, words in said if state is not State.OK]
    if bad:
        state = worst([state for _, state, _ in bad])
        words = "; ".join(f"{name}: {words}" for name, _, words in bad)
        capped = State.WARNING if state is State.CRITICAL else state
        yield Finding(HEARTBEAT, capped, f"{GOING}: between the members: {words}"[:300])
    elif said:
        yield Finding(HEARTBEAT, State.OK, "the links between the members are well")
