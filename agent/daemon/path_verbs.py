"""The matrix of flows at the control socket, whose rights are the socket's: every council's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent.daemon.control import Verb
from exporters.web.api import path_json
from exporters.web.view import View


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


def path_verbs(view: View) -> Mapping[str, Verb]:
    """`paths`: what `ridgeway paths` prints."""

    async def tell(_asked: _Question) -> Any:
        return {"paths": [path_json(line) for line in view.paths(None)]}

    return {"paths": (_Question, tell)}
