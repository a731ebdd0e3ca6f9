"""Say what pydantic found in words of the configuration file."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from orchestration.lib.config_document import Document, Location, nearest, path_text

_MEANINGS = {
    "tuple_type": "must be a list.",
    "dict_type": "must be a mapping (key: value).",
    "model_type": "must be a mapping (key: value).",
    "too_short": "is an empty list. Leave the key out, or list at least one.",
    "string_too_short": "is empty.",
    "int_parsing": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "decimal_parsing": "must be a number such as 1234.56, without thousands separators.",
    "bool_parsing": "must be true or false.",
    "finite_number": "must be a number such as 1234.56.",
}


def explain(document: Document, model: type[BaseModel], error: ValidationError) -> None:
    """Report each error in the document, with what was found there, as the file has it, and what is allowed."""
    reported = {problem.path for problem in document.problems}
    for found in error.errors(include_url=False, include_input=False):
        location = tuple(part for part in found["loc"] if part != "[key]")
        # A list whose items are all wrong counts as too short for pydantic; a missing variable makes a text empty.
        if path_text(location) in reported or (found["type"] == "too_short" and (*location, 0) in document.lines):
            continue
        document.report(location, _text(document, model, location, found["type"], found.get("ctx", {}), found["msg"]))


def _text(
    document: Document, model: type[BaseModel], location: Location, kind: str, context: dict[str, Any], message: str
) -> str:
    shown = f"found {document.shown(location)}, " if document.written.get(location) else ""
    if kind == "missing":
        return "is missing."
    if kind == "extra_forbidden":
        allowed = list(_type_at(model, location[:-1]).model_fields)
        return f"is no key here.{nearest(str(location[-1]), allowed)} Allowed: {', '.join(allowed)}."
    if kind == "literal_error":
        allowed = list(get_args(_type_at(model, location)))
        return f"{shown}allowed: {', '.join(allowed)}.{nearest(document.written.get(location, ''), allowed)}"
    if kind == "value_error":
        return f"{shown}{context['error']}."
    if kind == "string_type":
        return "must be a text." if location in document.written else "is empty or no text."
    return f"{shown}{_MEANINGS.get(kind) or message.replace('Input should', 'must') + '.'}"


def _type_at(model: type[BaseModel], location: Location) -> Any:
    """The type that the models declare for a location: a model, or what a field, an item of a list or a value of a mapping may be."""
    found: Any = model
    for part in location:
        if isinstance(part, int):
            inner = get_args(found)[0]
        else:
            # The values of a mapping whose keys are free have one type.
            inner = get_args(found)[1] if get_origin(found) is dict else found.model_fields[part].annotation
        found = _without_none(inner)
    return found


def _without_none(type_: Any) -> Any:
    """`X` of `X | None` and of `Annotated[X, …]`."""
    arguments = get_args(type_)
    if type(None) in arguments:
        return _without_none(next(argument for argument in arguments if argument is not type(None)))
    return _without_none(arguments[0]) if hasattr(type_, "__metadata__") else type_
