"""What must not leave the house does not, and what a judgement needs does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.recordings.masking import Masker
from checks.recordings.recording import Recorded, Recording
from checks.recordings.snmprec import written

KEY = b"k" * 32
COMMUNITY = "s3cr3t-community"


def masked(values: dict[str, Recorded], **settings: object) -> tuple[dict[str, Recorded], Masker]:
    masker = Masker(KEY, **settings)  # type: ignore[arg-type]
    return masker.values(values), masker


DEVICE = {
    "1.3.6.1.2.1.1.1.0": Recorded(4, b"Linux fw-hemel 5.10.0 at 10.20.30.40, serial number AB12345"),
    "1.3.6.1.2.1.1.2.0": Recorded(6, "1.3.6.1.4.1.8072.3.2.10"),
    "1.3.6.1.2.1.1.3.0": Recorded(67, 4711),
    "1.3.6.1.2.1.1.4.0": Recorded(4, b"Jane Doe <jane.doe@dacorum.gov.uk>"),
    "1.3.6.1.2.1.1.5.0": Recorded(4, b"fw-hemel.dacorum.gov.uk"),
    "1.3.6.1.2.1.1.6.0": Recorded(4, b"The Forum, Hemel Hempstead"),
    "1.3.6.1.2.1.2.2.1.2.1": Recorded(4, b"wan1"),
    "1.3.6.1.2.1.2.2.1.6.1": Recorded(4, b"\x00\x1a\x2b\x3c\x4d\x5e"),
    "1.3.6.1.2.1.2.2.1.6.2": Recorded(4, b"abcdef"),
    "1.3.6.1.2.1.4.20.1.1.10.20.30.40": Recorded(64, "10.20.30.40"),
    "1.3.6.1.2.1.4.20.1.3.10.20.30.40": Recorded(64, "255.255.255.0"),
    "1.3.6.1.2.1.4.22.1.2.7.10.20.30.41": Recorded(4, b"\x00\x1a\x2b\x3c\x4d\x5f"),
    "1.3.6.1.2.1.4.35.1.4.7.1.4.10.20.30.42": Recorded(4, b"\x00\x1a\x2b\x3c\x4d\x60"),
    "1.3.6.1.2.1.17.4.3.1.2.0.26.43.60.77.95": Recorded(2, 3),
    "1.3.6.1.2.1.31.1.1.1.18.1": Recorded(4, b"BT circuit ETHA00123"),
    "1.3.6.1.2.1.47.1.1.1.1.11.1": Recorded(4, b"FGT60F1234567890"),
    "1.3.6.1.4.1.99.1.1.1.1.5.1": Recorded(4, b"user=jdoe from 2001:db8:aa::1 ssid: Council-Staff"),
    "1.3.6.1.4.1.99.1.1.1.1.5.2": Recorded(4, b"peer 10.20.30.40 (00:1a:2b:3c:4d:5e) password=hunter2"),
    "1.3.6.1.4.1.99.1.1.1.1.5.3": Recorded(4, b"community s3cr3t-community in clear"),
    "1.3.6.1.4.1.99.1.1.1.1.6.16.70.71.84.54.48.70.49.50.51.52.53.54.55.56.57.48": Recorded(2, 1),
    "1.3.6.1.4.1.99.1.1.1.1.7.10.20.30.40": Recorded(2, 1),
    "1.3.6.1.6.3.16.1.2.1.3.2.7.112.117.98.108.105.99": Recorded(4, b"group"),
    "1.3.6.1.2.1.25.4.2.1.5.77": Recorded(4, b"--password hunter2"),
}  # fmt: skip
SENSITIVE = (
    "hemel", "dacorum", "10.20.30", "jane", "forum", "AB12345", "001a2b3c4d", "00:1a:2b", "ETHA00123", "FGT60F",
    "70.71.84.54", "0.26.43.60", "jdoe", "2001:db8:aa", "council-staff", "hunter2", COMMUNITY, "112.117.98", "abcdef",
)  # fmt: skip


def test_nothing_sensitive_is_left_in_the_file() -> None:
    values, _ = masked(DEVICE, names=("fw-hemel", "10.20.30.40"), secrets=(COMMUNITY,))

    text = "\n".join(written(Recording(values))).lower()
    in_clear = text + "\n".join(
        bytes.fromhex(found).decode("latin-1") for found in re.findall(r"x\|([0-9a-f]+)$", text, re.MULTILINE)
    )

    assert [word for word in SENSITIVE if word.lower() in in_clear] == []


def test_what_a_judgement_needs_is_as_it_was() -> None:
    values, _ = masked(DEVICE)

    for oid in ("1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.2.2.1.2.1"):
        assert values[oid] == DEVICE[oid]
    assert Recorded(64, "255.255.255.0") in values.values()


def test_the_same_is_the_same_everywhere_in_one_run_and_another_in_the_next() -> None:
    values, _ = masked(DEVICE, names=("fw-hemel",))
    others = Masker(b"another key" * 3).values(DEVICE)
    [address] = [oid.removeprefix("1.3.6.1.2.1.4.20.1.1.") for oid in values if oid.startswith("1.3.6.1.2.1.4.20.1.1.")]

    assert values[f"1.3.6.1.2.1.4.20.1.1.{address}"] == Recorded(64, address)
    assert f"1.3.6.1.2.1.4.20.1.3.{address}" in values
    assert f"1.3.6.1.4.1.99.1.1.1.1.7.{address}" in values
    assert address.encode() in bytes(values["1.3.6.1.2.1.1.1.0"].value)  # type: ignore[arg-type]
    assert address.startswith("198.1")
    assert f"1.3.6.1.2.1.4.20.1.1.{address}" not in others


MITEL = "1.3.6.1.4.1.1027.4.1.1.2"
SPELT = ".".join(map(str, (12, *b"controller-a")))
TELEPHONES = {
    f"{MITEL}.1.3.0": Recorded(4, b"0042"),
    f"{MITEL}.2.4.1.8.1": Recorded(4, b"IP Sets"),
    f"{MITEL}.4.1.1.5.{SPELT}": Recorded(2, 1),
    f"{MITEL}.5.1.1.1.1.4.1.0.0": Recorded(4, b"Town to town"),
    "1.3.6.1.4.1.1027.4.1.1.3.1.1.0": Recorded(4, b"999 from 01442228000"),
    "1.3.6.1.4.1.1027.4.9.1.1.2.1.9.1": Recorded(
        4, b"set 4021 (+441442228000, 01442-228000) and DN4022:x4023 ext.4024 left controller-a at 10:15, v9.4.0.123"
    ),
}


def test_of_a_telephone_system_no_number_and_no_name_is_left_and_emergency_calls_are_not_there_at_all() -> None:
    values, _ = masked(TELEPHONES)

    text = "\n".join(written(Recording(values)))
    for hidden in ("0042", SPELT, "controller-a", "Town", "402", "4414", "0144", "22800", "1027.4.1.1.3"):
        assert hidden not in text
    assert "4|IP Sets" in text and "at 10:15, v9.4.0.123" in text
    assert sum(oid.startswith(f"{MITEL}.4.1.1.5.12.") for oid in values) == 1


def test_a_name_in_an_index_that_has_no_length_before_it_is_masked_too() -> None:
    spelt = ".".join(map(str, b"controller-a"))

    values, _ = masked({f"{MITEL}.4.1.1.5.{spelt}": Recorded(2, 1)})

    assert not any(spelt in oid for oid in values) and len(values) == 1


def test_a_name_in_an_index_that_is_not_as_long_as_it_says_breaks_nothing() -> None:
    odd = {f"{MITEL}.4.1.1.5.{index}": Recorded(2, 1) for index in ("12.99", "0", "3.1.300.2", "1.999999")}

    values, _ = masked(odd)

    assert len(values) == len(odd)


def test_no_two_of_many_values_get_one_token() -> None:
    many = {f"1.3.6.1.2.1.99.1.1.{n}": Recorded(64, f"10.{n >> 8}.{n & 255}.9") for n in range(5_000)}

    values, masker = masked(many)

    assert len({recorded.value for recorded in values.values()}) == 5_000
    assert masker.counts == {"address": 5_000}


def test_what_was_masked_is_counted_by_its_sort() -> None:
    _, masker = masked(DEVICE, names=("fw-hemel",), secrets=(COMMUNITY,))

    assert masker.counts["contact"] == masker.counts["location"] == 1
    assert masker.counts["removed"] == 3
    assert {"address", "address6", "mac", "name", "serial", "user", "ssid", "label"} <= masker.counts.keys()


@pytest.mark.parametrize(
    "text",
    [
        "version 10.1.2.3 of FortiOS v7.2.5", "127.0.0.1", "0.0.0.0/0 via 255.255.255.0", "GigabitEthernet0/1.100",
        "12:30:45", "serial console", "up 5 days", "ge-0/0/0.0", "SHA256:abc", "224.0.0.5",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert Masker(KEY).text(text) == text


@given(st.dictionaries(st.sampled_from(sorted(DEVICE)), st.binary(max_size=40).map(lambda raw: Recorded(4, raw))))
def test_no_octets_break_the_masking_or_lose_a_value(values: dict[str, Recorded]) -> None:
    never = [oid for oid in values if oid.startswith(("1.3.6.1.6.3", "1.3.6.1.2.1.25.4.2.1.5"))]

    assert len(Masker(KEY).values(values)) == len(values) - len(never)


@given(st.text(max_size=200))
def test_masking_a_text_never_raises_and_is_quick(text: str) -> None:
    assert isinstance(Masker(KEY, names=("fw-hemel",), secrets=(COMMUNITY,)).text(text), str)


def test_a_text_made_to_be_slow_is_not() -> None:
    for text in ("a." * 30_000, "1." * 30_000, ":" * 60_000, "a@" * 30_000, "serial" * 10_000, "user=" * 12_000):
        Masker(KEY).text(text)
