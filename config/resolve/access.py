"""`access`: who may ask the agent."""

from __future__ import annotations

from config.estate import Access, Proxy, Rights, Token
from config.resolve.places import Names
from config.resolve.report import Report
from config.schema.access import AccessModel, PersonModel
from config.yaml import TreePath


def read_access(report: Report, names: Names) -> Access:
    """The section, or nothing of its own where the file has none."""
    if "access" not in report.source.tree:
        return Access()
    model = report.model(AccessModel, report.source.tree["access"], ("access",))
    if model is None:
        return Access()
    if model.proxy is not None and not model.people and model.others is None:
        report.add(
            ("access", "proxy"),
            "lets in whoever the proxy names, and nobody is listed; list `people`, or say what `others` may",
            key=True,
        )
    return Access(
        {
            name: Token(name, token.token, _rights(report, names, token, ("access", "tokens", name)))
            for name, token in model.tokens.items()
        },
        {name: _rights(report, names, person, ("access", "people", name)) for name, person in model.people.items()},
        _rights(report, names, model.others, ("access", "others")) if model.others is not None else None,
        Proxy(tuple(model.proxy.from_), model.proxy.header) if model.proxy is not None else None,
    )


def _rights(report: Report, names: Names, model: PersonModel, path: TreePath) -> Rights:
    for council in sorted(model.councils or ()):
        report.known("council", council, names.councils, (*path, "councils"))
    return Rights(model.councils, model.may == "act")
