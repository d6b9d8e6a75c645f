"""One tiny estate per rule: the file's first lines say, as `# expect: line:column: …`, every message it must give."""

from pathlib import Path

import pytest

from config.load import load_estate
from config.problems import EstateError
from testbeds.estates import DESKS, KINDS

_FOLDER = Path(__file__).parent / "invalid"
_ESTATES = sorted(_FOLDER.glob("invalid-*.yaml"))
_MARK = "# expect: "


@pytest.mark.parametrize("path", _ESTATES, ids=lambda path: path.stem.removeprefix("invalid-"))
def test_an_invalid_estate_is_refused_with_exactly_these_messages(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix(_MARK).replace("{file}", str(path)) for line in lines if line.startswith(_MARK)]

    with pytest.raises(EstateError) as refused:
        load_estate(path, KINDS, DESKS)

    assert str(refused.value).splitlines() == [f"{path}:{message}" for message in expected]


def test_there_is_an_invalid_estate_for_each_rule() -> None:
    assert len(_ESTATES) >= 130


@pytest.mark.parametrize("path", [path for path in _ESTATES if "literal" in path.stem or "credential" in path.stem])
def test_no_message_repeats_what_may_be_a_secret(path: Path) -> None:
    with pytest.raises(EstateError) as refused:
        load_estate(path, KINDS, DESKS)

    assert "hunter2" not in str(refused.value)
    assert "12345678" not in str(refused.value)
