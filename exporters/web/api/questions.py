"""What may be asked: query parameters and bodies. Bounded, and nothing is taken that is not named here."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from agent.commands import LONGEST_ACKNOWLEDGEMENT
from agent.records import IncidentState
from agent.redaction import plain

MOST_INCIDENTS = 200
MOST_PROBLEMS = 200
MOST_DRILLS = 100
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_LATEST = datetime.fromisoformat("3000-01-01T00:00:00+00:00")
M = TypeVar("M", bound=BaseModel)


def _written(moment: object) -> object:
    if not isinstance(moment, str) or _RFC_3339.match(moment) is None:
        raise ValueError("write a moment as RFC 3339 does: 2026-11-30T18:00:00Z")
    return moment


def _before_3000(moment: datetime) -> datetime:
    if not 0 <= moment.timestamp() < _LATEST.timestamp():
        raise ValueError("a moment from 1970 to 2999")
    return moment


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]
Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(plain)]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written), AfterValidator(_before_3000)]
Names = Annotated[tuple[Name, ...], Field(max_length=200)]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Body(_Question):
    model_config = ConfigDict(strict=True)


class Nothing(_Question):
    """For what takes no parameters."""


class IncidentQuery(_Question):
    state: Annotated[
        IncidentState | Literal["live", "ended", "all"],
        Field(description="`live`: suspect, open or recovering; `ended`: resolved or closed; or one state."),
    ] = "live"
    council: Annotated[Name | None, Field(description="Only this council's.")] = None
    site: Annotated[Name | None, Field(description="Only those at this site.")] = None
    subject: Annotated[Name | None, Field(description="Only those of this target, or other subject.")] = None
    since: Annotated[Moment | None, Field(description="Only those changed later (RFC 3339).")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_INCIDENTS)] = MOST_INCIDENTS
    page: Annotated[
        str | None, Field(max_length=200, description="`next` of the answer before, with the same other parameters.")
    ] = None


class ProblemQuery(_Question):
    limit: Annotated[int, Field(ge=1, le=MOST_PROBLEMS)] = MOST_PROBLEMS


class DrillQuery(_Question):
    target: Annotated[Name | None, Field(description="Only those of this target.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_DRILLS)] = MOST_DRILLS
    page: Annotated[
        str | None, Field(max_length=200, description="`next` of the answer before, with the same other parameters.")
    ] = None


class FailoverQuery(_Question):
    target: Annotated[Name | None, Field(description="Only those of this pair, or of the pair of this member.")] = None


class Acknowledge(_Body):
    """Somebody has it. Their name is that of whoever asks."""

    comment: Text
    seconds: Annotated[
        float, Field(gt=0, le=LONGEST_ACKNOWLEDGEMENT, description="How long until it counts as unseen again.")
    ]


class Now(_Body):
    """An empty object: there is nothing to say."""


class Selector(_Body):
    """What a window covers: all that is named must fit. Names may hold `*`."""

    targets: Names = ()
    sites: Names = ()
    councils: Names = ()
    services: Names = ()
    kinds: Annotated[Names, Field(description="Kinds of check.")] = ()


class Announce(_Body):
    """Planned work, at most 60 days long."""

    selector: Selector
    start: Moment
    end: Moment
    reason: Text


def asked(request: Request, model: type[M]) -> M:
    """The query parameters. HTTPException 400, which says what is allowed."""
    items = request.query_params.multi_items()
    names = [name for name, _ in items]
    known = ", ".join(model.model_fields) or "none"
    if len(set(names)) < len(names) or not set(names) <= set(model.model_fields):
        raise HTTPException(400, f"The parameters are, each once at most: {known}.")
    try:
        return model.model_validate_strings(dict(items))
    except ValidationError as error:
        raise HTTPException(400, _wrong(error)) from None


async def told(request: Request, model: type[M]) -> M:
    """The body. HTTPException 400, which says what is allowed. Its size and its type are the guard's matter."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(400, _wrong(error)) from None


def _wrong(error: ValidationError) -> str:
    """Every mistake, where and what would be right. What was sent is not repeated."""
    mistakes = dict.fromkeys(
        f"{'.'.join(str(part) for part in one['loc'] if isinstance(part, int) or part.isidentifier()) or 'the body'}: "
        f"{one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    )
    return "; ".join(mistakes)[:1_000]
