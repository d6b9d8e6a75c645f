"""Secrets: three forms of reference, resolved late, refused with what to do, and never shown."""

import copy
import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from config.secrets import HOW, MASK, Secret, SecretError, SecretReference

_VALUE = "hunter2-geheim"


def _file(path: Path, content: bytes = _VALUE.encode() + b"\n", mode: int = 0o640) -> SecretReference:
    path.write_bytes(content)
    path.chmod(mode)
    return SecretReference("file", str(path))


def test_a_file_gives_its_text_without_the_line_feed(tmp_path: Path) -> None:
    reference = _file(tmp_path / "token")

    assert reference.resolve().reveal() == _VALUE


def test_spaces_inside_and_around_a_secret_are_part_of_it(tmp_path: Path) -> None:
    reference = _file(tmp_path / "token", b" a b \r\n")

    assert reference.resolve().reveal() == " a b "


@pytest.mark.parametrize("mode", [0o644, 0o642, 0o641, 0o777])
def test_a_file_that_every_user_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    reference = _file(path, mode=mode)

    with pytest.raises(SecretError) as refused:
        reference.resolve()

    assert str(refused.value) == f"file:{path}: every user of this machine can reach it; run: chmod o-rwx {path}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\r\n", "empty"),
        (b"x" * 65_537, "larger than 65536 bytes, so hardly a secret"),
        (b"\xff\xfe\xfd", "not UTF-8 text"),
    ],
)
def test_a_file_that_is_hardly_a_secret_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    reference = _file(tmp_path / "token", content)

    with pytest.raises(SecretError) as refused:
        reference.resolve()

    assert str(refused.value) == f"{reference}: {message}"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    reference = SecretReference("file", str(tmp_path / "token"))

    with pytest.raises(SecretError, match=r"^file:.*/token: No such file or directory$"):
        reference.resolve()


def test_a_fifo_is_refused_at_once_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "token"
    os.mkfifo(path, 0o600)

    with pytest.raises(SecretError, match="not a regular file"):
        SecretReference("file", str(path)).resolve()


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"Is a directory|not a regular file"):
        SecretReference("file", str(tmp_path)).resolve()


def test_the_environment_gives_a_secret_or_says_which_name_is_not_set() -> None:
    reference = SecretReference.parse("env:DESK_TOKEN")

    assert reference.resolve({"DESK_TOKEN": _VALUE}).reveal() == _VALUE
    with pytest.raises(SecretError, match=r"^env:DESK_TOKEN: the environment variable DESK_TOKEN is not set$"):
        reference.resolve({})
    with pytest.raises(SecretError, match=r"^env:DESK_TOKEN: empty$"):
        reference.resolve({"DESK_TOKEN": ""})


def test_a_credential_is_read_where_systemd_put_it_whatever_its_mode(tmp_path: Path) -> None:
    _file(tmp_path / "desk.token", mode=0o444)
    reference = SecretReference.parse("credential:desk.token")

    assert reference.resolve({"CREDENTIALS_DIRECTORY": str(tmp_path)}).reveal() == _VALUE
    with pytest.raises(SecretError, match=r"not started by systemd with LoadCredential=desk\.token:/path"):
        reference.resolve({})
    with pytest.raises(SecretError, match="No such file"):
        SecretReference.parse("credential:other").resolve({"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize("place", ["../token", "..", ".", "a/b"])
def test_a_credential_cannot_leave_its_directory(tmp_path: Path, place: str) -> None:
    with pytest.raises(SecretError, match="a credential is a plain name"):
        SecretReference("credential", place).resolve({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with pytest.raises(ValueError, match="a secret is written as"):
        SecretReference.parse(f"credential:{place}")


@pytest.mark.parametrize(
    "text",
    [
        _VALUE,
        "",
        "file:",
        "file:relative",
        "env:",
        "env:A B",
        "env:1A",
        "vault:x",
        "File:/x",
        "credential:",
        "file:/\n",
    ],
)
def test_whatever_is_no_reference_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="a secret is written as") as refused:
        SecretReference.parse(text)

    assert str(refused.value) == HOW


@given(st.text(max_size=60))
def test_any_text_is_a_reference_that_prints_as_it_was_written_or_refused(text: str) -> None:
    try:
        reference = SecretReference.parse(text)
    except ValueError as error:
        assert str(error) == HOW
    else:
        assert str(reference) == text


def test_a_secret_shows_itself_in_no_way_but_one() -> None:
    secret = Secret(_VALUE)

    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", f"{[secret]}", "%s" % secret]  # noqa: UP031

    assert not any(_VALUE in text for text in shown)
    assert str(secret) == MASK
    assert secret == Secret(_VALUE) != Secret("other")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


class _Options(BaseModel):
    token: SecretReference


def test_an_options_model_may_hold_a_reference() -> None:
    options = _Options.model_validate({"token": "file:/etc/ridgeway/token"})

    assert options.token == SecretReference("file", "/etc/ridgeway/token")
    assert options.model_dump() == {"token": options.token}
    assert options.model_dump_json() == '{"token":"file:/etc/ridgeway/token"}'
    assert _Options(token=options.token) == options
    assert _Options.model_json_schema()["properties"]["token"]["description"] == HOW


@pytest.mark.parametrize("value", [_VALUE, 12345678, None, ["a"]])
def test_an_options_model_refuses_a_value_in_place_of_a_reference(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        _Options.model_validate({"token": value})

    (detail,) = refused.value.errors(include_input=False)
    assert detail["msg"] == f"Value error, {HOW}"
