"""The how-to pages of the checks: their examples are accepted, and they name every option and every finding."""

import re
import textwrap
from pathlib import Path

import pytest

from checks.catalogue import load_catalogue
from config.load import load_estate

PAGES = Path(__file__).parents[2] / "docs" / "checks"
KINDS = (
    "backup",
    "dns",
    "emergency_readiness",
    "firewall",
    "firewall_pair",
    "firewall_config",
    "host",
    "http",
    "icmp",
    "mitel",
    "mitel_office_250",
    "ntp",
    "path",
    "plugin",
    "sftp_file",
    "sip_call",
    "sip_options",
    "sip_register",
    "smdr",
    "ssh_command",
    "tcp",
    "tls",
)
EMPTY = """
    estate: {name: test, vantage: here}
    vantages:
      here: {site: forum}
      there: {site: forum, url: "https://192.0.2.9:10191", token: "env:TOKEN"}
    councils: {dacorum: {title: Dacorum Borough Council}}
    sites: {forum: {title: The Forum, council: dacorum}}
    """


def examples():
    """Kind and number of every estate that stands as an example on a page."""
    for kind in KINDS:
        for number, example in enumerate(
            re.findall(r"```yaml\n(.*?)```", (PAGES / f"{kind}.md").read_text(), re.DOTALL)
        ):
            yield pytest.param(kind, example, id=f"{kind}-{number}")


@pytest.mark.parametrize(("kind", "example"), list(examples()))
def test_the_examples_of_the_page_are_valid_estates(kind, example, tmp_path):
    if not example.startswith("targets:"):
        example = "targets:\n  fw-a:\n    address: 192.0.2.1\n" + textwrap.indent(example, "    ")
    body = example.replace("    address:", "    site: forum\n    address:")
    path = tmp_path / "estate.yaml"
    path.write_text(textwrap.dedent(EMPTY) + body)

    estate = load_estate(path, load_catalogue(), {})

    assert kind in {check.kind for target in estate.targets.values() for check in target.checks}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_every_option_and_finding(kind):
    page = (PAGES / f"{kind}.md").read_text()
    check = load_catalogue()[kind]

    missing = [name for name in check.options.model_fields if f"`{name}`" not in page]
    missing += [key for key in check.finding_keys if f"`{key}`" not in page]

    assert missing == []
