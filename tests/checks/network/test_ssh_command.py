"""The kind `ssh_command` against a real sshd: every template that can run here, hostile parameters, hostile outputs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.contract import REACH, Observation, State
from checks.families import family_faults
from checks.network.command_plan import Wish, compiled, line_of
from checks.network.ssh_command import CHECK, CommandAnswers, SshCommandOptions
from checks.transports.ssh import Ran, SshDevice
from checks.transports.ssh.text import without_controls
from config.commands import SHIPPED, load, names
from testbeds import sshd
from testbeds.by_ssh import Asker, asking, readings, said
from testbeds.peers import free_port, need, wait_until

pytestmark = pytest.mark.acceptance

SYSTEMCTL = """#!/bin/sh
case "$*" in
  "show -p LoadState,ActiveState,SubState,NRestarts -- nginx.service")
    printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nNRestarts=0\\n' ;;
  show*) printf 'LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\n' ;;
  list-units*) cat "$0.failed" ;;
esac
"""
CONTENTS = {
    "systemctl": SYSTEMCTL,
    "zpool": '#!/bin/sh\n[ "$*" = "status -x" ] && cat "$0.status"\n',
    "slow": "#!/bin/sh\nexec sleep 20\n",
    "suicide": "#!/bin/sh\necho half a\nkill -9 $$\n",
    "painted": "#!/bin/sh\nprintf '\\033[31mvalue=5\\033[0m\\033]0;a\\007\\r\\nsnmp community s3cr3t-c0mmunity\\n'\n",
    "failing": "#!/bin/sh\necho value=5\necho 'Stale file handle' >&2\nexit 3\n",
    "silent": "#!/bin/sh\n",
    "wide": "#!/bin/sh\nhead -c 5000 /dev/zero | tr '\\0' x\necho ' value=5'\n",
}
TEMPLATE = """command: {name}
title: A test's own
source: the test
changes: nothing
harmless: it prints
run: {run}
{more}"""
VALUE = "values: {v: {title: the value, find: '^value=(?P<value>[0-9]+)$'}}\n"
WIDEST = "[A-Za-z0-9._/:@,+][A-Za-z0-9._/:@,+-]{0,198}"
OWN = {
    "slow": ("slow", VALUE), "suicide": ("suicide", VALUE), "painted": ("painted", VALUE),
    "failing": ("failing", VALUE),
    "silent": ("silent", VALUE), "wide": ("wide", VALUE), "absent": ("no-such-command", VALUE),
    "flood": ("seq 1 2000000", "not_expect: ^7$\nvalues: {v: {title: n, find: '^(?P<value>[0-9]+)$', take: count}}\n"),
    "quiet": ("silent", "may_be_empty: true\nvalues: {v: {title: n, find: '(?P<value>x)', take: count}}\n"),
    "echo": ("printf '%s\\n' {word}", f"expect: .\nparameters: {{word: {{title: w, pattern: '{WIDEST}'}}}}\n"),
}  # fmt: skip


class Place:
    """An sshd whose users find the test's own programs first, and a directory of the test's own templates."""

    def __init__(self, server: sshd.Sshd, programs: Path, templates: Path) -> None:
        self.server = server
        self.programs = programs
        self.templates = templates

    def says(self, program: str, text: str) -> None:
        (self.programs / program).write_text(text)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    scratch = Path(tempfile.mkdtemp(prefix="commands-"))
    programs, templates = scratch / "bin", scratch / "commands"
    programs.mkdir()
    templates.mkdir()
    for name, text in CONTENTS.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name, (run, more) in OWN.items():
        (templates / f"{name}.yaml").write_text(TEMPLATE.format(name=name, run=run, more=more))
    before = os.environ.get("RIDGEWAY_COMMANDS")
    os.environ["RIDGEWAY_COMMANDS"] = str(templates)
    try:
        with sshd.running(("ed25519",), "PermitUserEnvironment yes") as server:
            keys = server.directory / "authorized_keys"
            keys.write_text(f'environment="PATH={programs}:/usr/local/bin:/usr/bin:/bin" {keys.read_text()}')
            yield Place(server, programs, templates)
    finally:
        os.environ.pop("RIDGEWAY_COMMANDS")
        if before is not None:
            os.environ["RIDGEWAY_COMMANDS"] = before
        shutil.rmtree(scratch)


@pytest.fixture
async def asker(place: Place) -> AsyncIterator[Asker]:
    async with asking(CHECK, place.server) as made:
        yield made


def wish(place: Place, command: str, **more: object) -> SshCommandOptions:
    return SshCommandOptions.model_validate({"command": command, "port": place.server.port} | more)


def evidence(assessment: object) -> str:
    return " ".join(
        [finding.summary + " " + " ".join(finding.evidence.values()) for finding in assessment.findings]  # type: ignore[attr-defined]
    )


# The shipped templates


async def test_disk_and_inode_usage_of_a_real_file_system(place: Place, asker: Asker) -> None:
    generous = {"used": {"warning": {"above": 1.1}, "critical": {"above": 1.1}}}

    disk = await asker.ask(wish(place, "disk-usage", **{"with": {"mount": "/"}}, thresholds=generous))
    inodes = await asker.ask(wish(place, "inode-usage", **{"with": {"mount": "/"}}, thresholds=generous))

    assert said(disk) == {"run": "ok", "mounted": "ok", "used": "ok", "available": "ok"}
    assert said(inodes) == {"run": "ok", "mounted": "ok", "used": "ok"}
    label = f"disk-usage:/#{place.server.port}"
    assert {finding.key for finding in disk.findings} >= {f"ssh_command/{label}/used"}
    usage = shutil.disk_usage("/")
    assert readings(disk)["ridgeway_ssh_command_filesystem_used_ratio", label] == pytest.approx(
        usage.used / (usage.used + usage.free), abs=0.02
    )


async def test_a_file_system_that_is_not_mounted_is_critical_and_not_the_one_above_it(
    place: Place, asker: Asker
) -> None:
    assessment = await asker.ask(wish(place, "disk-usage", **{"with": {"mount": "/etc"}}))

    assert said(assessment) == {"run": "ok", "mounted": "critical", "used": "unknown", "available": "unknown"}


async def test_a_limit_of_the_estate_replaces_the_template_s(place: Place, asker: Asker) -> None:
    limits = {"used": {"critical": {"above": -1}}}

    assessment = await asker.ask(wish(place, "disk-usage", **{"with": {"mount": "/"}}, thresholds=limits))

    assert said(assessment)["used"] == "critical"
    assert "above -100.0 %" in evidence(assessment)


async def test_load_memory_and_start_of_a_real_machine(place: Place, asker: Asker) -> None:
    load_ = await asker.ask(wish(place, "load"))
    memory = await asker.ask(wish(place, "memory", thresholds={"available_ratio": {"critical": {"below": 0.0}}}))
    boot = await asker.ask(wish(place, "boot-time"))

    assert said(load_) == {"run": "ok", "load1": "ok", "load5": "ok", "load15": "ok", "tasks": "ok"}
    assert said(memory).keys() == {"run", "total", "available", "available_ratio"}
    assert said(boot) == {"run": "ok", "boot": "ok"}
    port = place.server.port
    (total,) = [int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line]
    assert readings(memory)["ridgeway_ssh_command_memory_total_bytes", f"memory#{port}"] == total * 1024
    (btime,) = [int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if "btime" in line]
    assert readings(boot)["ridgeway_ssh_command_boot_timestamp_seconds", f"boot-time#{port}"] == btime


async def test_the_age_of_a_real_file(place: Place, asker: Asker, tmp_path: Path) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="aged-", dir="/var/tmp"))
    try:
        (scratch / "dump.sql").write_bytes(b"x" * 77)
        os.utime(scratch / "dump.sql", (1_700_000_000, 1_700_000_000))
        options = {"with": {"path": f"{scratch}/dump.sql"}, "thresholds": {"modified": {"critical": {"above": 90_000}}}}

        assessment = await asker.ask(wish(place, "file-age", **options))

        assert said(assessment) == {"run": "ok", "modified": "critical", "size": "ok"}
        assert "above 1 d 1 h" in evidence(assessment)
        values = readings(assessment)
        assert [v for k, v in values.items() if "modified" in k[0]] == [1_700_000_000]
        os.utime(scratch / "dump.sql", (4_000_000_000, 4_000_000_000))
        assert said(await asker.ask(wish(place, "file-age", **options)))["modified"] == "unknown"
        gone = await asker.ask(wish(place, "file-age", **{"with": {"path": f"{scratch}/none"}}))
        assert said(gone) == {"run": "unknown"}
        assert "No such file" in evidence(gone)
    finally:
        shutil.rmtree(scratch)


async def test_processes_are_counted_and_none_is_critical(place: Place, asker: Asker) -> None:
    some = await asker.ask(wish(place, "processes", **{"with": {"name": "sshd"}}))
    none = await asker.ask(wish(place, "processes", **{"with": {"name": "no-such-thing"}}))

    assert (said(some)["running"], said(none)["running"]) == ("ok", "critical")
    assert said(none)["run"] == "ok"


async def test_a_pending_restart_is_told_only_where_somebody_tells_it(place: Place, asker: Asker) -> None:
    assessment = await asker.ask(wish(place, "reboot-pending"))

    noted = "warning" if Path("/run/reboot-required").exists() else "ok"
    assert said(assessment) == {"run": "ok", "system": "ok", "pending": noted}
    elsewhere = answered(wish(place, "reboot-pending"), "/run/reboot-required\n", status=1)
    assert said(elsewhere) == {"run": "ok", "system": "unknown", "pending": "warning"}


async def test_units_of_systemd_are_judged_by_their_words(place: Place, asker: Asker) -> None:
    good = await asker.ask(wish(place, "systemd-unit", **{"with": {"unit": "nginx.service"}}))
    none = await asker.ask(wish(place, "systemd-unit", **{"with": {"unit": "ngnix.service"}}))

    assert said(good) == {"run": "ok", "loaded": "ok", "active": "ok", "restarts": "ok"}
    assert said(none) == {"run": "ok", "loaded": "critical", "active": "critical"}


async def test_failed_units_are_counted_and_none_is_ok(place: Place, asker: Asker) -> None:
    place.says("systemctl.failed", "")
    assert said(await asker.ask(wish(place, "failed-units"))) == {"run": "ok", "failed": "ok"}

    place.says("systemctl.failed", "backup.service loaded failed failed Nightly backup\n")
    assert said(await asker.ask(wish(place, "failed-units"))) == {"run": "ok", "failed": "warning"}


@pytest.mark.parametrize("command", ["systemd-unit", "failed-units", "mdraid", "zpool"])
async def test_a_machine_without_the_thing_asked_for_is_unknown(command: str) -> None:
    """The real programs here: no systemd runs, there are no arrays, and zpool is not installed."""
    if command == "mdraid" and Path("/proc/mdstat").exists():
        pytest.skip("this machine has md devices")
    options = SshCommandOptions.model_validate(
        {"command": command, "with": {"unit": "x.service"} if "unit" in load(command, (SHIPPED,)).parameters else {}}
    )
    with sshd.running() as plain_server:
        async with asking(CHECK, plain_server) as asker:
            options = options.model_copy(update={"port": plain_server.port})

            assessment = await asker.ask(options)

    assert said(assessment) == {"run": "unknown"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("all pools are healthy\n", "ok"),
        ("no pools available\n", "unknown"),
        ("  pool: tank\n state: DEGRADED\nstatus: One or more devices are faulted.\n", "critical"),
    ],
)
async def test_pools_are_well_only_if_they_say_so(place: Place, asker: Asker, status: str, state: str) -> None:
    place.says("zpool.status", status)

    assert said(await asker.ask(wish(place, "zpool"))) == {"run": "ok", "health": state}


@contextmanager
def chronyd(place: Place) -> Iterator[None]:
    """A real chronyd that keeps its own time and touches no clock, and a chronyc that finds it."""
    daemon, client, port = need("chronyd"), need("chronyd").parent.parent / "bin" / "chronyc", free_port()
    scratch = Path(tempfile.mkdtemp(prefix="chronyd-"))
    (scratch / "conf").write_text(
        f"local stratum 10\nport 0\ncmdport {port}\nbindcmdaddress 127.0.0.1\nbindcmdaddress {scratch}/s/sock\n"
        f"pidfile {scratch}/pid\nuser root\n"
    )
    (scratch / "s").mkdir(mode=0o700)
    place.says("chronyc", f'#!/bin/sh\nexec {client} -h 127.0.0.1 -p {port} "$@"\n')
    (place.programs / "chronyc").chmod(0o755)
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen([daemon, "-d", "-x", "-f", scratch / "conf"], stdout=log, stderr=log)
    asked = [client, "-h", "127.0.0.1", "-p", str(port), "-c", "tracking"]
    try:
        wait_until(
            lambda: b",10," in subprocess.run(asked, capture_output=True, timeout=10, check=False).stdout,
            f"chronyd keeps its own time: {(scratch / 'log').read_text()}",
        )
        yield
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(scratch)
        (place.programs / "chronyc").unlink()


async def test_the_clock_of_a_real_chronyd(place: Place, asker: Asker) -> None:
    with chronyd(place):
        kept = await asker.ask(wish(place, "time-sync"))

    assert said(kept) == {"run": "ok", "stratum": "ok", "offset": "ok", "leap": "ok"}


async def test_a_clock_that_nothing_keeps_is_critical(place: Place) -> None:
    line = "00000000,,0,0.000000000,0.000000000,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"

    assert said(answered(wish(place, "time-sync"), line)) == {
        "run": "ok", "stratum": "critical", "offset": "ok", "leap": "critical",
    }  # fmt: skip


MDSTAT = """Personalities : [raid1] [raid6] [raid5] [raid4]
md1 : active raid5 sdd1[3] sdc1[2](F) sdb1[1] sda1[0]
      2930 blocks level 5, 64k chunk, algorithm 2 [4/3] [UU_U]
      [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec

md0 : {state} raid1 sdb2[1] sda2[0]
      104320 blocks [2/2] [UU]

unused devices: <none>
"""


def test_arrays_that_lack_a_member_are_critical(place: Place) -> None:
    bad = said(answered(wish(place, "mdraid"), MDSTAT.format(state="inactive")))
    good = said(
        answered(wish(place, "mdraid"), "Personalities : [raid1]\nmd0 : active raid1 a[0] b[1]\n 9 [2/2] [UU]\n")
    )
    none = said(answered(wish(place, "mdraid"), "Personalities :\nunused devices: <none>\n"))

    assert {name for name, state in bad.items() if state == "critical"} == {"inactive", "degraded", "failed"}
    assert set(good.values()) == {"ok"}
    assert none["arrays"] == "critical"


IOS = """Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E4, RELEASE SOFTWARE (fc2)
ROM: Bootstrap program is C2960X boot loader
sw-core uptime is 1 year, 2 weeks, 3 days, 4 hours, 5 minutes
System returned to ROM by power-on
"""
FORTIOS = """Version: FortiGate-VM64 v7.2.5,build1517,230606 (GA.F)
License Status: Invalid
Current HA mode: a-p, primary
"""


def test_what_network_devices_say_is_read(place: Place) -> None:
    ios = answered(wish(place, "cisco-version"), IOS, status=None)
    refused = answered(
        wish(place, "cisco-version"), "          ^\n% Invalid input detected at '^' marker.\n", status=None
    )
    fortios = answered(wish(place, "fortios-status"), FORTIOS, status=None)

    assert said(ios) == {"run": "ok", "version": "ok", "uptime": "ok", "reason": "ok"}
    assert [v for k, v in readings(ios).items() if k[-1] == "uptime"] == [33_019_500.0]
    assert said(refused) == {"run": "unknown"}
    assert said(fortios) == {"run": "ok", "version": "ok", "ha_mode": "ok", "licence": "warning"}


FLOW = {"source": "192.0.2.77", "destination": "192.0.2.9", "destination_port": 443}
ZONED = FLOW | {"from_zone": "trust", "to_zone": "dmz"}
CHAIN = """table inet filter {
\tchain forward {
\t\ttcp dport 22 counter packets 90 bytes 5400 accept comment "guests"
\t\ttcp dport 443 counter packets 12 bytes 720 drop comment "guests"
\t\ttcp dport 80 counter packets 3 bytes 180 log prefix "no: " reject with icmpx admin-prohibited comment "guests"
\t\ttcp dport 25 counter packets 7 bytes 420 drop comment "guests-mail"
\t}
}
"""
LIST = """access-list out line 1 extended permit tcp any host 192.0.2.9 eq https (hitcnt=900) 0x1
access-list out line 2 extended deny tcp any host 192.0.2.9 eq ssh (hitcnt=4) 0x5a2b
"""


@pytest.mark.parametrize(
    ("command", "parameters", "output", "expected"),
    [
        ("nft-drop-rule", {"table": "filter", "chain": "forward", "comment": "guests"}, CHAIN, 15.0),
        ("nft-drop-rule", {"table": "filter", "chain": "forward", "comment": "guest"}, CHAIN, None),
        ("asa-deny-line", {"list": "out", "hash": "0x5a2b"}, LIST, 4.0),
        ("asa-deny-line", {"list": "out", "hash": "0x1"}, LIST, None),
    ],
)
def test_only_a_rule_that_drops_is_counted(
    place: Place, command: str, parameters: dict[str, str], output: str, expected: float | None
) -> None:
    assessment = answered(wish(place, command, **{"with": parameters}), output, status=0)

    found = [value for key, value in readings(assessment).items() if key[0].endswith("dropped_packets")]
    assert found == ([] if expected is None else [expected])
    assert said(assessment)["packets"] == ("unknown" if expected is None else "ok")


@pytest.mark.parametrize(
    ("command", "parameters", "output", "rule"),
    [
        ("asa-packet-tracer", FLOW | {"interface": "outside", "protocol": "tcp"},
         "Result: DROP\naccess-list out extended deny tcp any any\n\nResult:\nAction: drop\n"
         "Drop-reason: (acl-drop) Flow is denied by configured rule",
         "rule: access-list out extended deny tcp any any"),
        ("junos-match-policies", ZONED | {"protocol": "tcp"},
         "Policy: web, action-type: permit, State: enabled, Index: 4", "policy: web"),
        ("panos-policy-match", ZONED | {"protocol_number": 6},
         '"web; index: 1" {\n        from trust;\n        action allow;\n}', "rule: web"),
    ],
)  # fmt: skip
def test_a_simulator_says_action_and_rule(
    place: Place, command: str, parameters: dict[str, object], output: str, rule: str
) -> None:
    assessment = answered(wish(place, command, **{"with": parameters}), output, status=None)

    assert set(said(assessment).values()) == {"ok"}
    assert rule in [finding.summary for finding in assessment.findings]
    assert "action" in said(assessment)


async def test_the_addresses_of_a_real_machine_are_listed(asker: Asker, place: Place) -> None:
    need("ip")

    assessment = await asker.ask(wish(place, "ip-addresses"))

    assert [finding for finding in assessment.findings if finding.state is not State.OK] == []


def test_a_machine_that_lists_no_address_is_not_well(place: Place) -> None:
    assessment = answered(wish(place, "ip-addresses"), "[]\n", status=0)

    assert said(assessment)["output"] == "critical"


def test_every_shipped_template_is_tried_here() -> None:
    tried = Path(__file__).read_text()

    assert [name for name in names((SHIPPED,)) if f'"{name}"' not in tried] == []


def answered(options: SshCommandOptions, output: str, *, errors: str = "", status: int | None = 0, cut: bool = False):  # type: ignore[no-untyped-def]
    """The assessment of an output, without a device."""
    from testbeds.single import check, subject

    answers = CommandAnswers(output, errors, status, cut, 0.1)
    observation = Observation("fw-a", "here", 1_800_000_000.0, 0.1, answers)
    return CHECK.assess(subject(check("ssh_command", options)), (observation,), None, 0.0)


# What a command line may become

INJECTIONS = [
    "/srv; reboot", "/srv;reboot", "/srv|sh", "/srv||reboot", "/srv&", "/srv&&reboot", "/srv>x", "/srv>>/etc/passwd",
    "/srv<x", "/srv<<E", "$(reboot)", "/$(reboot)", "/`reboot`", "/$HOME", "/${HOME}", "/srv\nreboot", "/srv\rreboot",
    "/srv\x00", "/srv\x1b[2J", "/srv\t-x", "/srv -x", " /srv", "/srv ", "-x", "--output=/etc/passwd", "-", "'/srv'",
    '"/srv"', "/srv'", '/srv"', "/srv\\", "/srv\\n", "/s*v", "/s?v", "/[s]rv", "/{a,b}", "~root", "/srv#x", "/srv!!",
    "/srv(x)", "/srv%x", "/srv=x", "/srv^x", "/../etc", "/srv/../etc/shadow", "/srv/..", "/\u202esrv", "/srv\u00a0x",
    "/srvé", "/srv\u2028x", "", "/" + "a" * 300, "\uff0fsrv", "/srv\x7f", "/srv\u0000/x",
]  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_a_hostile_parameter_is_refused_with_the_estate(place: Place, text: str) -> None:
    for command, name in (("disk-usage", "mount"), ("file-age", "path"), ("echo", "word")):
        with pytest.raises(ValidationError) as caught:
            wish(place, command, **{"with": {name: text}})

        assert f"with.{name} " in str(caught.value)


def test_the_table_of_injections_is_long_enough() -> None:
    assert len(set(INJECTIONS)) >= 40


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"with": {"mnt": "/"}}, "with: the template has no 'mnt'; did you mean 'mount'.; it has mount"),
        ({}, r"disk-usage needs `with: {mount: …}` \(mount point"),
        ({"with": {"mount": "/"}, "thresholds": {"usd": {}}}, "the template has no 'usd'; did you mean 'used'"),
        ({"with": {"mount": "/"}, "thresholds": {"mounted": {}}}, "thresholds: mounted is text, it has no limits"),
        ({"with": {"mount": "/"}, "expect": "(?=a)"}, "expect: .* is no regular expression"),
        ({"with": {"mount": "/"}, "run": "reboot"}, "Extra inputs are not permitted"),
        ({"with": {"mount": True}}, "valid string"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_template_is_refused(place: Place, more: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        wish(place, "disk-usage", **more)


def test_a_command_that_is_not_on_the_list_is_refused(place: Place) -> None:
    with pytest.raises(ValidationError, match="there is no command template 'reboot'; did you mean 'reboot-pending'"):
        wish(place, "reboot")


def test_a_template_that_cannot_be_read_stops_no_other(place: Place) -> None:
    (place.templates / "broken.yaml").write_text("command: broken\n")
    try:
        found = {family.name for family in CHECK.families()}
        with pytest.raises(ValidationError, match=r"broken.yaml:1:1: title: Field required"):
            wish(place, "broken")
    finally:
        (place.templates / "broken.yaml").unlink()

    assert {"ridgeway_ssh_command_value", "ridgeway_ssh_command_memory_total_bytes"} <= found


METRIC = "values: {{v: {{title: v, find: '(?P<value>x)', metric: {{name: {name}, help: h, unit: bytes}}}}}}\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ridgeway_boot_bytes", "its name begins with ridgeway_ssh_command_"),
        ("ridgeway_ssh_command_uptime_bytes", "or is an age where a timestamp belongs"),
        ("ridgeway_ssh_command_memory_total_bytes", "is declared otherwise by another template"),
    ],
)
def test_a_metric_that_breaks_the_rules_is_refused_and_stops_no_other(place: Place, name: str, says: str) -> None:
    text = TEMPLATE.format(name="zz-metric", run="x", more=METRIC.format(name=name))
    (place.templates / "zz-metric.yaml").write_text(text)
    load.cache_clear()
    try:
        with pytest.raises(ValidationError, match=says):
            wish(place, "zz-metric")
        assert wish(place, "memory").plan.values
        assert all(not family_faults(family) for family in CHECK.families())
    finally:
        (place.templates / "zz-metric.yaml").unlink()


def test_a_number_may_be_a_parameter(place: Place) -> None:
    assert wish(place, "echo", **{"with": {"word": 22}}).plan.line == "printf '%s\\n' 22"


WORDS = st.from_regex(WIDEST, fullmatch=True).filter(lambda text: ".." not in text.split("/"))
ANYTHING = st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40)


def printed(place: Place, lines: list[str]) -> str:
    """What a real login shell behind sshd makes of these command lines, one after another."""

    async def run() -> Ran:
        async with asking(CHECK, place.server) as asker:
            device = SshDevice(
                "mon", "127.0.0.1", place.server.credential(), (place.server.host_key(),), place.server.port
            )
            return await asker.ssh.run(device, "\n".join(lines), deadline=sshd.soon())

    return asyncio.run(run()).stdout


@settings(max_examples=5, deadline=None)
@given(st.lists(WORDS, min_size=30, max_size=30))
def test_whatever_is_let_through_arrives_as_one_word(place: Place, words: list[str]) -> None:
    lines = [wish(place, "echo", **{"with": {"word": word}}).plan.line for word in words]

    assert printed(place, lines) == "".join(f"{word}\n" for word in words)


@settings(max_examples=5, deadline=None)
@given(st.lists(ANYTHING, min_size=30, max_size=30))
def test_the_quotes_alone_would_do_it_too(place: Place, words: list[str]) -> None:
    """The second wall: were a pattern ever too wide, the shell would still get one word and run nothing."""
    template = load("echo", (place.templates, SHIPPED))
    words = [word for word in map(without_controls, words) if word]

    lines = [line_of(template, {"word": word}) for word in words]
    assert printed(place, lines) == "".join(f"{word}\n" for word in words)


@given(st.lists(WORDS, min_size=2, max_size=2, unique=True), st.sampled_from([22, 2222]), st.sampled_from([22, 2222]))
@settings(max_examples=50, deadline=None)
def test_two_commands_of_a_target_never_share_a_finding(place: Place, words: list[str], one: int, two: int) -> None:
    template = load("echo", (place.templates, SHIPPED))

    first, second = (
        compiled(template, None, Wish((("word", word),), port=port))
        for word, port in zip(words, (one, two), strict=True)
    )

    assert first.label != second.label
    assert max(len(first.label), len(second.label)) <= 100


# What a device may answer


async def test_ten_megabytes_are_cut_off_and_nothing_of_them_is_ok(place: Place, asker: Asker) -> None:
    options = wish(place, "flood", max_output=4096)
    subject = asker.subject(options)

    observation = await asker.collect(subject)
    assessment = asker.judge(subject, observation)

    assert observation.answers.truncated
    assert len(observation.answers.output) <= 4096
    assert said(assessment) == {"run": "unknown", "output": "critical", "v": "unknown"}
    assert all(len(finding.summary) <= 300 for finding in assessment.findings)
    assert all(len(text) <= 200 for finding in assessment.findings for text in finding.evidence.values())


async def test_colours_and_titles_are_taken_off_and_secrets_are_masked(place: Place, asker: Asker) -> None:
    assessment = await asker.ask(wish(place, "painted", thresholds={"v": {"warning": {"above": 1}}}))

    assert said(assessment) == {"run": "ok", "v": "warning"}
    assert "s3cr3t-c0mmunity" not in evidence(assessment)
    assert "value=5" in evidence(assessment)
    assert "\x1b" not in evidence(assessment)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("failing", "exit status 3 (Stale file handle)"),
        ("absent", "exit status 127 (the device has no such command)"),
        ("silent", "it printed nothing, so nothing is known"),
        ("suicide", "it ended without an exit status"),
    ],
)
async def test_a_command_that_did_not_do_its_work_is_unknown(
    place: Place, asker: Asker, command: str, why: str
) -> None:
    assessment = await asker.ask(wish(place, command))

    assert said(assessment) == {"run": "unknown"}
    assert why in evidence(assessment)
    assert not any(key.endswith("/v") for key in assessment.covers)


async def test_an_output_that_may_be_empty_is_ok(place: Place, asker: Asker) -> None:
    assert said(await asker.ask(wish(place, "quiet"))) == {"run": "ok", "v": "ok"}


async def test_a_value_behind_a_line_that_is_too_long_is_unknown(place: Place, asker: Asker) -> None:
    assessment = await asker.ask(wish(place, "wide"))

    assert said(assessment) == {"run": "ok", "v": "unknown"}


async def test_what_the_estate_expects_is_judged(place: Place, asker: Asker) -> None:
    there = await asker.ask(wish(place, "painted", expect="^value="))
    missing = await asker.ask(wish(place, "painted", expect="^no such line"))
    bad = await asker.ask(wish(place, "painted", not_expect="^snmp"))

    assert [said(one)["output"] for one in (there, missing, bad)] == ["ok", "critical", "critical"]
    assert "s3cr3t" not in evidence(bad)


async def test_a_command_without_end_is_its_own_fault_and_not_the_target_s(place: Place, asker: Asker) -> None:
    options = wish(place, "slow")

    stuck = await asker.ask(options, timeout=1.0)

    (finding,) = stuck.findings
    assert finding.key == options.plan.run_key != REACH
    assert finding.state is State.UNKNOWN
    assert "did not end by its deadline" in finding.summary


# Who answers


async def test_another_host_key_is_critical_and_over_after_a_good_run(place: Place, asker: Asker) -> None:
    stranger = ("ssh-ed25519 SHA256:" + "A" * 43,)

    bad = await asker.ask(wish(place, "load"), host_keys=stranger)
    good = await asker.ask(wish(place, "load"))

    assert {finding.key: finding.state.value for finding in bad.findings} == {"ssh/host-key": "critical"}
    assert {"ssh/host-key", "ssh/only-sha1", "credential/ops", "ssh_command/refused"} <= good.covers & good.may_go


async def test_a_key_that_is_not_let_in_is_the_credential_s_fault(place: Place, asker: Asker) -> None:
    refused = await asker.ask(wish(place, "load"), credential=place.server.credential("stranger", name="old-key"))

    assert [finding.key for finding in refused.findings] == ["credential/old-key"]


async def test_a_port_that_refuses_is_said_of_ssh(place: Place, asker: Asker) -> None:
    options = SshCommandOptions.model_validate({"command": "load", "port": free_port()})

    refused = await asker.ask(options)

    assert {finding.key: finding.state.value for finding in refused.findings} == {"ssh_command/refused": "unknown"}


async def test_one_login_serves_many_commands(place: Place, asker: Asker) -> None:
    before = place.server.log.count("Accepted publickey")

    for command in ("load", "memory", "boot-time", "load"):
        await asker.ask(wish(place, command))

    assert place.server.log.count("Accepted publickey") == before + 1
