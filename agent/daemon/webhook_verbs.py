"""The daemon's side of `ridgeway webhooks`: questions that come by the control socket, and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.daemon.control import Verb
from agent.daemon.reading import NotFound
from agent.ledger.untold import Standing
from agent.redaction import plain
from agent.webhook_commands import WebhookCommands
from config.estate import WebhookSpec
from config.secrets import SecretError
from exporters.outbound import url_of
from exporters.webhooks.delivery import Webhooks

_Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Act(_Question):
    name: _Name
    by: _Name


class _Retry(_Act):
    sequence: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None


class _Dead(_Question):
    name: _Name
    limit: Annotated[int, Field(ge=1, le=1000)]


class WebhookVerbs:
    """Belongs to the event loop's thread."""

    def __init__(self, webhooks: Webhooks, commands: WebhookCommands) -> None:
        self._webhooks, self._commands = webhooks, commands

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "webhooks": (_Question, self._list),
            "webhook-test": (_Act, self._test),
            "webhook-retry": (_Retry, self._retry),
            "webhook-resume": (_Act, self._resume),
            "webhook-dead": (_Dead, self._dead),
        }

    async def _list(self, _asked: _Question) -> Any:
        specs = self._webhooks.specs
        standings = await self._webhooks.standings()
        hosts = await asyncio.to_thread(lambda: {name: _host_of(spec) for name, spec in specs.items()})
        return {"webhooks": [_shown(spec, hosts[name], standings.get(name)) for name, spec in specs.items()]}

    async def _test(self, asked: _Act) -> Any:
        self._commands.check(asked.name, asked.by)
        outcome = await self._webhooks.test(asked.name, asked.by)
        await self._commands.tested(asked.name, asked.by, outcome.text)
        return {"name": asked.name, "taken": outcome.failure is None, "answer": outcome.text}

    async def _retry(self, asked: _Retry) -> Any:
        return {"name": asked.name, "dead_letters": await self._commands.retry(asked.name, asked.sequence, asked.by)}

    async def _resume(self, asked: _Act) -> Any:
        return {"name": asked.name, "after": await self._commands.resume(asked.name, asked.by)}

    async def _dead(self, asked: _Dead) -> Any:
        if asked.name not in self._webhooks.specs:
            raise NotFound(f"No webhook is called {asked.name}; `ridgeway webhooks list` shows them.")
        rows = [
            {
                "sequence": shown.letter.sequence,
                "incident": shown.incident,
                "kind": shown.kind,
                "at": shown.letter.at,
                "attempts": shown.letter.attempts,
                "error": shown.letter.error,
                "wanted": shown.letter.wanted,
            }
            for shown in await self._webhooks.letters(asked.name, asked.limit)
        ]
        return {"name": asked.name, "dead_letters": rows}


def _shown(spec: WebhookSpec, host: str | None, standing: Standing | None) -> dict[str, Any]:
    standing = standing or Standing()
    place = standing.place
    return {
        "name": spec.name,
        "to": host,
        "councils": "all" if spec.councils is None else sorted(spec.councils),
        "kinds": sorted(spec.kinds),
        "state": place.state.value if place is not None else "new",
        "told_up_to": place.sequence if place is not None else None,
        "waiting": standing.waiting,
        "oldest": standing.oldest,
        "attempts": place.attempts if place is not None else 0,
        "not_before": (place.not_before or None) if place is not None else None,
        "failing_since": place.failing_since if place is not None else None,
        "delivered_at": place.delivered_at if place is not None else None,
        "last_error": place.last_error if place is not None else None,
        "dead_letters": standing.dead,
    }


def _host_of(spec: WebhookSpec) -> str | None:
    """Scheme, host and port: what comes behind them may be what lets one in. May read a file."""
    try:
        url = url_of(spec.url)
    except SecretError:
        return None
    return f"{url.scheme}://{url.authority}"
