"""Answers that are documents: what a command printed, once it was understood, and what an API sent. Pure.

A document is what JSON can say. A place in it is a JSON pointer (RFC 6901) with one more step, `*`: every element of a
list, or every value of an object. The row's index is then its position or its key. XML becomes the same kind of
document, with `@name` for an attribute and `#text` for the text beside attributes or elements; there one element is not
told from a list of one, so where a single object stands whose next step it has, `*` takes it as the only element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from checks.network.answers import SnmpAnswers
from checks.network.transform import Answer

Document = None | bool | int | float | str | list["Document"] | dict[str, "Document"]
_LONGEST_TEXT = 255
_LONGEST_RAW = 200
_LARGEST = 2**128
_EVERY = "*"


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """What a question brought that is no answer to it; its values are unknown, never absent."""

    raw: str
    """The beginning of what came, printable."""
    why: str = ""
    slow: bool = False
    """Whether it took the device too long: it is not asked again soon, however often it would be."""

    @classmethod
    def of(cls, text: str, why: str = "") -> NotUnderstood:
        """Of whatever came, however long and with whatever in it."""
        shown = "".join(character if character.isprintable() else " " for character in text[: 4 * _LONGEST_RAW])
        return cls(" ".join(shown.split())[:_LONGEST_RAW], why)


_NOTHING = NotUnderstood("")
Documents = Mapping[str, "Document | NotUnderstood"]
"""By question. A question that is not in it was not answered."""


class NoSuchPlace(LookupError):
    """The document has nothing there."""


class NoValue(ValueError):
    """What stands there is no single value: an object, or a list."""


def filled(scalars: Iterable[str], columns: Iterable[str], documents: Documents, most_rows: int) -> SnmpAnswers:
    """The answers at these places, as the judgement of values reads them; each place stands for an OID.

    A question that was not answered, or not understood, leaves its places out: that is one cause, which others tell.
    A row in which the place is missing has None, as a cell that a device has not. Of more than `most_rows` rows the
    first are kept, and the column is cut.
    """
    answers = SnmpAnswers()
    for place in scalars:
        question, steps = split(place)
        document = documents.get(question, _NOTHING)
        if isinstance(document, NotUnderstood):
            continue
        try:
            answers.values[place] = scalar(document, steps)
        except NoSuchPlace:
            answers.values[place] = None
        except NoValue:
            answers.errors.append(place)
    for place in columns:
        question, steps = split(place)
        document = documents.get(question, _NOTHING)
        if isinstance(document, NotUnderstood):
            continue
        cells, whole = rows(document, steps, most_rows)
        answers.rows[place] = cells
        if not whole:
            answers.cut.append(place)
    return answers


@lru_cache(maxsize=8192)
def split(place: str) -> tuple[str, tuple[str, ...]]:
    """The question of a place and the steps of its pointer."""
    question, _, pointer = place.partition("#")
    steps = pointer.split("/")[1:]
    return question, tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def scalar(document: Document, steps: Sequence[str]) -> Answer:
    """The value there. Raises NoSuchPlace or NoValue."""
    return _plain(_walk(document, steps))


def rows(document: Document, steps: Sequence[str], most: int) -> tuple[dict[str, Answer], bool]:
    """The cells of a column by index, and whether all of them could be read."""
    at = steps.index(_EVERY)
    try:
        above = _walk(document, steps[:at])
    except NoSuchPlace:
        return {}, True
    cells: dict[str, Answer] = {}
    whole = True
    for index, element in _elements(above, steps[at + 1 :]):
        if len(cells) >= most:
            return cells, False
        try:
            cells[index] = scalar(element, steps[at + 1 :])
        except NoSuchPlace:
            cells[index] = None
        except NoValue:
            whole = False
    return cells, whole


def _elements(above: Document, after: Sequence[str]) -> Iterator[tuple[str, Document]]:
    if isinstance(above, list):
        yield from ((str(number), element) for number, element in enumerate(above, start=1))
    elif isinstance(above, dict):
        if after and after[0] in above and not isinstance(above[after[0]], dict | list):
            yield "1", above
        else:
            yield from ((key[:_LONGEST_TEXT], element) for key, element in above.items())
    elif above is not None:
        yield "1", above


def _walk(document: Document, steps: Sequence[str]) -> Document:
    here = document
    for step in steps:
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isascii() and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        elif step == "#text" and isinstance(here, str):
            continue  # an element that has no attribute in this answer
        else:
            raise NoSuchPlace
    return here


def _plain(said: Document) -> Answer:
    if isinstance(said, dict) and isinstance(said.get("#text"), str):
        said = said["#text"]
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, str):
        shown = "".join(character if character.isprintable() else " " for character in said[: 4 * _LONGEST_TEXT])
        return shown.strip()[:_LONGEST_TEXT]
    if isinstance(said, int):
        if abs(said) > _LARGEST:
            raise NoValue
        return said
    if isinstance(said, float):
        if said != said or said in (float("inf"), float("-inf")):
            raise NoValue
        return said
    if said is None:
        return None
    raise NoValue
