"""Device profiles as data: what to ask a product over SNMP and what the answers mean, in YAML without any code."""

from config.profiles.load import (
    SEARCH_VARIABLE,
    SHIPPED,
    ProfileError,
    home_of,
    load,
    names,
    search_path,
    usable,
)
from config.profiles.model import Limit, ProfileModel, TableModel, Transform, ValueModel
from config.profiles.recognition import Identity, recognised
from config.profiles.roles import Role

__all__ = [
    "SEARCH_VARIABLE", "SHIPPED", "Identity", "Limit", "ProfileError", "ProfileModel", "Role", "TableModel",
    "Transform", "ValueModel", "home_of", "load", "names", "recognised", "search_path", "usable",
]  # fmt: skip
