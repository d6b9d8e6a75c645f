"""The words of a profile that tables need: a decimal point from other columns, conditions, lists of texts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.profiles import ProfileModel

OID = "1.3.6.1.4.1.99999.1.1"


def profile(**columns: object) -> dict[str, object]:
    table = {"title": "things", "columns": {"kind": {"title": "kind", "oid": f"{OID}.1"}, **columns}}
    return {"profile": "x", "title": "X", "source": "none", "tables": {"thing": table}}


def test_a_table_may_use_all_of_them() -> None:
    value = {
        "title": "value", "oid": f"{OID}.2", "decimal": {"scale": "kind", "precision": "kind"},
        "only_where": [{"column": "kind", "among": [1]}],
    }  # fmt: skip
    word = {"title": "word", "oid": f"{OID}.3", "transform": "oid", "enum": {"1.3.6.1": {"name": "fine"}}}

    read = ProfileModel.model_validate(profile(value=value, word=word))

    assert read.tables["thing"].columns["word"].enum is not None


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"decimal": {"scale": "kind", "precision": "none"}}, "there is no 'none'"),
        ({"only_where": [{"column": "none", "among": [1]}]}, "there is no 'none'"),
        ({"decimal": {"scale": "kind", "precision": "kind"}, "per_second": 32}, "decimal is for plain numbers"),
        ({"decimal": {"scale": "kind", "precision": "kind"}, "transform": "text"}, "is text"),
        ({"enum": {"up": {"name": "up"}}}, "has texts"),
        ({"transform": "text", "enum": {1: {"name": "up"}}}, "has texts"),
        (
            {
                "transform": "text", "enum": {"up": {"name": "up"}},
                "metric": {"name": "ridgeway_x", "help": "X."},
            },
            "is text",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_place(column: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ProfileModel.model_validate(profile(value={"title": "value", "oid": f"{OID}.2"} | column))


def test_rows_of_names_a_column_that_is_there() -> None:
    data = profile()
    data["tables"]["thing"]["rows_of"] = "none"  # type: ignore[index]

    with pytest.raises(ValidationError, match="rows_of: there is no column 'none'"):
        ProfileModel.model_validate(data)


@pytest.mark.parametrize("word", ["decimal", "only_where"])
def test_a_value_that_stands_alone_has_no_row_to_ask(word: str) -> None:
    told = {"decimal": {"scale": "a", "precision": "a"}, "only_where": [{"column": "a", "among": [1]}]}
    values = {"a": {"title": "a", "oid": f"{OID}.0", word: told[word]}}

    with pytest.raises(ValidationError, match="columns of a table"):
        ProfileModel.model_validate({"profile": "x", "title": "X", "source": "none", "values": values})
