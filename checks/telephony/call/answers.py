"""What one test call brought back, in plain values."""

from __future__ import annotations

from dataclasses import dataclass

from checks.transports.rtp import Codec, MediaReport


@dataclass(frozen=True, slots=True)
class Sound:
    """What was agreed with the one who answered, and what was heard."""

    trouble: str = ""
    """Why no sound could be agreed; nothing else is known then."""
    codec: Codec | None = None
    far_listens: bool = True
    """Whether the answer says that our sound is wanted."""
    far_speaks: bool = True
    report: MediaReport | None = None


@dataclass(frozen=True, slots=True)
class CallAnswers:
    """A call, or why none was made. No number of anybody is in it."""

    held_back: str = ""
    """Why no call was made this time; empty where one was."""
    away: bool = False
    """Whether that is so because nobody is there, which another check tells."""
    endpoint: str = ""
    """As `udp:192.0.2.10:5060`."""
    status: int | None = None
    """Of the final answer: 200 where the call was answered, None where there was none that is final."""
    reason: str = ""
    provisional: tuple[int, ...] = ()
    invites: int = 0
    """How often an INVITE was sent."""
    setup_seconds: float | None = None
    """Until it rang, or until the answer of one that does not ring."""
    answer_seconds: float | None = None
    waited_seconds: float = 0.0
    """For an answer."""
    log_in: str = ""
    """Why it could not be said who calls, where the far end wants to know."""
    sound: Sound | None = None
    """Of a call that was answered."""
    hung_up_after: float | None = None
    """Seconds from the answer until the far end hung up by itself."""
    told: bool = False
    """Whether the far end has confirmed that the call is over."""
    others: int = 0
    """Further answers to the same call, each ended at once."""
    declined: tuple[str, ...] = ()
    """Changes of the call that the far end asked for."""

    @property
    def answered(self) -> bool:
        return self.answer_seconds is not None

    @property
    def reached(self) -> bool | None:
        """A call that was not made tells nothing."""
        return None if self.held_back else True
