"""Command templates as data: the only commands that are ever run on a device over SSH, in YAML without any code."""

from config.commands.load import SEARCH_VARIABLE, SHIPPED, CommandError, dialect, load, names, search_path
from config.commands.model import (
    EXEC,
    CommandModel,
    DialectModel,
    ParameterModel,
    RatioModel,
    Take,
    Transform,
    ValueModel,
    filled,
)
from config.commands.pattern import NotUnderstood, Pattern, understood

__all__ = [
    "EXEC",
    "SEARCH_VARIABLE",
    "SHIPPED",
    "CommandError",
    "CommandModel",
    "DialectModel",
    "NotUnderstood",
    "ParameterModel",
    "Pattern",
    "RatioModel",
    "Take",
    "Transform",
    "ValueModel",
    "dialect",
    "filled",
    "load",
    "names",
    "search_path",
    "understood",
]  # fmt: skip
