"""Answers of real FortiGates' REST API: what Ridgeway reads of them, beside what fortigate_exporter reads of the same.

`MEANS` writes down which of its values mean the same as one of ours, `NOT_READ` why the others are none of ours.
Faults that no recording holds are declared changes of one, each with the verdict that it must bring about.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.replay import Replay, replay_answers
from checks.contract import State
from checks.firewall.answers import FirewallAnswers, Part
from checks.firewall.http.shape import understood
from config.profiles import load, search_path
from config.profiles.asks import Way
from testbeds.firewalls import KINDS, folder

pytestmark = pytest.mark.truth

PROFILE = "firewall/fortigate-http"
AT = 1_768_435_200.0
"""15 January 2026."""
ENOUGH = 0.95
ASKED = {
    "api/v2/monitor/system/ha-statistics": "ha_statistics", "api/v2/cmdb/system/ha": "ha",
    "api/v2/monitor/system/interface/select": "interfaces", "api/v2/monitor/system/link-monitor": "link_monitors",
    "api/v2/monitor/system/resource/usage": "usage", "api/v2/monitor/system/status": "system",
    "api/v2/monitor/vpn/ipsec": "tunnels", "api/v2/monitor/log/current-disk-usage": "disk",
    "api/v2/monitor/web-ui/state": "state",
}  # fmt: skip
"""By path, without its query: the question of the profile that it answers. The rest is not asked."""
_LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Labels = Mapping[str, str]


@dataclass(slots=True)
class Read:
    """One capture as it was judged."""

    replay: Replay

    @property
    def part(self) -> Part:
        (observation,) = self.replay.results[0].observations
        assert isinstance(observation.answers, FirewallAnswers)
        return observation.answers.others[Way.HTTP]

    def reading(self, family: str, *labels: str) -> float | None:
        found = self.replay.results[0].assessment.readings
        return next((r.value for r in found if r.family.name == f"ridgeway_{family}" and r.labels == labels), None)

    def scalar(self, place: str) -> float | None:
        said = self.part.answers.values.get(place)
        return float(said) if isinstance(said, int | float) else None

    def cell(self, column: str, key: str, wanted: str) -> float | None:
        """A cell of the row in which another column has this text."""
        rows = self.part.answers.rows
        index = next((index for index, said in rows.get(key, {}).items() if said == wanted), "")
        said = rows.get(column, {}).get(index)
        return float(said) if isinstance(said, int | float) else None

    @property
    def states(self) -> dict[str, State]:
        return {finding.key: finding.state for finding in self.replay.results[0].assessment.findings}


def per_cent(value: float | None) -> float | None:
    return None if value is None else value / 100


def member(column: str) -> Callable[[Read, Labels], float | None]:
    return lambda of, said: of.cell(f"ha_statistics#/*/{column}", "ha_statistics#/*/hostname", said["hostname"])


def speed(of: Read, said: Labels) -> float | None:
    """0 means that there is no link: no speed of ours."""
    octets = of.reading("interface_speed_bytes", said["name"])
    return 0.0 if octets is None else octets * 8


def tunnel(of: Read, said: Labels) -> float | None:
    """Of two phases of one name the second is told apart by its place."""
    name = said["name"] if said["p2serial"] == "1" else f"{said['name']}#2"
    return of.reading("firewall_vpn_tunnel_up", name, "1.2.3.4")


def link(of: Read, said: Labels) -> float | None:
    """One series for each state there, one value here; what is neither up nor down is unknown and has none."""
    up = of.reading("firewall_link_monitor_up", said["monitor"])
    if said["state"] == "unknown":
        return float(of.states.get(f"firewall/link_state/{said['monitor']}") is State.UNKNOWN)
    wanted = {"up": 1.0, "down": 0.0}.get(said["state"])
    return float(up is not None and up == wanted)


def named(of: Read, said: Labels) -> float | None:
    values = of.part.answers.values
    return float((values["system#/serial"], values["system#/version"]) == (said["serial"], said["version"]))


MEANS: Mapping[str, Callable[[Read, Labels], float | None]] = {
    "cpu_usage_ratio": lambda of, said: of.reading("firewall_cpu_ratio", "all") if said["processor"] == "0" else None,
    "memory_usage_ratio": lambda of, _: of.reading("firewall_memory_used_ratio"),
    "current_sessions{ipv4}": lambda of, _: of.reading("firewall_sessions"),
    "interface_link_up": lambda of, said: of.reading("interface_up", said["name"]),
    "interface_speed_bps": speed,
    "interface_receive_bytes_total": lambda of, said: of.reading("interface_receive_bytes_total", said["name"]),
    "interface_transmit_bytes_total": lambda of, said: of.reading("interface_transmit_bytes_total", said["name"]),
    "interface_receive_errors_total": lambda of, said: of.reading("interface_receive_errors_total", said["name"]),
    "interface_transmit_errors_total": lambda of, said: of.reading("interface_transmit_errors_total", said["name"]),
    "ipsec_tunnel_up": tunnel,
    "link_status": link,
    "link_latency_seconds": lambda of, said: of.reading("firewall_link_monitor_latency_seconds", said["monitor"]),
    "link_packet_loss_ratio": lambda of, said: of.reading("firewall_link_monitor_loss_ratio", said["monitor"]),
    "log_disk_used_bytes": lambda of, _: of.scalar("disk#/0/results/used_bytes"),
    "log_disk_total_bytes": lambda of, _: of.scalar("disk#/0/results/total_bytes"),
    "ha_member_cpu_usage_ratio": lambda of, said: per_cent(member("cpu_usage")(of, said)),
    "ha_member_memory_usage_ratio": lambda of, said: per_cent(member("mem_usage")(of, said)),
    "ha_member_sessions": member("sessions"),
    "version_info": named,
    "last_reboot_seconds": lambda of, _: of.reading("firewall_boot_timestamp_seconds"),
}
"""By the exporter's metric, without `fortigate_`: our value of the same meaning and unit."""
NOT_READ = {
    "current_sessions{ipv6}": "the SNMP profile's sessions are those of IPv4 too, and the two must be one series",
    "interface_receive_packets_total": "no family for packets: nothing is judged by them",
    "interface_transmit_packets_total": "the same",
    "ipsec_tunnel_receive_bytes_total": "traffic of tunnels is not read",
    "ipsec_tunnel_transmit_bytes_total": "the same",
    "link_active_sessions": "not judged by anything", "link_bandwidth_rx_byte_per_second": "the same",
    "link_bandwidth_tx_byte_per_second": "the same", "link_latency_jitter_seconds": "the same",
    "link_packet_received_total": "the same", "link_packet_sent_total": "the same",
    "link_status_change_time_seconds": "the agent keeps when a state changed itself",
    "ha_member_bytes_total": "not judged by anything", "ha_member_packets_total": "the same",
    "ha_member_network_usage_ratio": "the same", "ha_member_ips_events_total": "the same",
    "ha_member_virus_events_total": "the same", "ha_member_info": "names are labels of the members' own families",
    "last_snapshot_seconds": "not judged by anything",
}  # fmt: skip


def cases() -> list[dict[str, Any]]:
    there = folder()
    file = None if there is None else there / "fortios-rest" / "cases.json"
    found: list[dict[str, Any]] = json.loads(file.read_text()) if file is not None and file.is_file() else []
    return found


def body(name: str) -> bytes:
    there = folder()
    assert there is not None
    found: bytes = (there / "fortios-rest" / "responses" / name).read_bytes()
    return found


def judged(name: str, bodies: Mapping[str, bytes]) -> Read:
    """Answers by question, as the kind judges them."""
    profile = load(PROFILE, search_path())
    assert profile.asks is not None and profile.asks.http is not None
    questions = profile.asks.http.questions
    documents = {one: understood(questions[one], raw, raw.decode()) for one, raw in bodies.items()}
    return Read(replay_answers(name, profile, documents, KINDS, AT))


def of_case(case: dict[str, Any]) -> dict[str, bytes]:
    said = {ASKED.get(one["url"].partition("?")[0]): one["response"] for one in case["requests"]}
    return {question: body(name) for question, name in said.items() if question is not None}


def expected(case: dict[str, Any]) -> Iterator[tuple[str, Labels, float]]:
    there = folder()
    assert there is not None
    for line in (there / "fortios-rest" / case["expected"]).read_text().splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None or line.startswith("#"):
            continue
        labels = dict(_LABEL.findall(found[2] or ""))
        metric = found[1].removeprefix("fortigate_")
        yield f"{metric}{{{labels['protocol']}}}" if metric == "current_sessions" else metric, labels, float(found[3])


def same(mine: float | None, other: float) -> bool:
    return mine is not None and abs(mine - other) <= 1e-6 * max(1.0, abs(other))


def test_values_are_those_that_the_exporter_reads_of_the_same_answers(capsys: pytest.CaptureFixture[str]) -> None:
    if not cases():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    counts: Counter[tuple[str, str]] = Counter()
    wrong, other_products = [], 0
    for case in cases():
        bodies = of_case(case)
        if not bodies:
            other_products += 1
            continue
        of = judged(case["case"], bodies)
        for metric, labels, value in expected(case):
            assert metric in MEANS or metric in NOT_READ, metric
            if metric not in MEANS:
                continue
            mine = MEANS[metric](of, labels)
            verdict = "right" if same(mine, value) else "absent" if mine is None else "wrong"
            counts[metric, verdict] += 1
            if verdict != "right":
                wrong.append(f"{case['case']} {metric} {labels}: ours {mine}, theirs {value}")

    with capsys.disabled():
        print(f"\n{'fortigate-http':34} {'right':>6} {'wrong':>6} {'absent':>6}")
        for metric in sorted({metric for metric, _ in counts}):
            print(f"{metric:34} " + " ".join(f"{counts[metric, v]:6}" for v in ("right", "wrong", "absent")))
        print(
            f"{other_products} cases are about what is no health of a firewall: switches, access points, routes, rules"
        )
        print("\n".join(wrong))
    right = sum(count for (_, verdict), count in counts.items() if verdict == "right")
    assert sum(counts.values()) > 100
    assert right >= ENOUGH * sum(counts.values())


@pytest.mark.parametrize(
    "file", [] if folder() is None else sorted(Path(f"{folder()}/fortios-rest/responses").iterdir())
)
def test_no_answer_is_taken_for_one_to_another_question(file: Path) -> None:
    """Whatever is asked, another answer gives nothing that is invented: no reading, or none that looks well."""
    own = {response["response"]: ASKED.get(response["url"]) for case in cases() for response in case["requests"]}
    profile = load(PROFILE, search_path())
    assert profile.asks is not None
    for question in ("usage", "ha_statistics", "tunnels", "link_monitors", "disk", "licences", "sensors"):
        if own.get(file.name) == question:
            continue
        of = judged(file.name, {question: file.read_bytes()})

        invented = {r.family.name for r in of.replay.results[0].assessment.readings} - {"ridgeway_firewall_info"}
        assert not {name for name in invented if "cpu" in name or "memory" in name or "sync" in name}, (
            question,
            invented,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One declared change of recorded answers, and what is then not well beyond what they have themselves."""

    name: str
    responses: Mapping[str, str]
    """By question."""
    question: str
    change: Callable[[Any], object]
    bad: Mapping[str, str]


def checksums(*sums: str) -> bytes:
    """The members of the recording with these checksums; no recording has any."""
    members = json.loads(body("ha-statistics.json"))["results"]
    rows = [
        {"serial_no": one["serial_no"], "is_manage_primary": int(not row), "checksum": {"all": said}}
        for row, (one, said) in enumerate(zip(members, sums, strict=False))
    ]
    return json.dumps({"status": "success", "results": rows}).encode()


CLUSTER = {"ha_statistics": "ha-statistics.json", "ha": "ha-config.json"}
USAGE = {"usage": "usage.json"}
MONITORS = {"link_monitors": "link-monitor.json"}
DISK = {"disk": "log-current-disk-usage.json"}
NOTHING_OF_USAGE = {"firewall/http/usage": "unknown"}


def used(part: str, current: object) -> Callable[[Any], object]:
    return lambda document: document["results"][part][0].update(current=current)


def says(**words: object) -> Callable[[Any], object]:
    return lambda document: document["results"].update(words)


def says_members(*members: object) -> Callable[[Any], object]:
    return lambda document: document.update(results=list(members))


def line(**words: object) -> Callable[[Any], object]:
    return lambda document: document[0]["results"]["wan-mon"]["wan1"].update(words)


def disk(**octets: int) -> Callable[[Any], object]:
    return lambda document: document[0]["results"].update(octets)


CHANGES = (
    Change("a member missing", CLUSTER, "ha_statistics", lambda d: d["results"].pop(), {"firewall/ha": "warning"}),
    Change("no member at all", CLUSTER, "ha_statistics", says_members(), {"firewall/ha": "unknown"}),
    Change("memory in conserve mode", USAGE, "usage", used("mem", 91), {"firewall/memory_used": "critical"}),
    Change("memory near conserve mode", USAGE, "usage", used("mem", 85), {"firewall/memory_used": "warning"}),
    Change("a processor at its end", USAGE, "usage", used("cpu", 97), {"firewall/cpu_used": "warning"}),
    Change("a figure that is a text", USAGE, "usage", used("cpu", "32"), {"firewall/cpu_used": "unknown"}),
    Change("no figure", USAGE, "usage", used("cpu", None), {"firewall/cpu_used": "unknown"}),
    Change("a figure renamed", USAGE, "usage", lambda d: d["results"].pop("mem"), {"firewall/memory_used": "unknown"}),
    Change("what is asked for renamed", USAGE, "usage", lambda d: d["results"].pop("cpu"), NOTHING_OF_USAGE),
    Change("an error as answer", USAGE, "usage", lambda d: d.update(status="error"), NOTHING_OF_USAGE),
    Change("a dead link", MONITORS, "link_monitors", line(status="down"), {"firewall/link_state/wan-mon": "warning"}),
    Change("a new word", MONITORS, "link_monitors", line(status="UP!"), {"firewall/link_state/wan-mon": "unknown"}),
    Change("a full log disk", DISK, "disk", disk(used_bytes=29_900_000_000), {"firewall/disk_ratio": "critical"}),
    Change("no log disk at all", DISK, "disk", disk(used_bytes=0, total_bytes=0), {}),
    Change(
        "conserve mode in its own words", {"state": "web-ui-state.json"}, "state", says(conserve_mode=True),
        {"firewall/conserve_mode": "critical"},
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.name)
def test_each_declared_change_of_a_real_answer_brings_its_verdict(case: Change) -> None:
    if not cases():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    bodies = {question: body(name) for question, name in case.responses.items()}
    if "ha_statistics" in bodies:
        bodies |= {"ha_checksums": checksums("4df9", "4df9")} | first_member()
    before = judged(case.name, bodies)
    document = copy.deepcopy(json.loads(bodies[case.question]))
    case.change(document)

    after = judged(case.name, bodies | {case.question: json.dumps(document).encode()})

    assert not_well(before) == {}
    assert not_well(after) == case.bad


def first_member() -> dict[str, bytes]:
    """Other answers, as the first member of the recorded cluster would give them."""
    serial = json.loads(body("ha-statistics.json"))["serial"]
    usage, state = json.loads(body("usage.json")), json.loads(body("web-ui-state.json"))
    usage["serial"], state["results"]["hostname"] = serial, "member-name-1"
    system = {"status": "success", "serial": serial, "version": usage["version"]}
    return {name: json.dumps(said).encode() for name, said in (("usage", usage), ("state", state), ("system", system))}


@pytest.mark.parametrize(
    ("sums", "bad"),
    [
        (("4df9", "4df9"), {}),
        (("4df9", "74cc"), {"firewall/member_sync/member-name-2": "warning"}),
        (("4df9", ""), {"firewall/member_sync/member-name-2": "unknown"}),
        (("4df9",), {"firewall/member_sync/member-name-2": "unknown"}),
    ],
)
def test_members_whose_checksums_differ_are_out_of_sync_and_one_without_any_is_unknown(
    sums: tuple[str, ...], bad: dict[str, str]
) -> None:
    if not cases():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    bodies = {question: body(name) for question, name in CLUSTER.items()} | first_member()

    found = not_well(judged("sums", bodies | {"ha_checksums": checksums(*sums)}))

    assert {key: state for key, state in found.items() if "sync" in key} == bad


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_answer_and_a_web_page_are_unknown_with_what_came(cut: float) -> None:
    if not cases():
        pytest.skip("no recordings: set RIDGEWAY_RECORDINGS to the directory that holds them")
    whole = body("usage.json")
    page = b"<!DOCTYPE html><html><body>Please log in</body></html>"

    for wrong in (whole[: int(len(whole) * cut)], page):
        of = judged("cut", {"usage": wrong})

        assert "JSON" in of.part.not_understood["usage"]
        assert not_well(of)["firewall/http/usage"] == "unknown"
        assert of.reading("firewall_cpu_ratio", "all") is None


def not_well(of: Read) -> dict[str, str]:
    return {key: state.value for key, state in of.states.items() if state is not State.OK}
