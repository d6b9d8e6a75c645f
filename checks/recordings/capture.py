"""Taking a recording: a target's SNMP checks ask it as they always do, and everything that comes in is noted.

The questions are those of the checks themselves, put one at a time; subtrees asked for with `--walk` come after them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from checks.contract import Context, Observation, Reason
from checks.firewall import CHECK as FIREWALL
from checks.firewall import FirewallOptions
from checks.network.snmp import CHECK as SNMP
from checks.network.snmp import ROLE, SnmpOptions
from checks.recordings.masking import Masker
from checks.recordings.recording import Recorded, RecordedCheck, Recording, RecordingError, numbers, ordered, within
from checks.recordings.sensitive import NEVER
from checks.telephony.mitel import CHECK as MITEL
from checks.telephony.mitel import MitelOptions
from checks.transports.names import Names
from checks.transports.snmp import Answer, Columns, Device, Manner, Missing, SnmpError, Value
from checks.transports.snmp.second import SecondTransport
from config.estate import CheckSpec, Target
from config.profiles import load, search_path

SYSTEM = "1.3.6.1.2.1.1"
"""Always recorded too: what the device says it is."""
KINDS = {kind.kind: kind for kind in (SNMP, FIREWALL, MITEL)}
"""The kinds that ask over SNMP, and so can be recorded value by value."""
_SYSTEM_ROWS = 200
_MOST_ROWS = 20


class Recorder:
    """Stands where the polling engine does, asks with the second one, and keeps what it hears, types included."""

    def __init__(self, most: int, names: Names | None = None) -> None:
        """At most `most` values are kept. Made inside the running loop."""
        self._values: dict[str, Recorded] = {}
        self._asked: dict[str, None] = {}
        self._errors: dict[str, None] = {}
        self._cut: dict[str, Reason] = {}
        self._most = most
        self._second = SecondTransport(names, self._hear)
        self.why = ""
        """What the first question that failed failed of."""

    @property
    def count(self) -> int:
        """How many values there are so far."""
        return len(self._values)

    async def get(self, device: Device, oids: Sequence[str], deadline: float) -> Answer:
        """As `Asking`; an OID that was not answered any more is noted as cut."""
        answer = await self._second.get(_gentle(device), oids, deadline)
        for oid in oids:
            self._asked[oid] = None
            if oid in answer.values:
                self._cut.pop(oid, None)
                if answer.values[oid] is Missing.ERROR:
                    self._errors[oid] = None
            elif answer.error is not None:
                self._cut[oid] = answer.error.reason
                self.why = self.why or str(answer.error)
        return answer

    async def walk(self, device: Device, root: str, deadline: float, most: int = 10_000) -> Answer:
        """As `Asking`."""
        answer = await self._second.walk(_gentle(device), root, deadline, min(most, self._left()))
        self._note(root, answer.error)
        return answer

    async def columns(
        self, device: Device, columns: Sequence[str], deadline: float, most_rows: int | Mapping[str, int] = 1_000
    ) -> Columns:
        """As `Asking`."""
        rows: dict[str, dict[str, Value]] = {}
        complete: list[str] = []
        for column in columns:
            most = most_rows if isinstance(most_rows, int) else most_rows[column]
            read = await self._second.columns(_gentle(device), [column], deadline, min(most, self._left()))
            rows |= read.rows
            self._note(column, read.error)
            if read.error is not None:
                return Columns(rows, frozenset(complete), read.error)
            complete.append(column)
        return Columns(rows, frozenset(complete))

    def manner(self, device: Device) -> Manner | None:
        """As `Asking`."""
        return self._second.manner(device)

    async def close(self) -> None:
        """As `Asking`."""
        await self._second.close()

    def recording(self, at: float, checks: tuple[RecordedCheck, ...]) -> Recording:
        """What was heard, as it came: not masked yet."""
        return Recording(
            ordered(self._values), at, checks, tuple(sorted(self._asked, key=numbers)), tuple(self._errors),
            dict(sorted(self._cut.items(), key=lambda entry: numbers(entry[0]))),
        )  # fmt: skip

    def _left(self) -> int:
        return max(0, self._most - len(self._values))

    def _note(self, root: str, error: SnmpError | None) -> None:
        self._asked[root] = None
        if error is None:
            self._cut.pop(root, None)
        else:
            self._cut[root] = error.reason
            self.why = self.why or str(error)

    def _hear(self, oid: str, tag: int, value: Value) -> None:
        if isinstance(value, int | str | bytes):
            self._values[oid] = Recorded(tag, value)


async def captured(
    target: Target, checks: Sequence[CheckSpec], walks: Sequence[str], context: Context, recorder: Recorder
) -> Recording:
    """Record what `checks` (of `KINDS`) ask `target`, its system group, and the subtrees of their profiles and `walks`.

    `context.transports.snmp` is the recorder and `context.deadline` bounds everything. Raises RecordingError for a
    subtree that is never recorded; what the device does not answer is in the recording.
    """
    for root in walks:
        refuse_secret(root)
    options: SnmpOptions | FirewallOptions | MitelOptions | None = None
    roots: dict[str, None] = {}
    for check in map(alone, checks):
        assert isinstance(check.options, SnmpOptions | FirewallOptions | MitelOptions)  # the caller chose such checks
        options = options or check.options
        observation = await KINDS[check.kind].collect(target, check.options, context)
        if observation.answers is None:
            # A device that is away, or does not let us in, is not asked the same again for each check.
            return recorder.recording(context.now(), tuple(map(_noted, checks)))
        roots |= dict.fromkeys(_of_profile(check.options, observation))
    at = context.now()
    device = Device(
        target.address,
        target.credentials[ROLE],
        options.port if options else 161,
        options.retries if options else 2,
        options.max_oids_per_pdu if options else 10,
        options.max_repetitions if options else 10,
    )
    await recorder.walk(device, SYSTEM, context.deadline, _SYSTEM_ROWS)
    for root in (*roots, *walks):
        await recorder.walk(device, root, context.deadline, 2**31)
    return recorder.recording(at, tuple(map(_noted, checks)))


def alone(check: CheckSpec) -> CheckSpec:
    """The check without what it asks beside its own target, which is no part of a recording of that."""
    return replace(check, options=check.options.alone) if isinstance(check.options, MitelOptions) else check


def _of_profile(options: SnmpOptions | FirewallOptions | MitelOptions, observation: Observation) -> Sequence[str]:
    """The subtrees that the profile by which the target was asked wants recorded too. Raises RecordingError."""
    profile = options.profile if isinstance(options, SnmpOptions) else observation.answers.profile
    roots = load(profile, search_path()).record if profile else ()
    for root in roots:
        refuse_secret(root)
    return roots


def refuse_secret(root: str) -> None:
    """Refuse a subtree in which devices keep secrets. Raises RecordingError."""
    secret = within(root, NEVER)
    if secret is not None:
        raise RecordingError(f"{root} is never recorded: devices keep passwords, communities and users below {secret}")


def masked(recording: Recording, masker: Masker) -> Recording:
    """The recording as it may be written."""
    return replace(
        recording,
        values=masker.values(recording.values),
        checks=tuple(replace(check, options=masker.plain(dict(check.options))) for check in recording.checks),
        asked=tuple(map(masker.oid, recording.asked)),
        errors=tuple(map(masker.oid, recording.errors)),
        cut={masker.oid(oid): reason for oid, reason in recording.cut.items()},
    )


def _noted(check: CheckSpec) -> RecordedCheck:
    options = alone(check).options.model_dump(mode="json", exclude_defaults=True)
    for name in ("port", "retries", "max_oids_per_pdu", "max_repetitions"):
        options.pop(name, None)  # how it was asked; a replay asks nobody
    return RecordedCheck(check.name, options, tuple(sorted(check.expect_empty)), check.kind)


def _gentle(device: Device) -> Device:
    return replace(device, max_repetitions=min(device.max_repetitions, _MOST_ROWS))
