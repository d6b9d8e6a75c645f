"""How configurations are read and understood, as data: one file for each syntax, in YAML without any code."""

from config.configurations.load import FOLDER, SHIPPED, SyntaxFileError, load, names, search_path
from config.configurations.model import Grammar, SyntaxModel

__all__ = ["FOLDER", "SHIPPED", "Grammar", "SyntaxFileError", "SyntaxModel", "load", "names", "search_path"]
