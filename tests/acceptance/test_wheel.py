"""The wheel is whole: built as a packager does, installed into a fresh environment without network, and used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("agent", "checks", "exporters", "config")
WITHOUT = {
    "var",
    "__pycache__",
    ".venv",
    ".git",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "dist",
    "build",
}

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


def ran(command: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Output of a command that must succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env={**clean, **environment}, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    return done.stdout


def pip_wheel(source: Path, out: Path) -> Path:
    """The wheel of a source tree or sdist, built with what is installed here."""
    ran(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            out,
            source,
        ],
        cwd=out.parent,
    )
    (wheel,) = out.glob("ridgeway-*.whl")
    return wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, as a build may leave things behind and other tests read it meanwhile."""
    place = tmp_path_factory.mktemp("source") / "ridgeway"
    shutil.copytree(ROOT, place, ignore=lambda _folder, names: WITHOUT.intersection(names))
    return place


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    out = source.parent / "wheel"
    out.mkdir()
    return pip_wheel(source, out)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel; the libraries are those of this one, so nothing is downloaded."""
    place = tmp_path_factory.mktemp("opt") / "ridgeway"
    ran([sys.executable, "-m", "venv", "--without-pip", place], cwd=place.parent)
    pip = [sys.executable, "-m", "pip", "--python", place / "bin" / "python", "install", "-q"]
    ran([*pip, "--no-index", "--no-deps", wheel], cwd=place.parent)
    libraries = Path(sysconfig.get_paths()["purelib"])
    own = next(place.glob("lib/python*/site-packages"))
    for entry in libraries.iterdir():  # one by one, for our own editable installation must not come along
        if "ridgeway" not in entry.name and not (own / entry.name).exists() and entry.suffix != ".pth":
            (own / entry.name).symlink_to(entry)
    return place


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_everything_of_the_four_packages_is_in_the_wheel_and_nothing_else(source: Path, wheel: Path) -> None:
    ours = {
        str(path.relative_to(source))
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file()
    }
    runbooks = {f"exporters/web/runbooks/{path.name}" for path in (source / "docs" / "runbooks").glob("*.md")}

    inside = {name for name in names(wheel) if ".dist-info/" not in name}

    assert inside == ours | runbooks


@pytest.mark.parametrize(
    "name",
    [
        "agent/py.typed",
        "checks/py.typed",
        "config/py.typed",
        "exporters/py.typed",
        "agent/demo/desk.html",
        "agent/ledger/migrations/env.py",
        "agent/ledger/migrations/versions/0001_create_every_table.py",
        "config/examples/demo.yaml",
        "config/examples/dacorum-aylesbury-vale/estate.yaml",
        "config/profiles/generic.yaml",
        "config/profiles/firewall/fortigate.yaml",
        "config/prometheus/rules/ridgeway.yml",
        "exporters/web/runbooks/RidgewayAbsent.md",
        "exporters/web/runbooks/target-unreachable.md",
        "exporters/web/static/ridgeway.css",
        "exporters/web/templates/base.html",
    ],
)
def test_what_is_no_python_is_not_forgotten(name: str, wheel: Path) -> None:
    assert name in names(wheel)


def test_the_licence_the_console_script_and_the_plug_in_groups_are_in_its_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        told = {name.partition(".dist-info/")[2]: name for name in opened.namelist() if ".dist-info/" in name}
        points = opened.read(told["entry_points.txt"]).decode()

    assert "licenses/LICENSE" in told
    assert "ridgeway = agent.cli:main" in points
    assert "[ridgeway.checks.v1]" in points
    assert "[ridgeway.desks.v1]" in points


def test_a_wheel_made_from_the_source_archive_has_the_same_files(source: Path, wheel: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    ran([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", archive], cwd=source)
    (packed,) = archive.glob("ridgeway-*.tar.gz")
    out = tmp_path / "wheel"
    out.mkdir()

    again = pip_wheel(packed, out)

    assert names(again) == names(wheel)
    with tarfile.open(packed) as opened:
        inside = {name.partition("/")[2] for name in opened.getnames()}
    assert {"README.md", "CHANGELOG.md", "Makefile", "requirements.lock", "systemd/ridgeway.service"} <= inside
    assert not any(name.startswith((".venv", "var")) for name in inside)


def test_installed_it_reads_the_demo_estate_with_all_its_kinds(installed: Path) -> None:
    ridgeway = installed / "bin" / "ridgeway"
    package = ran([installed / "bin" / "python", "-c", "import config; print(config.__file__)"], cwd=installed)

    said = ran(
        [ridgeway, "validate", "--config", Path(package.strip()).parent / "examples" / "demo.yaml"], cwd=installed
    )

    assert Path(package.strip()).is_relative_to(installed)
    assert said.startswith("demo: 19 targets")


def test_installed_it_serves_the_runbooks_it_brought(installed: Path) -> None:
    ask = "from exporters.web.runbook_pages import Runbooks, shipped; print(shipped(), *Runbooks(shipped()).titles)"

    said = ran([installed / "bin" / "python", "-c", ask], cwd=installed).split()

    assert Path(said[0]).is_relative_to(installed)
    assert {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"} == set(said[1:])


def test_installed_it_makes_a_ledger(installed: Path, tmp_path: Path) -> None:
    ask = (
        "import sys, time; from agent.ledger.ledger import Ledger; "
        "Ledger.open(sys.argv[1], clock=time.time, vantage='here').close()"
    )

    ran([installed / "bin" / "python", "-c", ask, tmp_path / "ledger.sqlite3"], cwd=installed)

    assert (tmp_path / "ledger.sqlite3").stat().st_size > 0
