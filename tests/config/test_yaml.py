"""What the YAML reader accepts, and how it fails: always with places, never in any other way."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.yaml import MAX_TEXT, YamlError, parse, read_file

_WORDS = ["a: ", "- ", "[", "]", "{", "}", "&x ", "*x", "!t ", "|", ">", "'", '"', "\n", "  ", "? ", "no", "12:30", "#"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        ("60s", "60s"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("norfolk", "norfolk"),
        ("y", "y"),
        ("3 of 5", "3 of 5"),
        ('"no"', "no"),
        ("'12:30'", "12:30"),
        ('"0777"', "0777"),
    ],
)
def test_an_unquoted_word_means_what_it_seems_to_mean(text: str, value: object) -> None:
    tree = parse(f"a: {text}".encode(), "f").tree

    assert tree == {"a": value}
    assert type(tree["a"]) is type(value)  # type: ignore[index]  # True == 1, but they are not the same


@pytest.mark.parametrize(
    "word",
    ["yes", "No", "ON", "off", "12:30", "1:2:3", "0777", "0o17", "0x1F", "0b11", "1_000", "1e3", "1.", ".5", ".inf",
     ".NaN", "-.INF", "2026-12-24", "2026-12-24T10:00:00Z", "=", "+0.", "00.5", "1234567890123456789"],
)  # fmt: skip
def test_a_word_that_readers_of_yaml_understand_differently_is_refused(word: str) -> None:
    with pytest.raises(YamlError, match=r"^f:1:4: "):
        parse(f"a: {word}".encode(), "f")


def test_every_fault_is_told_at_once_with_its_path() -> None:
    text = "targets:\n  a: {x: no}\n  b: [1, 12:30]\n  b: 3\n"

    with pytest.raises(YamlError) as refused:
        parse(text.encode(), "f")

    assert [(fault.line, fault.column, fault.path) for fault in refused.value.faults] == [
        (2, 10, ("targets", "a", "x")),
        (3, 10, ("targets", "b", 1)),
        (4, 3, ("targets", "b")),
    ]


def test_the_place_of_a_value_is_where_a_person_looks_for_it() -> None:
    document = parse(b"# comment\na:\n  b: text\n  c:\n    - x\n    - y: 1\n", "f")

    assert document.place(("a", "b")) == (3, 6)
    assert document.place(("a", "b"), key=True) == (3, 3)
    assert document.place(("a", "c")) == (4, 3)
    assert document.place(("a", "c", 0)) == (5, 7)
    assert document.place(("a", "c", 1, "y")) == (6, 10)
    assert document.place(("a", "missing", "below")) == (2, 1)
    assert document.place(()) == (2, 1)


def test_columns_are_counted_in_characters_not_in_bytes() -> None:
    document = parse('"süß": {b: text}'.encode(), "f")

    assert document.place(("süß", "b")) == (1, 12)


def test_aliases_stand_for_their_anchor() -> None:
    tree = parse(b"a: &a [1, 2]\nb: *a\n", "f").tree

    assert tree == {"a": [1, 2], "b": [1, 2]}


def test_what_aliases_expand_to_is_bounded() -> None:
    lines = ["a0: &a0 [" + ",".join("x" * 9) + "]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 30)]

    with pytest.raises(YamlError, match="stand for more than 100,000 values"):
        parse("\n".join(lines).encode(), "f")


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? ", "[? "])
def test_depth_is_bounded_before_the_stack_is_used_up(bracket: str) -> None:
    with pytest.raises(YamlError, match="more than 40 levels deep"):
        parse(bracket.encode() * 50_000, "f")


def test_a_text_may_not_be_longer_than_a_page() -> None:
    with pytest.raises(YamlError, match="a text of more than 4,096 characters"):
        parse(b"a: '" + b"x" * (MAX_TEXT + 1) + b"'", "f")


@pytest.mark.parametrize("text", ["a: !hunter2 x", "a: *hunter2", "a: @hunter2", "a: &hunter2 [*hunter2]", "a: 0777"])
def test_no_refusal_repeats_what_may_be_a_secret(text: str) -> None:
    with pytest.raises(YamlError) as refused:
        parse(text.encode(), "f")

    assert "hunter2" not in str(refused.value)
    assert "0777" not in str(refused.value)


def test_a_name_with_a_null_byte_is_refused_like_any_other() -> None:
    with pytest.raises(YamlError, match=r"cannot be read|is not the name of a file"):
        read_file(Path("a\0b"))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_document_or_a_yaml_error(raw: bytes) -> None:
    try:
        parse(raw, "f")
    except YamlError as error:
        assert error.faults


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=60))
def test_any_mixture_of_yaml_signs_gives_a_document_or_a_yaml_error(words: list[str]) -> None:
    try:
        parse("".join(words).encode(), "f")
    except YamlError as error:
        assert all(fault.line >= 1 and fault.column >= 1 for fault in error.faults)
