"""From a configuration to digests: secrets and salts make no difference, rules and their order do, a cut is seen."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.firewall_config.answers import Part
from checks.firewall_config.change import begun, doubted
from checks.firewall_config.grammar import statements
from checks.firewall_config.normal import MOST_PARTS, joined, normalised
from checks.firewall_config.secrets import announces, without_secrets
from checks.firewall_config.statements import Cut
from config.configurations import Grammar, load, names, search_path
from testbeds.configurations import MOVED, TEXTS, text_of, with_moved_rule

SYNTAXES = {name: load(name, search_path()) for name in names(search_path())}
WORD = st.text(string.ascii_letters + string.digits, min_size=6, max_size=24)
KINDS = re.compile(r"(?i)sha-?[0-9]*|md5|3?des|aes-?[0-9]*|text|string|value|hashed|encrypted")
LIKE_WORDS = ("password", "Secret1", "community", "key", "my-psk", "sha256", "3DES")
"""Passwords that look like the words which announce one."""
PASSWORDS = WORD.filter(lambda word: not announces(word) and not word.isdigit() and not KINDS.fullmatch(word))
SALTS = st.text(string.ascii_letters + string.digits, min_size=4, max_size=12)


def parts_of(syntax: str, text: str) -> tuple[Part, ...]:
    return normalised(SYNTAXES[syntax], text).parts


def changed(syntax: str, text: str) -> list[str]:
    """Parts that differ from those of the plain configuration."""
    before = {part.name: part.digest for part in parts_of(syntax, text_of(syntax))}
    after = {part.name: part.digest for part in parts_of(syntax, text)}
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def test_every_syntax_has_a_configuration_here() -> None:
    assert sorted(SYNTAXES) == sorted(TEXTS)


@settings(max_examples=25, deadline=None)
@given(PASSWORDS, SALTS, st.integers(2, 9))
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_another_secret_salt_or_export_is_no_drift(syntax: str, secret: str, salt: str, export: int) -> None:
    text = text_of(syntax, secret, salt=salt, export=export)

    assert changed(syntax, text) == []
    assert secret not in repr(parts_of(syntax, text)) or secret in repr(parts_of(syntax, text_of(syntax, "zz99zz99")))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_password_that_looks_like_a_word_leaves_no_trace_either(syntax: str) -> None:
    read = [normalised(SYNTAXES[syntax], text_of(syntax, secret)) for secret in LIKE_WORDS]

    assert read == [read[0]] * len(read)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_each_single_secret_is_found_where_nothing_takes_it_out(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places = TEXTS[syntax].count("{s}")
    found = []

    for place in range(places):
        monkeypatch.undo()
        pieces = TEXTS[syntax].split("{s}")
        template = "{s}".join(pieces[: place + 1]) + "{t}" + "{s}".join(pieces[place + 1 :])
        monkeypatch.setitem(TEXTS, syntax, template.replace("{t}", "Another0ne"))
        other = text_of(syntax)
        monkeypatch.undo()
        assert other != text_of(syntax)
        assert changed(syntax, other) == []
        raw = [list(statements(SYNTAXES[syntax], each)) for each in (text_of(syntax), other)]
        found.append(raw[0] != raw[1])

    assert all(found)


@pytest.mark.parametrize(
    ("syntax", "old", "new", "parts"),
    [
        ("fortios", 'set allowaccess ping\n', 'set allowaccess ping https\n', ["system interface"]),
        ("fortios", "set keylife 86400", "set keylife 28800", ["vpn ipsec phase1-interface"]),
        ("fortios", 'set accprofile "super_admin"', 'set accprofile "read"', ["system admin"]),
        ("asa", "privilege 15", "privilege 2", ["username"]),
        ("asa", "password-servers eq 443", "password-servers eq 22", ["access-list OUTSIDE"]),
        ("asa", "hash sha", "hash md5", ["crypto"]),
        ("asa", " security-level 0", " security-level 100", ["interface GigabitEthernet0/0"]),
        ("junos", "authorization read-only", "authorization read-write", ["snmp community"]),
        ("junos", "permit;", "deny;", ["security policies"]),
        ("gaia", "read-only", "read-write", ["snmp"]),
        ("panos", "<member>password-servers</member>", "<member>any</member>", ["devices vsys rulebase security"]),
        ("vyos", "action 'accept'", "action 'drop'", ["firewall ipv4"]),
        ("pfsense", "<type>pass</type>", "<type>block</type>", ["filter rule"]),
        ("opnsense", "<timezone>Europe/London", "<timezone>UTC", ["system timezone"]),
        ("nftables", "22, 443", "22, 80", ["table inet filter chain input"]),
        ("nftables", "198.51.100.8 }", "198.51.100.9 }", ["table inet filter set"]),
        ("keepalived", "192.0.2.1/24", "192.0.2.3/24", ["vrrp_instance virtual_ipaddress"]),
    ],
)  # fmt: skip
def test_a_change_names_its_part(syntax: str, old: str, new: str, parts: list[str]) -> None:
    text = text_of(syntax)
    assert text.count(old) >= 1

    assert changed(syntax, text.replace(old, new)) == parts


@pytest.mark.parametrize("syntax", MOVED)
def test_a_moved_rule_is_drift(syntax: str) -> None:
    assert len(changed(syntax, with_moved_rule(syntax))) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_a_member_s_own_makes_no_difference_between_members(syntax: str) -> None:
    first, second = ({part.name: part.shared for part in parts_of(syntax, text_of(syntax, member=n))} for n in (1, 2))

    assert first == second


def test_sections_may_stand_in_another_order() -> None:
    text = text_of("fortios")
    sections = re.findall(r"^config .*?^end\n", text, re.MULTILINE | re.DOTALL)
    moved = text.split("config system global")[0] + "".join(reversed(sections))

    assert changed("fortios", moved) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_configuration_cut_anywhere_is_never_taken_for_another_one(syntax: str) -> None:
    text = text_of(syntax)
    whole = normalised(SYNTAXES[syntax], text)
    note = begun(whole, "method", 0.0)
    told_by_itself = SYNTAXES[syntax].ends is not None or SYNTAXES[syntax].grammar is Grammar.XML
    seen = {"cut": 0, "doubted": 0, "whole": 0}

    for at in range(len(text)):
        try:
            reading = normalised(SYNTAXES[syntax], text[:at])
        except Cut:
            seen["cut"] += 1
            continue
        if reading == whole:
            seen["whole"] += 1
            continue
        assert not told_by_itself, text[max(0, at - 60) : at]
        assert doubted(note, reading, "method"), text[max(0, at - 60) : at]
        seen["doubted"] += 1

    assert seen["cut"] + seen["doubted"] + seen["whole"] == len(text)
    assert seen["cut"] > 3
    assert seen["whole"] <= 20  # what is missing was a secret, or the end of the last line


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "text",
    ["", "\n\n  \n", "\x00\x01\x02", "Permission denied", "<html><body>Log in</body></html>", "{" * 5_000, "}" * 5_000,
     "config a\n" * 5_000, "<a>" * 5_000, '"' * 5_001, "x" * 200_000],
    ids=["nothing", "blank", "binary", "refusal", "page", "opened", "closed", "sections", "elements", "quotes", "line"],
)  # fmt: skip
def test_what_is_no_configuration_is_none(syntax: str, text: str) -> None:
    with pytest.raises(Cut):
        parts_of(syntax, text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_any_text_is_read_or_refused(syntax: str, text: str) -> None:
    begins = text_of(syntax)[:200]

    for each in (text, begins + text, begins + "\n" + text + "\n: end\n"):
        try:
            parts = parts_of(syntax, each)
        except Cut:
            continue
        assert 0 < len(parts) <= MOST_PARTS
        assert all(re.fullmatch(r"[A-Za-z0-9 ._:/-]{1,60}", part.name) for part in parts)


@pytest.mark.parametrize("syntax", ["asa", "junos", "vyos", "gaia", "keepalived"])
def test_a_statement_too_long_to_be_looked_through_makes_it_unknown(syntax: str) -> None:
    text = text_of(syntax).rstrip("\n")
    line = text.split("\n")[-2] + " a" * 60_000

    with pytest.raises(Cut, match=r"100000 letters|32768 letters"):
        parts_of(syntax, text.replace(text.split("\n")[-2], line, 1))


def test_entities_are_refused_before_they_are_anything() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><pfsense><system>&c;</system></pfsense>'

    with pytest.raises(Cut, match="document type"):
        parts_of("pfsense", bomb)


def test_a_part_is_named_by_nothing_but_words() -> None:
    text = "set system name\nset 'Bridgewater 77!' x\n set $9$hidden y\n"

    names_there = [part.name for part in parts_of("vyos", text)]

    assert names_there == ["system name", "other"]


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("username bob password {s} pbkdf2 privilege 15", "username bob password <removed> pbkdf2 privilege 15"),
        ("enable password Mysecret1 encrypted", "enable password <removed>"),
        ("hash sha", "hash sha"),
        ("rekey 3600 seconds", "rekey 3600 seconds"),
        ("crypto isakmp key {s} address 203.0.113.9", "crypto isakmp key <removed> address 203.0.113.9"),
        ('set secret "two words" more', "set secret <removed> more"),
        ("api-key={s} x", "api-key=<removed> x"),
    ],
)
def test_only_the_secret_goes(statement: str, kept: str) -> None:
    assert without_secrets(statement.format(s="Bridgewater77")) == kept


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 400), st.integers(1, 9)), max_size=600))
def test_too_many_parts_are_joined_and_nothing_is_lost(made: list[tuple[str, int, int]]) -> None:
    named = {f"{head} {number}": Part(f"{head} {number}", "d" * 20, "s" * 20, lines) for head, number, lines in made}
    every = list(named.values())

    few = joined(every, MOST_PARTS)

    assert len(few) <= MOST_PARTS
    assert len({part.name for part in few}) == len(few)
    assert sum(part.lines for part in few) == sum(part.lines for part in every)


def test_a_change_in_a_joined_part_is_still_seen() -> None:
    def text(action: str) -> str:
        lists = "".join(f"access-list L{n} extended permit ip any host 192.0.2.{n % 250}\n" for n in range(400))
        return f"ASA Version 9.16(4)\n{lists}access-list L7 extended {action} ip any any\n: end\n"

    before, after = parts_of("asa", text("permit")), parts_of("asa", text("deny"))

    assert [part.name for part in before] == ["ASA", "access-list"]
    assert before[0] == after[0]
    assert before[1] != after[1]
