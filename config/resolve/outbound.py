"""Webhooks and heartbeats."""

from __future__ import annotations

from config.estate import HeartbeatSpec, WebhookSpec
from config.resolve.places import Names
from config.resolve.report import Report
from config.schema.outbound import HeartbeatModel, WebhookModel


def read_webhooks(report: Report, names: Names) -> dict[str, WebhookSpec]:
    """Every good subscription."""
    found: dict[str, WebhookSpec] = {}
    for name, raw in report.section("webhooks").items():
        model = report.model(WebhookModel, raw, ("webhooks", name))
        if model is None:
            continue
        for number, council in enumerate(model.councils or ()):
            report.known("council", council, names.councils, ("webhooks", name, "councils", number))
        found[name] = WebhookSpec(
            name=name,
            url=model.url,
            secrets=tuple(model.secrets),
            councils=None if model.councils is None else frozenset(model.councils),
            kinds=frozenset(model.kinds),
            timeout=model.timeout,
            ca=model.ca or None,
        )
    return found


def read_heartbeats(report: Report) -> dict[str, HeartbeatSpec]:
    """Every good heartbeat."""
    found: dict[str, HeartbeatSpec] = {}
    for name, raw in report.section("heartbeats").items():
        model = report.model(HeartbeatModel, raw, ("heartbeats", name))
        if model is not None:
            found[name] = HeartbeatSpec(name, model.url, model.every, model.timeout, model.method, model.ca or None)
    return found
