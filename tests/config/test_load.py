"""What the loader makes of good estates: inheritance, sharing, directories."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from config.estate import Council, Cron, Every, Level, MofN, Need, Route, Selector, WakeClass
from config.load import clashing_options, load_estate
from config.problems import EstateError
from config.secrets import SecretReference
from testbeds.estates import DESKS, KINDS, SMALLEST, TARGET, Kind, TcpOptions, load_text


def test_the_smallest_estate_takes_everything_else_from_defaults(tmp_path: Path) -> None:
    estate = load_text(tmp_path, SMALLEST + TARGET + "    checks: [icmp]\n")

    target = estate.targets["switch"]
    (check,) = target.checks
    assert (target.council, target.vantages, target.impact, target.title) == (
        "dacorum", ("here",), Level.MEDIUM, "switch",
    )  # fmt: skip
    assert (check.id, check.kind, check.schedule, check.timeout) == ("switch/icmp", "icmp", Every(60.0), 5.0)
    assert (check.open_after, check.clear_after, check.wake) == (MofN(3, 5), MofN(2, 3), WakeClass.NOW)
    assert check.vantages == ("here",)
    assert estate.councils["shared"] == Council("shared", "Shared")
    assert estate.routes == ()


def test_all_forms_of_a_check_mean_the_same(tmp_path: Path) -> None:
    forms = {
        "short": "[{tcp: {port: 443}}]",
        "long": "[{kind: tcp, port: 443}]",
        "named": "{tcp: {port: 443}}",
        "group": "[{use: web}]",
        "groups": "[{use: [web]}]",
    }
    text = SMALLEST + "check_groups: {web: [{tcp: {port: 443}}]}\ntargets:\n"
    for name, form in forms.items():
        text += f"  {name}: {{address: 192.0.2.1, site: forum, checks: {form}}}\n"

    estate = load_text(tmp_path, text)

    checks = [replace(target.checks[0], id="", target="") for target in estate.targets.values()]
    assert checks == [checks[0]] * len(forms)


def test_a_check_may_have_a_name_of_its_own(tmp_path: Path) -> None:
    listed = SMALLEST + TARGET + "    checks: [{tcp: {name: web, port: 443}}, {kind: tcp, name: ssh, port: 22}]\n"
    mapped = SMALLEST + TARGET + "    checks: {web: {kind: tcp, port: 443}, icmp: }\n"

    first, second = load_text(tmp_path, listed), load_text(tmp_path, mapped)

    assert [check.id for check in first.targets["switch"].checks] == ["switch/web", "switch/ssh"]
    assert [check.id for check in second.targets["switch"].checks] == ["switch/web", "switch/icmp"]


@pytest.mark.parametrize(
    ("levels", "seconds"),
    [
        ((), 60.0),
        (("estate",), 61.0),
        (("estate", "council"), 62.0),
        (("estate", "council", "site"), 63.0),
        (("estate", "council", "site", "target"), 64.0),
        (("estate", "council", "site", "target", "check"), 65.0),
        (("council", "check"), 65.0),
        (("estate", "site"), 63.0),
    ],
)
@pytest.mark.parametrize("by_kind", [False, True])
def test_the_nearest_level_that_says_something_decides(
    tmp_path: Path, levels: tuple[str, ...], seconds: float, by_kind: bool
) -> None:
    def says(level: str, every: int) -> str:
        if level not in levels:
            return "{}"
        return f"{{kinds: {{icmp: {{every: {every}s}}}}}}" if by_kind else f"{{every: {every}s}}"

    check = "{icmp: {every: 65s}}" if "check" in levels else "icmp"
    text = (
        "estate: {name: demo, vantage: here}\nvantages: {here: {site: forum}}\n"
        f"defaults: {says('estate', 61)}\n"
        f"councils: {{dacorum: {{defaults: {says('council', 62)}}}}}\n"
        f"sites: {{forum: {{council: dacorum, defaults: {says('site', 63)}}}}}\n"
        f"targets: {{switch: {{address: a.example, site: forum, defaults: {says('target', 64)}, checks: [{check}]}}}}\n"
    )

    estate = load_text(tmp_path, text)

    assert estate.targets["switch"].checks[0].schedule == Every(seconds)


def test_within_one_level_the_kind_beats_the_general_and_options_are_inherited_too(tmp_path: Path) -> None:
    text = SMALLEST + "defaults: {timeout: 2s, kinds: {icmp: {timeout: 3s, packets: 7}}}\n"

    estate = load_text(tmp_path, text + TARGET + "    checks: [icmp, {tcp: {port: 22}}]\n")

    icmp, tcp = estate.targets["switch"].checks
    assert (icmp.timeout, icmp.options.model_dump()) == (3.0, {"packets": 7})
    assert tcp.timeout == 2.0


def test_a_nearer_period_replaces_a_cron_and_the_reverse(tmp_path: Path) -> None:
    text = SMALLEST + 'defaults: {cron: "0 6 * * *", time_zone: Europe/Paris}\n' + TARGET
    text += '    checks: [icmp, {tcp: {port: 22, every: 5m}}, {snmp: {cron: "30 7 * * 1-5"}}]\n'
    text += "    credentials: {snmp: ro}\ncredentials: {ro: {kind: snmp-v2c, community: 'env:RO'}}\n"

    estate = load_text(tmp_path, text)

    assert [check.schedule for check in estate.targets["switch"].checks] == [
        Cron("0 6 * * *", "Europe/Paris"), Every(300.0), Cron("30 7 * * 1-5", "Europe/Paris"),
    ]  # fmt: skip


def test_an_evidence_check_keeps_its_own_cadence_unless_its_kind_is_named(tmp_path: Path) -> None:
    defaults = "defaults: {every: 1m, open_after: 3 of 5, timeout: 20s}\n"
    general = SMALLEST + defaults + TARGET + "    checks: [nightly]\n"
    named = general.replace("timeout: 20s", "kinds: {nightly: {every: 12h}}")

    first, second = load_text(tmp_path, general), load_text(tmp_path, named)

    check = first.targets["switch"].checks[0]
    assert (check.evidence, check.schedule, check.open_after) == (True, Every(86_400.0), MofN(1, 1))
    assert check.timeout == 20.0
    assert second.targets["switch"].checks[0].schedule == Every(43_200.0)


def test_an_inherited_reopen_window_grows_to_two_and_a_half_cadences(tmp_path: Path) -> None:
    text = SMALLEST + "defaults: {reopen_window: 1h}\n" + TARGET + "    checks: [{icmp: {every: 1h}}]\n"

    estate = load_text(tmp_path, text)

    assert estate.targets["switch"].checks[0].reopen_window == 9_000.0


def test_a_target_depends_on_what_its_site_depends_on(tmp_path: Path) -> None:
    text = SMALLEST.replace("title: The Forum", "depends_on: {any: [link-a, link-b]}") + "targets:\n"
    for name, need in (("link-a", ""), ("link-b", ""), ("switch", ""), ("phone", ", depends_on: [switch]")):
        text += f"  {name}: {{address: {name}.example, site: forum, checks: [icmp]{need}}}\n"

    estate = load_text(tmp_path, text)

    links = Need("any", ("link-a", "link-b"))
    assert estate.targets["link-a"].depends_on is None
    assert estate.targets["switch"].depends_on == links
    assert estate.targets["phone"].depends_on == Need("all", (links, "switch"))


def test_impact_is_said_inherited_or_that_of_the_weightiest_service(tmp_path: Path) -> None:
    text = SMALLEST + (
        "services: {web: {council: dacorum, impact: low}, calls: {council: shared, impact: high}}\n"
        "targets:\n"
        "  said: {address: a.example, site: forum, checks: [icmp], impact: low, services: [calls]}\n"
        "  inherited: {address: a.example, site: forum, checks: [icmp], defaults: {impact: low}, services: [calls]}\n"
        "  carried: {address: a.example, site: forum, checks: [icmp], services: [web, calls]}\n"
    )

    estate = load_text(tmp_path, text)

    assert [estate.targets[name].impact for name in ("said", "inherited", "carried")] == [
        Level.LOW, Level.LOW, Level.HIGH,
    ]  # fmt: skip


def test_vantages_are_those_of_the_check_else_of_the_target_else_of_the_estate(tmp_path: Path) -> None:
    text = SMALLEST.replace(
        "here: {site: forum}",
        'here: {site: forum}, there: {site: forum, url: "https://agent.example:10191", token: env:TOKEN}',
    ) + (
        "targets:\n"
        "  a: {address: a.example, site: forum, checks: [icmp]}\n"
        "  b: {address: b.example, site: forum, vantages: [there], checks: [icmp, {snmp: {vantages: [here]}}],\n"
        "      credentials: {snmp: ro}}\n"
        "credentials: {ro: {kind: snmp-v2c, community: 'env:RO'}}\n"
    )

    estate = load_text(tmp_path, text)

    assert estate.targets["a"].checks[0].vantages == ("here",)
    assert [check.vantages for check in estate.targets["b"].checks] == [("there",), ("here",)]


def test_credentials_are_inherited_by_role_and_flattened(tmp_path: Path) -> None:
    text = SMALLEST + (
        "credentials:\n"
        "  core:\n    kind: snmp-v3\n    user: ridgeway\n"
        "    auth: {protocol: sha256, password: 'file:/etc/ridgeway/auth'}\n"
        "    privacy: {protocol: aes128, password: 'credential:privacy'}\n"
        "  edge: {kind: snmp-v2c, community: 'env:EDGE'}\n"
        "defaults: {credentials: {snmp: edge}}\n"
        "targets:\n"
        "  edge: {address: a.example, site: forum, checks: [snmp]}\n"
        "  core: {address: b.example, site: forum, checks: [snmp], credentials: {snmp: core}}\n"
    )

    estate = load_text(tmp_path, text)

    assert estate.targets["edge"].credentials["snmp"].settings == {"community": SecretReference("env", "EDGE")}
    assert dict(estate.targets["core"].credentials["snmp"].settings) == {
        "user": "ridgeway",
        "auth_protocol": "sha256",
        "auth_password": SecretReference("file", "/etc/ridgeway/auth"),
        "privacy_protocol": "aes128",
        "privacy_password": SecretReference("credential", "privacy"),
    }


def test_an_acceptance_is_overdue_when_the_day_of_its_review_is_over(tmp_path: Path) -> None:
    acceptance = 'accept_unreadable: {reason: old firmware, owner: Network team, review: "2026-07-31"}'

    estate = load_text(tmp_path, SMALLEST + TARGET + f"    checks: [{{icmp: {{{acceptance}}}}}]\n")

    accepted = estate.targets["switch"].checks[0].accept_unreadable
    assert accepted is not None
    assert accepted.review == datetime(2026, 7, 31, 23, 0, tzinfo=UTC)


def test_expected_nothing_is_kept(tmp_path: Path) -> None:
    estate = load_text(tmp_path, SMALLEST + TARGET + "    checks: [{icmp: {expect_empty: [vpn/users]}}]\n")

    assert estate.targets["switch"].checks[0].expect_empty == {"vpn/users"}


def test_a_desk_has_the_options_of_its_kind_and_routes_keep_their_order(tmp_path: Path) -> None:
    text = (
        SMALLEST
        + TARGET
        + "    checks: [icmp]\n"
        + (
            "desks: {rt: {kind: tracker, url: 'https://desk.example', token: 'env:RT', new_tickets_per_day: 30}}\n"
            "routes:\n"
            "  - {name: switches, match: {targets: ['sw*']}, desks: [rt], queue: Network}\n"
            "  - {name: rest, desks: [], mode: shadow}\n"
        )
    )

    estate = load_text(tmp_path, text)

    desk = estate.desks["rt"]
    assert (desk.kind, desk.new_tickets_per_day) == ("tracker", 30)
    assert desk.options.model_dump() == {"url": "https://desk.example", "token": SecretReference("env", "RT")}
    assert estate.routes == (
        Route("switches", Selector(targets=("sw*",)), ("rt",), "Network"),
        Route("rest", Selector(), (), "", "shadow"),
    )


def test_equal_options_are_one_object(tmp_path: Path) -> None:
    text = SMALLEST + "targets:\n"
    for name in ("a", "b", "c"):
        text += f"  {name}: {{address: {name}.example, site: forum, checks: [{{tcp: {{port: 443}}}}]}}\n"

    estate = load_text(tmp_path, text)

    assert len({id(target.checks[0].options) for target in estate.targets.values()}) == 1


def test_the_revision_is_what_sha256sum_prints(tmp_path: Path) -> None:
    text = SMALLEST + TARGET + "    checks: [icmp]\n"

    estate = load_text(tmp_path, text)

    assert estate.revision == sha256(text.encode()).hexdigest()


def test_a_directory_is_one_estate(tmp_path: Path) -> None:
    (tmp_path / "places.yaml").write_text(SMALLEST)
    (tmp_path / "forum.yaml").write_text(TARGET + "    checks: [icmp]\n")
    (tmp_path / "gateway.yaml").write_text(TARGET.replace("switch", "router") + "    checks: [icmp]\n")
    (tmp_path / "README.md").write_text("not read")

    before = load_estate(tmp_path, KINDS, DESKS)
    (tmp_path / "forum.yaml").write_text(TARGET + "    checks: [icmp]\n# changed\n")
    after = load_estate(tmp_path, KINDS, DESKS)

    assert set(before.targets) == {"switch", "router"}
    assert before.revision != after.revision


def test_a_name_in_two_files_is_refused_naming_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALLEST + TARGET + "    checks: [icmp]\n")
    (tmp_path / "b.yaml").write_text("\n" + TARGET + "    checks: [icmp]\n")

    with pytest.raises(EstateError) as refused:
        load_estate(tmp_path, KINDS, DESKS)

    assert str(refused.value) == (
        f'{tmp_path}/b.yaml:3:3: targets.switch: a second "switch"; the first is in {tmp_path}/a.yaml:6'
    )


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("estate: {name: other, vantage: here}", "the estate has one name"),
        ("routes: []", "routes are read in order, so they stand in one file"),
        ("defaults: {}", "the estate has one set of defaults"),
    ],
)
def test_a_section_that_is_one_thing_stands_in_one_file(tmp_path: Path, section: str, why: str) -> None:
    word = section.partition(":")[0]
    first = SMALLEST + TARGET + "    checks: [icmp]\n" + ("" if word == "estate" else section + "\n")
    (tmp_path / "a.yaml").write_text(first)
    (tmp_path / "b.yaml").write_text(section + "\n")

    with pytest.raises(EstateError) as refused:
        load_estate(tmp_path, KINDS, DESKS)

    line = 1 if word == "estate" else 10
    assert str(refused.value) == f"{tmp_path}/b.yaml:1:1: {word}: also stands in {tmp_path}/a.yaml:{line}; {why}"


def test_mistakes_of_all_files_come_at_once_at_their_own_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALLEST.replace("council: dacorum", "council: dacorm"))
    (tmp_path / "b.yaml").write_text("targets:\n  switch: {address: 192.0.2.1, site: forum, checks: [icpm]}\n")

    with pytest.raises(EstateError) as refused:
        load_estate(tmp_path, KINDS, DESKS)

    places = [(Path(problem.file).name, problem.line, problem.path) for problem in refused.value.problems]
    assert places == [("a.yaml", 3, "sites.forum.council"), ("b.yaml", 2, "targets.switch.checks[0]")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"# only a comment\n"), "is empty"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8 text; save the file as UTF-8"),
        (lambda path: path.write_bytes(b"a: \x00"), "control character U+0000; take it out"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
        (lambda path: path.mkdir(), "a directory without any *.yaml file"),
    ],
    ids=["missing", "empty", "comment", "not-utf-8", "control-character", "fifo", "empty-directory"],
)
def test_what_is_no_estate_at_all_is_refused(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "estate.yaml"
    make(path)  # type: ignore[operator]

    with pytest.raises(EstateError) as refused:
        load_estate(path, KINDS, DESKS)

    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.message) == (str(path), 1, message)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    with path.open("wb") as file:
        file.truncate(17 * 1024 * 1024)

    with pytest.raises(EstateError, match="is larger than 16,777,216 bytes"):
        load_estate(path, KINDS, DESKS)


def test_a_file_that_would_be_overlooked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALLEST)
    (tmp_path / "sites.yml").write_text("{}")

    with pytest.raises(EstateError) as refused:
        load_estate(tmp_path, KINDS, DESKS)

    assert str(refused.value) == (
        f"{tmp_path}/sites.yml:1:1: is not read; name it *.yaml, or move it out of the estate's directory"
    )


def test_thousands_of_wrong_names_are_all_reported_and_soon(tmp_path: Path) -> None:
    text = SMALLEST + "targets:\n"
    for index in range(3000):
        text += f"  t{index}: {{address: a.example, site: form{index}, depends_on: x{index}, checks: [icmp]}}\n"

    with pytest.raises(EstateError) as refused:
        load_text(tmp_path, text)

    assert len(refused.value.problems) == 6000


def test_an_option_that_a_setting_hides_is_noticed() -> None:
    class Hidden(TcpOptions):
        timeout: int = 3

    kind = Kind("hidden", "Hidden", Hidden, KINDS["tcp"].defaults)

    assert clashing_options(kind) == ["timeout"]
    assert not any(clashing_options(kind) for kind in KINDS.values())
