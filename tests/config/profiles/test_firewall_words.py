"""The words of a profile that firewalls need: roles, relevance, recognition, dates; and what is refused of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.profiles import SHIPPED, Identity, ProfileError, load, names, recognised
from config.profiles.asks import Way
from config.profiles.vocabulary import FAMILIES

HEAD = "profile: own\ntitle: Own\nsource: us\n"
VALUE = "{title: v, oid: 1.3.6.1.4.1.9.1.0"


def loaded(directory: Path, text: str) -> str:
    """What the loader says of a profile of that text; empty when it is content."""
    (directory / "own.yaml").write_text(HEAD + text)
    load.cache_clear()
    try:
        load("own", (directory, SHIPPED))
    except ProfileError as error:
        return str(error).replace(str(directory), "")
    return ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"values: {{v: {VALUE}, metric: sesions}}}}", "/own.yaml:4:56: values.v.metric: there is no shared family "
         "'sesions'; did you mean 'sessions'?"),
        (f"values: {{v: {VALUE}, metric: cpu_ratio}}}}",
         "/own.yaml: values.v.metric: ridgeway_firewall_cpu_ratio has the label 'component': say it with labels, "
         "label_name or also"),
        (f"values: {{v: {VALUE}, until: {{warning_days: 3}}}}}}", "values.v: until, since and never are for dates"),
        (f"values: {{v: {VALUE}, relevant_if: [{{value: w, absent: true}}]}}}}",
         "/own.yaml: values.v.relevant_if: there is no value 'w'"),
        (f"values: {{v: {VALUE}, relevant_if: [{{role: [boss]}}]}}}}", "Input should be 'active', 'standby'"),
        (f"values: {{v: {VALUE}, relevant_if: [{{value: v, rows: t}}]}}}}", "exactly one of `value`, `every`, `rows`"),
        (f"values: {{v: {VALUE}, relevant_if: [{{value: v}}]}}}}", "one of `among`, `like` and `absent: true`"),
        (f"values: {{v: {VALUE}, enum: {{1: {{name: up}}}}, relevant_if: [{{value: v, among: [upp]}}]}}}}",
         "'upp' is not among the words of 'v': up"),
        (f"values: {{v: {VALUE}, per_second: 32, read: slowly}}}}", "only be judged when it is read at every run"),
        ("match: [{}]\nvalues: {}", "a match says `object_ids`, `description` or both"),
        ("match: [{description: '('}]\nvalues: {}", "is no regular expression (RE2)"),
        (f"values: {{v: {VALUE}}}}}\nfirewall: {{vendor: X, serial: w}}", "firewall.serial: there is no value 'w'"),
        (f"values: {{v: {VALUE}}}}}\nfirewall: {{vendor: X, roles: [{{own_row: true}}]}}",
         "firewall.roles: own_row needs firewall.members"),
        (f"values: {{v: {VALUE}}}}}\nfirewall: {{vendor: X, roles: [{{is: active, of: v}}]}}",
         "exactly one of `is`, `of` and `own_row: true`"),
        (f"values: {{v: {VALUE}}}}}\nfirewall: {{vendor: X, members: {{table: t, primary: p}}}}",
         "`primary` is compared with `key`"),
        (f"values: {{v: {VALUE}, forecast: {{}}}}}}", "a forecast is of a number with a metric that goes up and down"),
        (f"values: {{v: {VALUE}, metric: sessions, forecast: {{limit: w}}}}}}",
         "/own.yaml: values.v.forecast.limit: there is no value 'w'"),
        (f"values: {{v: {VALUE}, metric: sessions, forecast: {{limit: w}}}}, w: {VALUE}}}}}",
         "/own.yaml: values.v.forecast.limit: 'w' has no metric, by which the limit is known"),
        (f"values: {{v: {VALUE}, metric: sessions, forecast: {{limit: Big}}}}}}", "'Big' is not a name"),
        (f"values: {{v: {VALUE}, metric: sessions, forecast: {{lead_days: 0}}}}}}", "greater than 0"),
        (f"values: {{v: {VALUE}}}}}\nbudget: {{slow_seconds: 1}}", "budget.slow_seconds: Input should be greater than"),
    ],
    ids=["family", "label", "until", "value", "role", "two", "none", "word", "rate", "match", "pattern", "serial",
         "own-row", "two-answers", "primary", "forecast", "limit", "no-metric", "name", "lead", "budget"],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    assert says in loaded(tmp_path, text)


def test_every_family_of_the_vocabulary_is_one_that_a_profile_makes() -> None:
    made = {
        value.metric.name
        for name in names((SHIPPED,))
        for profile in (load(name, (SHIPPED,)),)
        for value in (*profile.values.values(), *(c for t in profile.tables.values() for c in t.columns.values()))
        if value.metric is not None
    }

    lacking = {family["name"] for family in FAMILIES.values()} - made
    assert lacking == set()


FIREWALLS = [name for name in names((SHIPPED,)) if load(name, (SHIPPED,)).firewall is not None]


UNPROVEN = {
    "firewall/ftd-ssh", "firewall/gaia-http", "firewall/hillstone", "firewall/opnsense-http", "firewall/panos-http",
    "firewall/pfsense-http", "firewall/pfsense-ssh", "firewall/srx-http", "firewall/stormshield",
    "firewall/stormshield-http", "firewall/vyos-ssh", "firewall/watchguard",
}  # fmt: skip


@pytest.mark.parametrize("name", FIREWALLS)
def test_a_shipped_firewall_can_be_recognised_and_says_whether_it_is_proven(name: str) -> None:
    profile = load(name, (SHIPPED,))

    assert profile.source and bool(profile.match) == (profile.way is Way.SNMP)
    assert profile.proven or name in UNPROVEN


@pytest.mark.parametrize("name", [name for name in FIREWALLS if load(name, (SHIPPED,)).asks is not None])
def test_nothing_is_asked_that_no_value_reads(name: str) -> None:
    profile = load(name, (SHIPPED,))
    columns = [column for table in profile.tables.values() for column in table.columns.values()]

    read = {place.partition("#")[0] for value in (*profile.values.values(), *columns) for place in value.oids}

    assert profile.asks is not None and set(profile.asks.often()) == read


def test_a_shipped_profile_by_another_way_is_named_by_that_of_its_product() -> None:
    named = {other for name in FIREWALLS for other in load(name, (SHIPPED,)).also.values()}

    assert {name for name in FIREWALLS if load(name, (SHIPPED,)).asks is not None} - named == {"firewall/vyos-ssh"}


@pytest.mark.parametrize(
    ("object_id", "description", "profile"),
    [
        ("1.3.6.1.4.1.12356.101.1.644", "anything", "firewall/fortigate"),
        ("1.3.6.1.4.1.12356.103.1.64", "FortiManager", None),
        ("1.3.6.1.4.1.9.1.2404", "Cisco Adaptive Security Appliance Version 9.12(2)", "firewall/asa"),
        ("1.3.6.1.4.1.9.1.2409", "Cisco FirePOWER Threat Defense, Version 6.2, ASA Version 9.7", "firewall/ftd"),
        ("1.3.6.1.4.1.9.1.1", "Cisco IOS Software", None),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux host 5.10 x86_64", None),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux gw 3.10.20-al-5.0-pr2 armv7l", "firewall/gaia"),
        ("1.3.6.1.4.1.8072.3.2.8", "pfSense fw 2.4.5", "firewall/pfsense"),
        ("1.3.6.1.4.1.8072.3.2.8", "NS-BSD SERIAL i386", "firewall/stormshield"),
        ("1.3.6.1.4.1.8741.6", "SonicWall SMA 400", None),
        ("1.3.6.1.4.1.123561.101", "", None),
        ("", "", None),
    ],
)
def test_a_device_is_recognised_by_what_it_says_or_not_at_all(
    object_id: str, description: str, profile: str | None
) -> None:
    found = recognised(Identity(object_id, description), [load(name, (SHIPPED,)) for name in FIREWALLS])

    assert (None if found is None else found.profile) == profile


def test_two_profiles_that_fit_equally_well_are_a_guess_and_so_none(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(
            f"profile: {name}\ntitle: T\nsource: us\nmatch: [{{object_ids: [1.3.6.1.4.1.9.9]}}]\n"
        )
    both = [load(name, (tmp_path,)) for name in ("one", "two")]

    assert recognised(Identity("1.3.6.1.4.1.9.9.1"), both) is None
    assert recognised(Identity("1.3.6.1.4.1.9.9.1"), both[:1]) is both[0]
