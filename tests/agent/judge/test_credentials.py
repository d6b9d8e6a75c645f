"""A refused credential is one cause, whatever the devices; the devices themselves are not at fault."""

from __future__ import annotations

from dataclasses import replace

from agent.records import AlertLevel, Cause, IncidentState
from checks.contract import Fault, Reason, State
from config.estate import SHARED, Credential, Estate
from testbeds.judging import Stage, check, estate, reach, target

READER = Credential("reader", "password", {"user": "ridgeway"})
WRONG = Fault(Reason.AUTHENTICATION, "the device refused the password", "credential/reader")
WITHHELD = Fault(Reason.WITHHELD, "it was not asked: the credential reader was refused", "credential/reader")


def devices(*councils: str) -> Estate:
    """One device for each council, all with the same credential."""
    return estate(
        *(
            replace(
                target(f"nas-{n}", check(f"nas-{n}", "icmp"), check(f"nas-{n}", "ssh_command"), council=council),
                credentials={"ssh": READER},
            )
            for n, council in enumerate(councils)
        )
    )


def test_many_devices_that_refuse_one_credential_are_one_incident_and_none_of_them_is_unreachable() -> None:
    stage = Stage(devices("dacorum", "dacorum", "dacorum"))
    refused = Cause("dacorum", "reader", "credential/refused")

    for _ in range(3):
        stage.result("nas-0/ssh_command", fault=WRONG, after=60)
        stage.result("nas-1/ssh_command", fault=WITHHELD)
        stage.result("nas-2/ssh_command", fault=WITHHELD)

    assert [incident.cause for incident in stage.live()] == [refused]
    assert stage.incident(refused).severity is State.UNKNOWN
    assert stage.level(reach("nas-1")) is AlertLevel.CLEAR


def test_a_credential_of_both_councils_belongs_to_both() -> None:
    stage = Stage(devices("dacorum", "aylesbury-vale"))

    stage.result("nas-0/ssh_command", fault=WRONG)
    stage.result("nas-1/ssh_command", fault=WITHHELD)

    assert [incident.cause for incident in stage.live()] == [Cause(SHARED, "reader", "credential/refused")]


def test_it_is_over_when_every_device_takes_it_again_and_not_before() -> None:
    stage = Stage(devices("dacorum", "dacorum"))
    refused = Cause("dacorum", "reader", "credential/refused")
    for _ in range(2):
        stage.result("nas-0/ssh_command", fault=WRONG, after=60)
        stage.result("nas-1/ssh_command", fault=WITHHELD)

    stage.good("nas-0/ssh_command", after=60, times=5)
    assert stage.incident(refused).state is IncidentState.OPEN
    for _ in range(13):
        stage.good("nas-0/ssh_command", after=60)
        stage.good("nas-1/ssh_command")
        stage.tick()

    assert stage.incident(refused).state is IncidentState.RESOLVED


def test_what_was_refused_before_a_restart_ends_after_it() -> None:
    stage = Stage(devices("dacorum", "dacorum"))
    refused = Cause("dacorum", "reader", "credential/refused")
    for _ in range(2):
        stage.result("nas-0/ssh_command", fault=WRONG, after=60)
        stage.result("nas-1/ssh_command", fault=WITHHELD)
    stage.crash()
    stage.result("nas-1/ssh_command", fault=WITHHELD, after=60)

    for _ in range(13):
        stage.good("nas-0/ssh_command", after=60)
        stage.good("nas-1/ssh_command")
        stage.tick()

    assert stage.incident(refused).state is IncidentState.RESOLVED
    assert not any(incident.cause.subject.startswith("nas") for incident in stage.incidents.values())


def test_a_changed_estate_keeps_the_cause_as_long_as_something_uses_the_credential() -> None:
    stage = Stage(devices("dacorum", "dacorum"))
    refused = Cause("dacorum", "reader", "credential/refused")
    for _ in range(2):
        stage.result("nas-0/ssh_command", fault=WRONG, after=60)
        stage.result("nas-1/ssh_command", fault=WITHHELD)

    stage.reload(devices("dacorum"))
    still = stage.incident(refused).state
    stage.reload(estate(target("other")))

    assert still is IncidentState.OPEN
    assert (stage.incident(refused).state, stage.incident(refused).resolution) == (IncidentState.RESOLVED, "withdrawn")


def test_one_site_is_named_where_all_its_devices_stand_there() -> None:
    stage = Stage(devices("dacorum", "dacorum"))

    for _ in range(2):
        stage.result("nas-0/ssh_command", fault=WRONG, after=60)

    assert stage.incident(Cause("dacorum", "reader", "credential/refused")).site == "forum"
