"""The rules by which an object is judged, whatever product takes it. Each is pure and knows nothing of the others."""

from __future__ import annotations

from dataclasses import dataclass

from checks.contract import State


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a rule says of an object. `words` go on after the object's title and begin with a small letter."""

    state: State
    words: str
    mend: str = ""
    """What to do next."""
    job: str = ""
    """`product/job`, where it is that job's: what many objects suffer for one job is told once."""
    whole: bool = False
    """It is so for the whole job, whatever the object."""
    said: str = ""
    """The product's own words."""
