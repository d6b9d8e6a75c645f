"""How configurations are read and understood, as data: one file for each syntax, in YAML without any code."""

from config.configurations.load import SEARCH_VARIABLE, SHIPPED, SyntaxFileError, load, names, search_path
from config.configurations.model import Grammar, SyntaxModel

__all__ = ["SEARCH_VARIABLE", "SHIPPED", "Grammar", "SyntaxFileError", "SyntaxModel", "load", "names", "search_path"]
