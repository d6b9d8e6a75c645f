"""Performance data: the whole grammar of the guidelines, what plug-ins make of it, and anything else at all."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.plugins.perfdata import LONGEST_LABEL, MOST_VALUES, Range, Value, parsed


def only(text):
    """The one value of a text in which nothing is lost."""
    performance = parsed(text)
    assert performance.lost == 0
    (value,) = performance.values
    return value


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("a=1", 1, ""),
        ("a=-0.5", -0.5, ""),
        ("a=1,5", 1.5, ""),
        ("a=.5", 0.5, ""),
        ("a=5.", 5, ""),
        ("a=1e3", 1000, ""),
        ("a=2s", 2, "seconds"),
        ("a=250ms", 0.25, "seconds"),
        ("a=250us", 0.00025, "seconds"),
        ("a=250µs", 0.00025, "seconds"),
        ("a=1ns", 1e-9, "seconds"),
        ("a=42%", 0.42, "ratio"),
        ("a=7B", 7, "bytes"),
        ("a=2KB", 2048, "bytes"),
        ("a=2MB", 2 * 1024**2, "bytes"),
        ("a=2GB", 2 * 1024**3, "bytes"),
        ("a=2TB", 2 * 1024**4, "bytes"),
        ("a=2MiB", 2 * 1024**2, "bytes"),
        ("a=21C", 21, "C"),
        ("a=3users", 3, "users"),
        ("a=5EB", 5 * 1024**6, "bytes"),
    ],
)
def test_numbers_come_in_base_units(text, number, unit):
    value = only(text)

    assert value.number == pytest.approx(number)
    assert (value.unit, value.counter) == (unit, False)


def test_a_counter_is_told_from_a_gauge():
    assert only("packets=12c") == Value("packets", 12.0, counter=True)


def test_a_value_that_the_plug_in_does_not_know_has_no_number():
    assert only("a=U;1;2") == Value("a", None, warning=Range(0, 1), critical=Range(0, 2))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10", Range(0, 10)),
        ("10:", Range(10, math.inf)),
        ("~:10", Range(-math.inf, 10)),
        ("10:20", Range(10, 20)),
        ("@10:20", Range(10, 20, inside=True)),
        ("@5", Range(0, 5, inside=True)),
        (":3", Range(0, 3)),
        ("-5:-1", Range(-5, -1)),
        ("1,5:2,5", Range(1.5, 2.5)),
        ("", None),
        ("~", None),
        ("@", None),
        ("20:10", None),
        ("x", None),
        ("1:2:3", None),
    ],
)
def test_ranges_are_read_as_the_guidelines_write_them(text, found):
    assert only(f"a=1;{text};;0;9").warning == found


def test_ranges_have_the_unit_of_their_value():
    value = only("time=12ms;100;200;0;1000")

    assert (value.warning, value.critical) == (Range(0, 0.1), Range(0, 0.2))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("load1=1", "load1"),
        ("'/srv/our files'=1", "/srv/our files"),
        ("'it''s'=1", "it's"),
        ("'a=b'=1", "a=b"),
        ("'''quoted'''=1", "'quoted'"),
        ("/=1", "/"),
        ("C:\\=1", "C:\\"),
        (f"{'x' * 300}=1", "x" * LONGEST_LABEL),
    ],
)
def test_labels_may_be_quoted(text, label):
    assert only(text).label == label


@pytest.mark.parametrize(
    ("text", "labels", "lost"),
    [
        ("nonsense", [], 1),
        ("a=", [], 1),
        ("=1", [], 1),
        ("''=1", [], 1),
        ("a=1.2.3", [], 1),
        ("a=1e999", [], 1),
        ("a=nan b=inf c=1", ["c"], 2),
        ("a=1;2;3;4;5;6;7", [], 1),
        ("a=1 a=2", ["a"], 1),
        ("'open=1 b=2", ["b"], 1),
        ("our label=1", ["label"], 1),
        ("a=1,b=2", [], 1),
        (f"{'x' * 200}=1 {'x' * 201}=2", ["x" * LONGEST_LABEL], 1),
    ],
)
def test_what_is_not_understood_is_counted_and_the_rest_is_read(text, labels, lost):
    performance = parsed(text)

    assert ([value.label for value in performance.values], performance.lost) == (labels, lost)


def test_no_more_values_than_the_bound_are_kept():
    performance = parsed(" ".join(f"l{n}={n}" for n in range(100)))

    assert len(performance.values) == MOST_VALUES
    assert performance.lost == 36


def test_endless_nonsense_is_given_up():
    assert parsed("' " * 30_000).lost == 256


_labels = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40).map(str.strip).filter(bool)
_numbers = st.floats(-1e12, 1e12, allow_nan=False).map(lambda number: round(number, 6))


@given(st.dictionaries(_labels, st.tuples(_numbers, st.sampled_from(["", "s", "B", "%", "c", "rpm"])), max_size=20))
def test_what_a_plug_in_writes_by_the_guidelines_is_read_back(values):
    text = " ".join(
        "'{}'={:f}{};{:f}:".format(label.replace("'", "''"), number, unit, number)
        for label, (number, unit) in values.items()
    )

    performance = parsed(text)

    assert performance.lost == 0
    assert [value.label for value in performance.values] == list(values)
    for value, (number, unit) in zip(performance.values, values.values(), strict=True):
        assert value.number == pytest.approx(number * (0.01 if unit == "%" else 1), abs=1e-6)
        assert value.warning is not None
        assert value.warning.low == pytest.approx(value.number)


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab'=;:@~%,.-+eEUc 019\t\nBµ"), max_size=200) | st.text(max_size=200))
def test_no_text_breaks_it_and_nothing_endless_comes_out(text):
    performance = parsed(text)

    for value in performance.values:
        assert value.label
        assert len(value.label) <= LONGEST_LABEL
        assert value.number is None or math.isfinite(value.number)
    labels = [value.label for value in performance.values]
    assert len(labels) == len(set(labels)) <= MOST_VALUES
