"""docs/estate.md is true: its examples, put together, are an estate, and no key of the file is missing from it."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from checks.catalogue import load_catalogue
from config.estate import Need
from config.load import load_estate
from config.schema import access, outbound, sections, vantages
from config.schema.checks import CheckSettings
from config.schema.credentials import CREDENTIAL_KINDS
from exporters.desks.catalogue import desk_kinds

_PAGE = (Path(__file__).parents[2] / "docs" / "estate.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```yaml\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
_MODELS: list[type[BaseModel]] = [
    sections.EstateModel, sections.CouncilModel, sections.SiteModel, vantages.VantageModel, sections.ServiceModel,
    sections.TargetModel, sections.MatchModel, sections.MaintenanceModel, sections.RouteModel, sections.DeskModel,
    sections.WorkingHoursModel, outbound.WebhookModel, outbound.HeartbeatModel, access.AccessModel, access.TokenModel,
    access.PersonModel, access.ProxyModel,
]  # fmt: skip


def test_the_examples_of_the_page_are_an_estate(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text("".join(_BLOCKS), encoding="utf-8")

    estate = load_estate(path, load_catalogue(), desk_kinds())

    assert len(_BLOCKS) >= 6
    assert set(estate.targets) == {"core-a", "core-b", "controller", "line-berkhamsted", "berkhamsted-ups"}
    assert estate.targets["line-berkhamsted"].depends_on == Need("all", ("core-a", "core-b"))


@pytest.mark.parametrize(
    "key",
    sorted(
        {*sections.SECTIONS, *CheckSettings.__annotations__, *CREDENTIAL_KINDS}
        | {field.alias or name for model in _MODELS for name, field in model.model_fields.items()}
    ),
)
def test_every_key_of_the_file_is_on_the_page(key: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", _PAGE)
