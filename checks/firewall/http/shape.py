"""From what an API sent to the document that a profile reads: is it the right thing, and where are its rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from checks.firewall.http import parse, sections
from checks.network.documents import Document, NotUnderstood
from checks.printable import printable
from config.profiles.asks import HttpQuestion

AGREES = "@agrees"
"""In a row: whether its value at `agree` is that of the first row."""
_EVERY = "*"
_LONGEST_WHY = 200
_LONGEST_KEY = 200
_Path = tuple[tuple[str, Document], ...]


def understood(question: HttpQuestion, body: bytes, text: str) -> Document | NotUnderstood:
    """The document in the body of an answer, of which `text` is the decoded form."""
    if not body.strip():
        return NotUnderstood("", "the answer is empty")
    if question.answers == "json" and text.lstrip()[:1] == "<":
        return NotUnderstood.of(text, "a web page or XML, where JSON belongs")
    try:
        document = parse.from_json(text) if question.answers == "json" else parse.from_xml(body, question.lists)
        if question.answers == "sections":
            document = sections.sections(document)
        return shaped(question, document)
    except parse.Unfit as error:
        return NotUnderstood.of(text, printable(str(error), _LONGEST_WHY))


def shaped(question: HttpQuestion, document: Document) -> Document:
    """The document, once it says and has what it must, with its rows as the profile wants them. Raises Unfit."""
    for pointer, wanted in question.must_say.items():
        found = [element for _, element in _reached(document, _steps(pointer))]
        if not found or any(_spelt(one) != _spelt(wanted) for one in found):
            said = ", ".join(dict.fromkeys(_spelt(one)[:40] for one in found)) or "nothing"
            raise parse.Unfit(f"it says {said} at {pointer}, where {_spelt(wanted)} belongs")
    for pointer in question.must_have:
        if not any(True for _ in _reached(document, _steps(pointer))):
            raise parse.Unfit(f"it has no {pointer}")
    return _rows(question, document) if question.rows else document


def _rows(question: HttpQuestion, document: Document) -> Document:
    rows: dict[str, Document] = {}
    first: str | None = None
    for path, element in _elements_of_rows(question, document):
        row = _row(element)
        for number, (key, passed) in enumerate(path, start=1):
            row[f"@{number}"] = key
            if isinstance(passed, dict) and passed is not element:  # the row's own fields are there already
                row |= {f"@{number}.{name}": said for name, said in passed.items() if not isinstance(said, list | dict)}
        if any(_spelt(row.get(name)) != wanted for name, wanted in question.only.items()):
            continue
        if question.agree is not None:
            said = [_spelt(one) for _, one in _reached(element, _steps(question.agree))]
            if said and said[0]:
                first = said[0] if first is None else first
                row[AGREES] = said[0] == first
        rows[_key(question, row, rows)] = row
    return rows


def _elements_of_rows(question: HttpQuestion, document: Document) -> Iterator[tuple[_Path, Document]]:
    for path, element in chain.from_iterable(_reached(document, _steps(pointer)) for pointer in question.rows):
        if not question.parallel or not isinstance(element, dict):
            yield path, element
            continue
        lists = {name: said if isinstance(said, list) else [said] for name, said in element.items()}
        for number in range(max(map(len, lists.values()), default=0)):
            yield path, {name: said[number] for name, said in lists.items() if number < len(said)}


def _row(element: Document) -> dict[str, Document]:
    """The fields of a row; those of a list of objects are the fields of all of them."""
    if isinstance(element, dict):
        return dict(element)
    if isinstance(element, list) and element and all(isinstance(one, dict) for one in element):
        return {name: said for one in element if isinstance(one, dict) for name, said in one.items()}
    return {"#text": element}


def _key(question: HttpQuestion, row: dict[str, Document], rows: dict[str, Document]) -> str:
    """What the row is called: by its own field where the profile names one, so that rows of several questions meet."""
    own = row.get(question.by) if question.by is not None else None
    said = printable(str(own).strip(), _LONGEST_KEY) if isinstance(own, str | int) else ""
    name = said or str(len(rows) + 1)
    return name if name not in rows else f"{name}#{len(rows) + 1}"


def _reached(document: Document, steps: Sequence[str], path: _Path = ()) -> Iterator[tuple[_Path, Document]]:
    """Everything that a pointer with any number of `*` leads to, with the key and the element at each `*`."""
    here = document
    for at, step in enumerate(steps):
        if step == _EVERY:
            after = steps[at + 1 :]
            for key, element in _elements(here, after):
                yield from _reached(element, after, (*path, (key, element)))
            return
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isascii() and step.isdigit() and len(step) < 9 and int(step) < len(here):
            here = here[int(step)]
        else:
            return
    yield path, here


def _elements(here: Document, after: Sequence[str]) -> Iterator[tuple[str, Document]]:
    """The elements of a list, the values of an object; a single object where a list could be is its only element."""
    if isinstance(here, list):
        yield from ((str(number), element) for number, element in enumerate(here, start=1))
    elif isinstance(here, dict):
        if after and after[0] != _EVERY and after[0] in here:
            yield "1", here
        else:
            yield from here.items()


def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def _spelt(said: object) -> str:
    if isinstance(said, bool):
        return "true" if said else "false"
    return "" if said is None or isinstance(said, list | dict) else str(said).strip()
