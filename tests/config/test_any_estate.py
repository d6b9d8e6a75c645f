"""Whatever stands in the file, the loader gives an estate or says what is wrong; it never hangs and never breaks."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.estate import Estate
from config.load import load_estate
from config.problems import EstateError
from config.schema.checks import CheckSettings
from config.schema.sections import SECTIONS, MaintenanceModel, RouteModel, SiteModel, TargetModel
from config.schema.vantages import VantageModel
from testbeds.estates import DESKS, KINDS

_GOOD: dict[str, Any] = {
    "estate": {"name": "demo", "vantage": "here"},
    "councils": {"dacorum": {"title": "Dacorum"}},
    "sites": {"forum": {"council": "dacorum", "depends_on": "router", "defaults": {"every": "30s"}}},
    "vantages": {"here": {"site": "forum", "gateway": "router"}},
    "services": {"web": {"council": "shared", "impact": "high"}},
    "credentials": {"ro": {"kind": "snmp-v2c", "community": "env:RO"}},
    "check_groups": {"switch": ["icmp", {"snmp": {"profile": "if-mib"}}]},
    "defaults": {"credentials": {"snmp": "ro"}, "kinds": {"icmp": {"packets": 2}}},
    "targets": {
        "router": {"address": "192.0.2.1", "site": "forum", "checks": [{"use": "switch"}]},
        "switch": {
            "address": "192.0.2.2", "site": "forum", "depends_on": {"any": ["router"]}, "formerly": ["old"],
            "checks": {"web": {"kind": "tcp", "port": 443, "cron": "0 6 * * *"}},
        },
    },
    "working_hours": {"days": {"monday-friday": "09:00-17:00"}, "closed": ["2026-12-29"]},
    "maintenance": {
        "patching": {"match": {"sites": ["forum"]}, "reason": "r", "owner": "o", "cron": "0 22 * * 2", "duration": "2h"}
    },
    "desks": {"rt": {"kind": "tracker", "url": "https://desk.example", "token": "env:RT"}},
    "routes": [{"name": "all", "desks": ["rt"], "queue": "IT"}],
}  # fmt: skip
_MODELS = (MaintenanceModel, RouteModel, SiteModel, TargetModel, VantageModel)
_WORDS = {"m", "n", "all", "any", "use", "kind", "icmp", "tcp", "router", "port"}
_FIELDS = {key for model in _MODELS for key in model.model_fields}
_KEYS = sorted({*SECTIONS, *CheckSettings.__annotations__} | _WORDS | _FIELDS)
_NAMED = ["router", "switch", "forum", "dacorum", "here", "web", "ro", "icmp", "snmp", "high", "now", "*", ""]
_TEXTS = [*_NAMED, "60s", "3 of 5", "0 6 * * *", "2026-12-24", "env:A", "09:00-17:00", "2026-10-25 01:30"]
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70_000), st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(_TEXTS), st.text(max_size=8),
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)),
    max_leaves=12,
)


def _paths(tree: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(found for key, value in items for found in _paths(value, (*path, key)))]


def _with(tree: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    head, *rest = path
    if isinstance(tree, dict):
        return {**tree, head: _with(tree[head], tuple(rest), value)}
    return [_with(item, tuple(rest), value) if index == head else item for index, item in enumerate(tree)]


def _load(text: str) -> Estate:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "estate.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return load_estate(path, KINDS, DESKS)


def test_the_estate_that_is_spoilt_below_is_good_itself() -> None:
    assert set(_load(yaml.safe_dump(_GOOD)).targets) == {"router", "switch"}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_paths(_GOOD)), _TREES)
def test_any_value_in_any_place_gives_an_estate_or_an_estate_error(path: tuple[Any, ...], value: object) -> None:
    text = yaml.safe_dump(_with(_GOOD, path, value), allow_unicode=True)

    try:
        estate = _load(text)
    except EstateError as error:
        assert error.problems
        assert all(problem.line >= 1 and problem.message for problem in error.problems)
    else:
        assert all(check.timeout < 86_400 for target in estate.targets.values() for check in target.checks)


@settings(max_examples=200, deadline=None)
@given(_TREES)
def test_any_tree_gives_an_estate_error_or_an_estate(tree: object) -> None:
    with contextlib.suppress(EstateError):
        _load(yaml.safe_dump(tree, allow_unicode=True))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(EstateError):
        _load(text)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from(["", "\t", "]", "'", ":", "-", "\0", "&a ", "*a"]))
def test_a_good_file_cut_anywhere_gives_an_estate_or_an_estate_error(at: int, length: int, put: str) -> None:
    text = yaml.safe_dump(_GOOD)

    with contextlib.suppress(EstateError):
        _load(text[:at] + put + text[at + length :])


_CREDENTIAL_PLACES = [path for path in _paths(_GOOD) if path[:1] == ("credentials",) and len(path) > 1]


@pytest.mark.parametrize("path", [*_CREDENTIAL_PLACES, ("targets", "switch", "credentials")])
@pytest.mark.parametrize("secret", ["hunter2-geheim", "!hunter2-geheim", "*hunter2-geheim", "12:34:56", 909192939495])
def test_a_secret_in_the_wrong_place_is_never_repeated(path: tuple[Any, ...], secret: str | int) -> None:
    target = _GOOD["targets"]["switch"] | {"credentials": {"snmp": "ro"}}
    base = _GOOD | {"targets": _GOOD["targets"] | {"switch": target}}
    value: object = {"snmp": "<here>"} if path[0] == "targets" else "<here>"
    text = yaml.safe_dump(_with(base, path, value)).replace("<here>", str(secret))

    with pytest.raises(EstateError) as refused:
        _load(text)

    assert str(secret) not in str(refused.value)
    assert "hunter2" not in str(refused.value)
