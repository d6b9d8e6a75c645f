"""JSON Pointer by the examples of RFC 6901, section 5, and JSON that was written to harm."""

import pytest

from checks.network.json_pointer import NoSuchValue, NotJson, document, valid, value

RFC = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6),
     ("/ ", 7), ("/m~0n", 8)],
)  # fmt: skip
def test_the_examples_of_the_rfc(pointer, expected):
    assert valid(pointer)
    assert value(RFC, pointer) == expected


@pytest.mark.parametrize("pointer", ["/foo", "", "/foo/2", "/foo/00", "/foo/-", "/foo/-1", "/nothing", "/a~1b/c"])
def test_what_is_not_there_or_is_no_single_value_is_said(pointer):
    with pytest.raises(NoSuchValue):
        value(RFC, pointer)


@pytest.mark.parametrize("pointer", ["foo", "/a~", "/a~2", "~0"])
def test_what_is_no_pointer_is_refused(pointer):
    assert not valid(pointer)


@pytest.mark.parametrize(
    "text", ["", "<html>", "[NaN]", "[Infinity]", "[" * 100_000, '{"a": ' + "9" * 5_000 + "}", "{} {}", "\ufeff{}"]
)
def test_what_is_no_json_is_told_and_harms_nothing(text):
    with pytest.raises(NotJson):
        document(text)


def test_texts_are_cut_and_made_printable():
    assert value({"a": "\x1b" + "x" * 500}, "/a") == "." + "x" * 199
