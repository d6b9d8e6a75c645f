"""What a person may be told who acts on an incident."""

from __future__ import annotations

from agent.records import IncidentState


class IncidentError(Exception):
    """Base. Trying again cannot help unless the message says how."""


class UnknownIncident(IncidentError):
    def __init__(self, incident: str) -> None:
        super().__init__(f"There is no incident {incident} that is live or lately resolved; `ridgeway incidents list`.")


class NotLive(IncidentError):
    def __init__(self, incident: str, state: IncidentState) -> None:
        super().__init__(f"{incident} is {state.value}; only a suspect, open or recovering incident can be acted on.")


class AlreadyOver(IncidentError):
    def __init__(self, incident: str) -> None:
        super().__init__(f"The acknowledgement of {incident} would be over before it begins; give a time to come.")
