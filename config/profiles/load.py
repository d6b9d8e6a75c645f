"""Finding, reading and joining profile files. Errors carry file and line and say how to mend it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from config.data_file import DataFileError, read_data_file
from config.profiles.model import ProfileModel
from config.profiles.references import faults

SHIPPED = Path(__file__).parent
SEARCH_VARIABLE = "RIDGEWAY_PROFILES"
"""Directories of one's own profiles, colon-separated; they come before the shipped ones."""
_LARGEST_FILE = 256 * 1024
_DEEPEST = 8
_JOINED = ("values", "tables")


class ProfileError(ValueError):
    """A profile cannot be used; the message says which file, where in it, and how to mend it."""


def search_path(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The directories in which profiles are looked for, first come first taken."""
    named = (os.environ if environ is None else environ).get(SEARCH_VARIABLE, "")
    return (*(Path(part) for part in named.split(":") if part), SHIPPED)


def names(directories: Iterable[Path]) -> list[str]:
    """Every profile there is, by name (`firewall/fortigate`), sorted."""
    found = {
        str(file.relative_to(directory).with_suffix(""))
        for directory in directories
        if directory.is_dir()
        for file in directory.rglob("*.yaml")
    }
    return sorted(found)


def usable(directories: tuple[Path, ...], beginning: str = "") -> Iterator[ProfileModel]:
    """Every profile whose name begins so, but those that cannot be used: a broken one takes no other with it, and
    whoever names it is told what is wrong with it."""
    for name in names(directories):
        if name.startswith(beginning):
            with contextlib.suppress(ProfileError):
                yield load(name, directories)


@lru_cache(maxsize=256)
def load(name: str, directories: tuple[Path, ...]) -> ProfileModel:
    """The profile with all it extends joined in; of two values of one name the nearer wins. Raises ProfileError."""
    return _load(name, directories, ())


def home_of(file: Path) -> tuple[str, Path]:
    """The name of the profile in a file, and the directory of profiles in which it stands. Raises ProfileError.

    `firewall/ours` stands in `…/firewall/ours.yaml`, and `…` is that directory.
    """
    try:
        name = read_data_file(file, ProfileModel, _LARGEST_FILE).profile
    except DataFileError as error:
        raise ProfileError(str(error)) from error
    whole = file.resolve()
    if whole.parts[-len(name.split("/")) :] != Path(f"{name}.yaml").parts:
        raise ProfileError(f"{file}: a profile called {name!r} belongs in a file {name}.yaml; make them the same")
    return name, whole.parents[len(name.split("/")) - 1]


def _load(name: str, directories: tuple[Path, ...], above: tuple[str, ...]) -> ProfileModel:
    if name in above or len(above) > _DEEPEST:
        raise ProfileError(f"profile {name}: extends itself: {' → '.join((*above, name))}")
    file = _find(name, directories)
    own = _read(file, name)
    joined: dict[str, dict[str, Any]] = {key: {} for key in _JOINED}
    info, firewall, budget, asks, record = own.info, own.firewall, own.budget, own.asks, own.record
    for parent_name in own.extends:
        parent = _load(parent_name, directories, (*above, name))
        for key in _JOINED:
            joined[key] |= getattr(parent, key)
        info = info or parent.info
        firewall = firewall or parent.firewall
        asks = asks or parent.asks
        record = record or parent.record
        if "budget" not in own.model_fields_set:
            budget = parent.budget
    if own.extends:
        own = own.model_copy(
            update={key: joined[key] | getattr(own, key) for key in _JOINED}
            | {"info": info, "firewall": firewall, "budget": budget, "asks": asks, "record": record}
        )
    wrong = faults(own)
    if wrong:
        raise ProfileError("\n".join(f"{file}: {fault}" for fault in wrong))
    return own


def _find(name: str, directories: tuple[Path, ...]) -> Path:
    for directory in directories:
        file = directory / f"{name}.yaml"
        # A name comes from an estate file; it may not climb out of the directories of profiles.
        if file.is_file() and file.resolve().is_relative_to(directory.resolve()):
            return file
    there = names(directories)
    near = get_close_matches(name, there, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ProfileError(f"there is no profile {name!r}{hint}; there are: {', '.join(there)}")


def _read(file: Path, name: str) -> ProfileModel:
    try:
        profile = read_data_file(file, ProfileModel, _LARGEST_FILE)
    except DataFileError as error:
        raise ProfileError(str(error)) from error
    if profile.profile != name:
        raise ProfileError(f"{file}: profile: {profile.profile!r} stands in a file for {name!r}; make them the same")
    _check_info(profile, file)
    return profile


def _check_info(profile: ProfileModel, file: Path) -> None:
    if profile.info is None or profile.extends:
        return
    missing = [name for name in profile.info.labels.values() if name not in profile.values]
    if missing:
        raise ProfileError(f"{file}: info.labels: there is no value {missing[0]!r}")
