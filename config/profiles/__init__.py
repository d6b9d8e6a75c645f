"""Device profiles as data: what to ask a product over SNMP and what the answers mean, in YAML without any code."""

from config.profiles.load import SEARCH_VARIABLE, SHIPPED, ProfileError, load, names, search_path
from config.profiles.model import Limit, ProfileModel, TableModel, Transform, ValueModel

__all__ = [
    "SEARCH_VARIABLE", "SHIPPED", "Limit", "ProfileError", "ProfileModel", "TableModel", "Transform", "ValueModel",
    "load", "names", "search_path",
]  # fmt: skip
