"""The conditions of the users' own rules. Their text is read into a tree of this module's own, and is not used after that.

What is not in the lists below is refused with its reason: functions, subqueries, casts, arithmetic, comments, other columns.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlglot import exp

NUMBERS = (
    "requests_per_day",
    "failed_requests_per_day",
    "input_tokens_per_day",
    "output_tokens_per_day",
    "tokens_per_day",
    "cost_per_day",
    "cost_per_request",
    "cost_per_token",
    "tokens_per_request",
    "cache_read_share",
    "failed_request_share",
    "output_input_ratio",
)
TEXTS = ("provider", "project_id", "api_key_id", "team", "cost_center", "project", "environment")

Operator = Literal[">", ">=", "<", "<=", "=", "<>", "in"]
_OPERATORS: dict[str, Operator] = {"GT": ">", "GTE": ">=", "LT": "<", "LTE": "<=", "EQ": "=", "NEQ": "<>"}
_TURNED: dict[Operator, Operator] = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "=", "<>": "<>"}
_ALLOWED = "comparisons (> >= < <= = <> !=), in (…), between … and …, and, or, not and parentheses"
_LONGEST = 1000
_DEEPEST = 20
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_OUTSIDE_LITERALS = re.compile(r"[A-Za-z0-9_.,()<>=!+\-\x20\t\n]")
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,18})?|\.\d{1,18}")


class ConditionError(ValueError):
    """Why a condition is refused."""


@dataclass(frozen=True)
class Comparison:
    """A column beside values: one, or for `in` any number. Numbers for the columns of NUMBERS, texts for those of TEXTS."""

    column: str
    operator: Operator
    values: tuple[Decimal | str, ...]


@dataclass(frozen=True)
class Junction:
    """Conditions all of which ("and") or one of which ("or") must hold."""

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Negation:
    """A condition that must not hold."""

    part: Condition


Condition = Comparison | Junction | Negation


def parse_condition(text: str) -> Condition:
    """Read a condition. Raises ConditionError with the reason why it is refused.

    >>> parse_condition("requests_per_day > 1000")
    Comparison(column='requests_per_day', operator='>', values=(Decimal('1000'),))
    """
    _check_characters(text)
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        statements = sqlglot.parse(text, read="postgres")
    except (SqlglotError, RecursionError) as error:
        raise ConditionError(f"is not a condition. Allowed: {_ALLOWED}") from error
    if len(statements) != 1 or statements[0] is None:
        raise ConditionError(f"is not one condition. Allowed: {_ALLOWED}")
    return _read(statements[0])


def _check_characters(text: str) -> None:
    """Refuse what no condition needs before any parser sees it."""
    if not text.strip():
        raise ConditionError("is empty")
    if len(text) > _LONGEST:
        raise ConditionError(f"is longer than {_LONGEST} characters")
    for literal in _LITERAL.findall(text):
        if not literal.isprintable() or "\\" in literal:
            raise ConditionError("has a backslash or a character that cannot be printed in a text")
    outside = _LITERAL.sub("''", text).replace("''", "")
    for character in outside:
        if not _OUTSIDE_LITERALS.fullmatch(character):
            raise ConditionError(f"has the character {character!r} outside of a text. Allowed: {_ALLOWED}")
    if "--" in outside:
        raise ConditionError("has a comment, which no condition needs")
    depth = deepest = 0
    for character in outside:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST or len(re.findall(r"\bnot\b", outside, re.IGNORECASE)) > _DEEPEST:
        raise ConditionError(f"is nested more than {_DEEPEST} deep")


def _read(node: exp.Expr) -> Condition:
    kind = type(node).__name__
    if kind in ("And", "Or"):
        _only(node, "this", "expression")
        word: Literal["and", "or"] = "and" if kind == "And" else "or"
        return Junction(word, (_read(node.this), _read(node.expression)))
    if kind in ("Not", "Paren"):
        _only(node, "this")
        return Negation(_read(node.this)) if kind == "Not" else _read(node.this)
    if kind in _OPERATORS:
        _only(node, "this", "expression")
        return _comparison(node, _OPERATORS[kind])
    if kind == "In":
        _only(node, "this", "expressions")
        column = _column(node.this)
        if not node.expressions:
            raise ConditionError(f"compares {column} with nothing: in needs values, such as in ('a', 'b')")
        return Comparison(column, "in", tuple(_value(column, one) for one in node.expressions))
    if kind == "Between":
        _only(node, "this", "low", "high")
        column = _column(node.this)
        low, high = _value(column, node.args["low"]), _value(column, node.args["high"])
        _number_only(column, "between")
        return Junction("and", (Comparison(column, ">=", (low,)), Comparison(column, "<=", (high,))))
    raise ConditionError(f"has {_words(node)} where a comparison is needed. Allowed: {_ALLOWED}")


def _comparison(node: exp.Expr, operator: Operator) -> Comparison:
    left, right = node.this, node.expression
    if type(left).__name__ != "Column" and type(right).__name__ == "Column":
        left, right, operator = right, left, _TURNED[operator]
    column = _column(left)
    if operator not in ("=", "<>"):
        _number_only(column, operator)
    return Comparison(column, operator, (_value(column, right),))


def _column(node: exp.Expr) -> str:
    if type(node).__name__ != "Column":
        raise ConditionError(f"compares {_words(node)}: one side must be a column, the other a number or text")
    identifier = node.args.get("this")
    _only(node, "this")
    if type(identifier).__name__ != "Identifier" or identifier is None or identifier.args.get("quoted"):
        raise ConditionError(f"has {_words(node)} where a column is needed")
    name = str(identifier.this).lower()
    if name not in (*NUMBERS, *TEXTS):
        near = difflib.get_close_matches(name, (*NUMBERS, *TEXTS), n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Columns: {', '.join((*NUMBERS, *TEXTS))}"
        raise ConditionError(f"has the unknown column {name[:60]!r}. {hint}")
    return name


def _value(column: str, node: exp.Expr) -> Decimal | str:
    kind, sign = type(node).__name__, 1
    if kind == "Neg":
        _only(node, "this")
        node, sign = node.this, -1
        kind = type(node).__name__
    if kind != "Literal":
        raise ConditionError(f"compares {column} with {_words(node)}: a {_type(column)} is needed")
    if bool(node.args.get("is_string")) is not (column in TEXTS) or (sign < 0 and column in TEXTS):
        raise ConditionError(f"compares {column} with {str(node.this)[:60]!r}: a {_type(column)} is needed")
    if column in TEXTS:
        return str(node.this)
    if not _NUMBER.fullmatch(str(node.this)):
        raise ConditionError(
            f"compares {column} with {str(node.this)[:60]!r}: plain digits are needed, such as 1000 or 0.01"
        )
    return sign * Decimal(str(node.this))


def _type(column: str) -> str:
    return "text in single quotes" if column in TEXTS else "number"


def _number_only(column: str, operator: str) -> None:
    if column in TEXTS:
        raise ConditionError(f"compares {column} by {operator}: texts have =, <>, != and in (…) only")


def _only(node: exp.Expr, *names: str) -> None:
    """Refuse what else a node says: a table before a column, `between symmetric`, a subquery inside `in`, a comment."""
    said = [name for name, value in node.args.items() if value and name not in names]
    if said or node.comments:
        raise ConditionError(f"has {_words(node)} with more than is allowed ({', '.join(said) or 'a comment'})")


def _words(node: exp.Expr | None) -> str:
    """What was found, in the words of the parser."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
