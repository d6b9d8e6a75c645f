"""Profiles: the shipped ones are sound, what is wrong with one is said with its place, and names stay inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.profiles import SHIPPED, ProfileError, load, names, search_path

_ASKS = "asks: {http: {login: bearer, questions: {ha: {get: /api/v2/monitor/system/ha-peer}}}}\n"
HEAD = "profile: own\ntitle: Own\nsource: us\n"


def loaded(directory: Path, text: str) -> str:
    """What the loader says of a profile of that text; empty when it is content."""
    (directory / "own.yaml").write_text(HEAD + text)
    load.cache_clear()
    try:
        load("own", (directory, SHIPPED))
    except ProfileError as error:
        return str(error).replace(str(directory), "")
    return ""


@pytest.mark.parametrize("name", names((SHIPPED,)))
def test_a_shipped_profile_loads(name: str) -> None:
    profile = load(name, (SHIPPED,))

    assert profile.values or profile.tables


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "values: {fan: {title: fan}}",
            "/own.yaml:4:10: values.fan: a value has exactly one of `oid`, `at` and `ratio`",
        ),
        (
            "values: {mode: {title: mode, at: 'ha/mode'}}",
            "'ha/mode' is not a place such as ha_status#/members/*/serial: question, `#`, pointer",
        ),
        (_ASKS + "values: {mode: {title: mode, oid: 1.3.6.1}}", "has `at` in the place of `oid`, and one without has"),
        ("values: {mode: {title: mode, at: 'ha#/mode'}}", "has `at` in the place of `oid`, and one without has"),
        (_ASKS + "values: {mode: {title: mode, at: 'hq#/mode'}}", "there is no question 'hq'"),
        (_ASKS + "values: {mode: {title: mode, at: 'ha#/x/*/y'}}", "must have no `*`: it is a scalar"),
        (
            _ASKS + "tables: {t: {title: t, columns: {c: {title: c, at: 'ha#/x/y'}}}}",
            "must have one `*`, which is its rows",
        ),
        (
            _ASKS + "tables: {t: {title: t, columns: {c: {title: c, at: 'ha#/x/*'}, d: {title: d, at: 'ha#/y/*'}}}}",
            "tables.t: its columns are of several lists: ha#/x, ha#/y; part them",
        ),
        ("asks: {}", "a profile asks either by `ssh` or by `http`"),
        ("asks: {http: {login: magic, questions: {a: {get: /x}}}}", "asks.http.login"),
        ("asks: {http: {login: bearer, questions: {a: {get: /x, post: /y}}}}", "either `get` or `post`"),
        ("asks: {http: {login: bearer, questions: {a: {get: /x, body: y}}}}", "`body` belongs to `post`"),
        ("asks: {http: {login: bearer, questions: {a: {get: /x, by: y}}}}", "`agree` belong to `rows`"),
        ("asks: {http: {login: bearer, questions: {a: {post: /x, or_get: [/y]}}}}", "`or_get` belongs to `get`"),
        ("asks: {http: {login: bearer, questions: {a: {get: /x, absent_says: '('}}}}", "absent_says"),
        (
            "asks: {http: {login: basic, questions: {a: {get: /api/core/system/reboot}}}}",
            "questions.a: GET /api/core/system/reboot is not known to read only, for the log-in basic",
        ),
        (
            "asks: {http: {login: basic, questions: {a: {get: /api/core/system/status, or_get: [/api/x/y/halt]}}}}",
            "questions.a: GET /api/x/y/halt is not known to read only",
        ),
        (
            "values: {fan: {title: fan, oid: 1.3.x}}",
            "/own.yaml:4:33: values.fan.oid: '1.3.x' is not a numeric OID such as 1.3.6.1.2.1.1.3.0",
        ),
        (
            "values: {fan: {title: fan, oid: 1.3.6.1, waring: {above: 1}}}",
            "/own.yaml:4:42: values.fan.waring: 'waring' is not a key that may stand here",
        ),
        (
            "values: {fan: {title: fan, oid: 1.3.6.1, warning: {}}}",
            "/own.yaml:4:42: values.fan.warning: a limit needs `above` or `below`",
        ),
        (
            "values:\n  use:\n    title: use\n    ratio: {of: [used], to: size}",
            "/own.yaml:1:1: use: there is no 'used' beside it; there are use",
        ),
        (
            "values:\n  fan:\n    title: fan\n    oid: 1.3.6.1\n    metric: {name: fan_speed, help: h}",
            "/own.yaml:8:5: values.fan.metric: 'fan_speed': a metric is named ridgeway_… in small letters, digits and "
            "underscores",
        ),
        (
            "values:\n  up:\n    title: up\n    oid: 1.3.6.1\n    metric: {name: ridgeway_x, help: h, type: counter}",
            "/own.yaml:8:5: values.up.metric: 'ridgeway_x': counters, and only they, end in _total",
        ),
        ("extends: [gneric]\n", "there is no profile 'gneric'; did you mean 'generic'?; there are: "),
        ("values: {fan: {title: fan, oid: 1.3.6.1}, fan: {title: x, oid: 1.3.6.1}}", "stands here a second time"),
    ],
    ids=[
        "no-source", "place", "oid-in-asks", "place-without-asks", "question", "scalar-star", "column-star", "lists",
        "no-way", "login", "two-methods", "body", "rows", "or-get", "pattern", "reboot", "halt", "oid", "key", "limit",
        "ratio", "metric", "counter", "extends", "twice",
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    assert says in loaded(tmp_path, text)


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    assert "extends itself: own → own" in loaded(tmp_path, "extends: [own]\n")


def test_a_nearer_value_replaces_the_extended_one(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        HEAD + "extends: [generic]\nvalues: {boot: {title: other, oid: 1.3.6.1.4.1.1.0}}\n"
    )

    profile = load("own", (tmp_path, SHIPPED))

    assert profile.values["boot"].title == "other"
    assert "system_name" in profile.values and profile.info is not None


def test_a_name_may_not_climb_out_of_the_directories(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(HEAD)
    (tmp_path / "inside").mkdir()

    with pytest.raises(ProfileError, match="there is no profile"):
        load("../outside", (tmp_path / "inside",))


def test_one_s_own_directories_come_first() -> None:
    assert search_path({"RIDGEWAY_PROFILES": "/etc/ridgeway/profiles:/srv/profiles"}) == (
        Path("/etc/ridgeway/profiles"), Path("/srv/profiles"), SHIPPED,
    )  # fmt: skip
