"""From pydantic's errors to sentences: what is wrong, at which path of the file, and the nearest right word.

The values themselves are never repeated: any of them may be a secret in the wrong place.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin, is_typeddict

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from config.problems import Nearest, either, listed
from config.yaml import TreePath

_SENTENCES = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "dataclass_type": "must be a map",
    "mapping_type": "must be a map",
}


def explain(error: ErrorDetails, model: object, raw: object, nearest: Nearest) -> tuple[TreePath, str, str, bool]:
    """Path below `raw`, message, suggestion, and whether the key itself is what is wrong."""
    kind = error["type"]
    path = _real_path(error["loc"], raw)
    context = error.get("ctx", {})
    if kind == "missing":
        return path, f'"{error["loc"][-1]}" is missing', "", True
    if kind == "extra_forbidden":
        known = fields_at(model, error["loc"][:-1])
        return path, *unknown_key(str(error["loc"][-1]), known, nearest), True
    if kind == "value_error":
        return path, str(context.get("error", error["msg"])), "", "[key]" in error["loc"]
    if kind in ("literal_error", "enum"):
        words = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        given = error["input"]
        near = nearest.of(given, words) if isinstance(given, str) else ""
        return path, f"must be {either(words)}", near, False
    if kind in _SENTENCES:
        return path, _SENTENCES[kind], "", False
    text = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    prefix = "must be " if error["msg"].startswith("Input should be ") else ""
    return path, f"{prefix}{text[:1].lower()}{text[1:]}", "", False


def unknown_key(key: str, known: list[str], nearest: Nearest) -> tuple[str, str]:
    """The sentence for a key that does not exist there, and the nearest that does."""
    near = nearest.of(key, known)
    return ("unknown key", near) if near or not known else (f"unknown key; known here: {listed(known, 20)}", "")


def _real_path(location: tuple[int | str, ...], raw: object) -> TreePath:
    """The part of an error's location that exists in the file: names of union members and the like drop out."""
    path: list[str | int] = []
    for part in location:
        in_map = isinstance(raw, dict) and part in raw
        in_list = isinstance(raw, list) and isinstance(part, int) and part < len(raw)
        if in_map or in_list:
            raw = raw[part]  # type: ignore[index]  # one of the two was just seen to hold it
            path.append(part)
    return tuple(path)


def fields_at(model: object, location: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at `location` of a model; empty where that cannot be told."""
    here: list[Any] = _models(model)
    for part in location:
        if part == "[key]":
            continue
        below: list[Any] = []
        for candidate in here:
            below += _models(_annotations(candidate).get(str(part)))
        # The value type of a list or a map has been unwrapped already, so its index or name leaves it where it is.
        here = below or here
    names = [name for candidate in here for name in _annotations(candidate)]
    return list(dict.fromkeys(names))


def _annotations(model: Any) -> dict[str, Any]:
    if is_typeddict(model) or _is_typed_dict(model):
        from typing_extensions import get_type_hints

        return dict(get_type_hints(model, include_extras=True))
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _is_typed_dict(model: object) -> bool:
    return isinstance(model, type) and hasattr(model, "__required_keys__")


def _models(annotation: object) -> list[Any]:
    """The models and typed dicts inside an annotation."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or _is_typed_dict(annotation)):
        return [annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in (Union, types.UnionType, list, tuple, dict):
        return [model for part in get_args(annotation) for model in _models(part)]
    return []
