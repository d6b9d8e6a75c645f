"""The form OID|type|value: what we write we read, what others write too, and nothing passes for more than it is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Reason
from checks.recordings import snmprec
from checks.recordings.reading import recording
from checks.recordings.recording import Recorded, RecordedCheck, Recording, RecordingError, ordered

oids = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8).map(lambda parts: ".".join(map(str, (1, 3, *parts))))
values = st.one_of(
    st.builds(Recorded, st.sampled_from([2, 65, 66, 67, 70]), st.integers(-(2**31), 2**64 - 1)),
    st.builds(Recorded, st.sampled_from([4, 68]), st.binary(max_size=40)),
    st.builds(Recorded, st.just(4), st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))),
    st.builds(Recorded, st.just(6), oids),
    st.builds(Recorded, st.just(64), st.ip_addresses(v=4).map(str)),
    st.just(Recorded(5, None)),
)


@given(st.dictionaries(oids, values, min_size=1, max_size=8))
def test_what_is_written_is_read_again(wanted: dict[str, Recorded]) -> None:
    taken = Recording(
        ordered(wanted), 1_763_909_400.25, (RecordedCheck("health", {"profile": "generic"}, ("disk",)),),
        ("1.3.6.1.2.1.1",), ("1.3.6.1.2.1.1.9.0",), {"1.3.6.1.2.1.2": Reason.NO_ANSWER},
    )  # fmt: skip

    text = "\n".join(snmprec.written(taken)).encode()

    assert recording(text, "x") == taken


def test_the_odd_ways_of_other_peoples_recordings_are_read() -> None:
    read = snmprec.read(
        [
            "#Clavister\r\n",
            "1.3.6.1.2.1.1.5.0|4|two\r\n",
            "\n",
            "1.3.6.1.2.1.1.1.0|4x|4e6574\n",
            ".1.3.6.1.2.1.1.5.0|4|the later one counts\n",
            "1.3.6.1.4.1.9.1|64x|c0000201\n",
            "1.3.6.1.4.1.9.2|64|hSh1\n",
            "1.3.6.1.4.1.9.3|6|.1.3.6\n",
            "1.3.6.1.4.1.9.4|4|a|b\n",
        ]
    )

    assert read.values == {
        "1.3.6.1.2.1.1.1.0": Recorded(4, b"Net"),
        "1.3.6.1.2.1.1.5.0": Recorded(4, b"the later one counts"),
        "1.3.6.1.4.1.9.1": Recorded(64, "192.0.2.1"),
        "1.3.6.1.4.1.9.2": Recorded(64, "104.83.104.49"),
        "1.3.6.1.4.1.9.3": Recorded(6, "1.3.6"),
        "1.3.6.1.4.1.9.4": Recorded(4, b"a|b"),
    }
    assert next(iter(read.values)) == "1.3.6.1.2.1.1.1.0" and read.oddities == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1.3.6.1.1|2|x", "line 2: no number where one belongs"),
        ("1.3.6.1.1|2|" + "9" * 30, "more than 64 bits"),
        ("1.3.6.1.1|99|1", "no SNMP type"),
        ("1.3.6.1.1|4x|zz", "not hexadecimal"),
        ("1.3.6.1.4294967296|2|1", "32 bits"),
        ("1.3.6.1.1|64|1.2.3.4.5", "line 2"),
        ("1.3.6.1.1|6|ifDescr", "cannot be read"),
        ("hello", "not of the form"),
        ("1.3.6.1.1|2:numeric|rate=1", "not of the form"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_rest_is_read(line: str, words: str) -> None:
    read = snmprec.read(["1.3.6.1.2|2|1", line])

    assert list(read.values) == ["1.3.6.1.2"]
    assert words in read.oddities[0]


@pytest.mark.parametrize(
    "line",
    [
        "#ridgeway cut 1.3.6", "#ridgeway cut 1.3.6 bad-luck", "#ridgeway asked x", "#ridgeway at yesterday",
        "#ridgeway check []", '#ridgeway check {"name":1,"options":{},"expect_empty":[]}', "#ridgeway new thing",
        "#ridgeway recording 2", "#ridgeway check " + "[" * 100_000,
    ],
)  # fmt: skip
def test_a_mark_of_ours_that_cannot_be_read_is_refused_for_it_may_say_that_something_is_missing(line: str) -> None:
    with pytest.raises(RecordingError):
        snmprec.read([line, "1.3.6.1.2|2|1"])


@pytest.mark.parametrize("text", [b"", b"hello\nworld", b"\x7fELF\0\0", b"#only a comment", b"x" * 300_000])
def test_what_is_no_recording_is_refused_with_what_would_be(text: bytes) -> None:
    with pytest.raises(RecordingError, match=r"x\.bin: "):
        recording(text, "x.bin")


@given(st.lists(st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"#ridgeway {text}")))
def test_no_text_does_more_than_to_be_refused(lines: list[str]) -> None:
    with contextlib.suppress(RecordingError):
        snmprec.read(lines)
