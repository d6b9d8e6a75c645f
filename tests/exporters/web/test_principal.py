"""Who may act, and that whoever is not known gets nothing."""

from __future__ import annotations

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from exporters.web.principal import LOCAL, Principal, acting, let_in, principal_of


def connection(principal: Principal | None) -> HTTPConnection:
    scope = {"type": "http", "headers": []}
    if principal is not None:
        let_in(scope, principal)
    return HTTPConnection(scope)


def test_a_request_that_no_access_control_has_seen_is_a_defect_and_gets_nothing() -> None:
    for asked in (principal_of, acting):
        with pytest.raises(LookupError):
            asked(connection(None))


@pytest.mark.parametrize(
    ("principal", "council", "status"),
    [
        pytest.param(LOCAL, "dacorum", 403, id="nobody in particular"),
        pytest.param(Principal("ann"), "dacorum", 403, id="a reader"),
        pytest.param(Principal("ann", frozenset({"dacorum"})), "aylesbury", 403, id="a reader, elsewhere"),
        pytest.param(Principal("bob", frozenset({"dacorum"}), True), "aylesbury", 404, id="another council's"),
        pytest.param(Principal("bob", frozenset({"dacorum"}), True), None, 403, id="the whole agent's"),
    ],
)
def test_who_may_not_act_is_refused(principal: Principal, council: str | None, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        acting(connection(principal), council)

    assert refused.value.status_code == status


@pytest.mark.parametrize(
    ("principal", "council"),
    [
        (Principal("bob", None, True), None),
        (Principal("bob", None, True), "dacorum"),
        (Principal("bob", frozenset({"dacorum"}), True), "dacorum"),
    ],
)
def test_who_may_act_does_so_under_their_name(principal: Principal, council: str | None) -> None:
    assert acting(connection(principal), council).name == "bob"
