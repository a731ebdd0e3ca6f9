"""The static rules of FOCUS 1.2 as the FinOps Foundation publishes them, compiled to SQL over a file in PostgreSQL.

The file is a table of texts, null where a field is empty. A rule fails for a row where its conditions hold and its
requirement does not. Rules under a condition of a composite rule hold under that condition too. Dynamic rules, which need
knowledge that no file has, are left out, as the validator leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

Node = Mapping[str, Any]
DEMANDS = {"MUST", "MUST NOT"}
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_MOMENT = r"^\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"
_CURRENCY = "^[A-Z]{3}$"
# Words, a quantity before them, and a unit of time after a stroke or a hyphen.
_UNIT = r"^(\d+ )?[A-Z][A-Za-z0-9]*( [A-Za-z0-9]+)*([/-](\d+ )?[A-Z][A-Za-z]*)?$"

# JSON of an object whose values are no objects or lists themselves. PostgreSQL 15 cannot ask whether a text is JSON.
_FLAT_OBJECT = """
create or replace function pg_temp.is_flat_object(content text) returns boolean language plpgsql as $$
begin
    return jsonb_typeof(content::jsonb) = 'object'
        and not jsonb_path_exists(content::jsonb, '$.* ? (@.type() == "object" || @.type() == "array")');
exception when invalid_text_representation then
    return false;
end
$$
"""


@dataclass(frozen=True)
class Rule:
    """A rule that is no list of others. `when`: the conditions under which it must hold; `criteria`: for which providers."""

    rule_id: str
    keyword: str
    says: str
    requirement: Node
    when: tuple[Node, ...]
    criteria: frozenset[str]

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the requirement is about."""
        return frozenset(_columns(self.requirement))

    @property
    def is_presence(self) -> bool:
        return self.requirement.get("CheckFunction") == "ColumnPresent"


@dataclass(frozen=True)
class RuleSet:
    """`rules`: compiled; `lists`: composite rules, which hold where what they list holds; `dynamic`: left out."""

    rules: tuple[Rule, ...]
    lists: frozenset[str]
    dynamic: frozenset[str]
    criteria: frozenset[str]


@dataclass
class _Model:
    rules: Mapping[str, Node]
    parents: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for rule_id, rule in self.rules.items():
            if self.is_list(rule):
                for item in rule["ValidationCriteria"]["Requirement"].get("Items", []):
                    self.parents.setdefault(item["ModelRuleId"], []).append(rule_id)

    @staticmethod
    def is_list(rule: Node) -> bool:
        requirement = rule["ValidationCriteria"]["Requirement"]
        return requirement.get("CheckFunction") == "AND" and all(
            item["CheckFunction"] == "CheckModelRule" for item in requirement["Items"]
        )

    def above(self, rule_id: str) -> Iterator[Node]:
        """The rule and the lists that it is in, up to the whole."""
        yield self.rules[rule_id]
        for parent in self.parents.get(rule_id, []):
            yield from self.above(parent)


def read_rules(path: Path) -> RuleSet:
    """The rule set of a model file."""
    document = json.loads(path.read_text())
    model = _Model(document["ModelRules"])
    dynamic = {rule_id for rule_id, rule in model.rules.items() if rule["Type"] == "Dynamic"}
    lists = {rule_id for rule_id, rule in model.rules.items() if rule_id not in dynamic and model.is_list(rule)}
    chosen = _of_alternatives(model)
    rules = [
        Rule(
            rule_id,
            rule["ValidationCriteria"]["Keyword"],
            rule["ValidationCriteria"]["MustSatisfy"],
            _resolved(model, rule["ValidationCriteria"]["Requirement"]),
            tuple(
                one["ValidationCriteria"]["Condition"]
                for one in model.above(rule_id)
                if one["ValidationCriteria"]["Condition"]
            ),
            frozenset(name for one in model.above(rule_id) for name in one["ApplicabilityCriteria"]),
        )
        for rule_id, rule in model.rules.items()
        if rule_id not in dynamic | lists | chosen
    ]
    return RuleSet(
        tuple(rules), frozenset(lists | chosen), frozenset(dynamic), frozenset(document["ApplicabilityCriteria"])
    )


def _of_alternatives(model: _Model) -> set[str]:
    """Rules of which one of several must hold: they are looked at together, where the alternative is."""
    found = set()
    for rule in model.rules.values():
        requirement = rule["ValidationCriteria"]["Requirement"]
        if requirement.get("CheckFunction") == "OR":
            found |= {item["ModelRuleId"] for item in requirement["Items"] if "ModelRuleId" in item}
    return found


def _resolved(model: _Model, node: Node) -> Node:
    """Put the rules that a requirement names in their places, as: not under its condition, or as it requires."""
    if node.get("CheckFunction") == "CheckModelRule":
        named = model.rules[node["ModelRuleId"]]["ValidationCriteria"]
        return {"CheckFunction": "IMPLIES", "If": named["Condition"], "Then": _resolved(model, named["Requirement"])}
    if "Items" in node:
        return {**node, "Items": [_resolved(model, item) for item in node["Items"]]}
    return node


def failures(
    connection: psycopg.Connection[Any], table: str, rules: Sequence[Rule], criteria: Collection[str]
) -> dict[str, int]:
    """Rule id -> rows (for rules over groups: groups) that break it, of those rules that apply to such a provider."""
    connection.execute(_FLAT_OBJECT)
    present = {
        row[0]
        for row in connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", [table]
        )
    }
    found: dict[str, int] = {}
    counted: list[tuple[str, sql.Composable]] = []
    for rule in rules:
        if not rule.criteria <= set(criteria):
            continue
        if rule.is_presence:
            found[rule.rule_id] = int(not rule.columns <= present)
        elif rule.columns <= present:
            counted.append((rule.rule_id, _count(rule, table, present)))
    if counted:
        query = sql.SQL("select {}").format(sql.SQL(", ").join(count for _, count in counted))
        numbers = connection.execute(query).fetchone() or ()
        found |= dict(zip((rule_id for rule_id, _ in counted), numbers, strict=True))
    return {rule_id: count for rule_id, count in found.items() if count}


def _count(rule: Rule, table: str, present: Collection[str]) -> sql.Composable:
    conditions = sql.SQL(" and ").join([sql.SQL("true"), *(_compiled(node, present) for node in rule.when)])
    if rule.requirement["CheckFunction"] == "CheckDistinctCount":
        return sql.SQL(
            "(select count(*) from (select 1 from {} where ({}) is true group by {} having count(distinct {}) <> {}) as broken)"
        ).format(
            sql.Identifier(table),
            conditions,
            sql.Identifier(rule.requirement["ColumnAName"]),
            sql.Identifier(rule.requirement["ColumnBName"]),
            sql.Literal(rule.requirement["ExpectedCount"]),
        )
    return sql.SQL("(select count(*) from {} where ({}) is true and ({}) is false)").format(
        sql.Identifier(table), conditions, _compiled(rule.requirement, present)
    )


def _columns(node: Node) -> Iterator[str]:
    for key in ("ColumnName", "ColumnAName", "ColumnBName", "ResultColumnName"):
        if key in node:
            yield node[key]
    for item in node.get("Items", []):
        yield from _columns(item)
    if "Then" in node:
        yield from _columns(node["Then"])


def _compiled(node: Node, present: Collection[str]) -> sql.Composable:
    """A condition or requirement. Where it is null, as of a value that is not there, neither the one holds nor the other is broken."""

    def column(key: str) -> sql.Composable:
        return sql.Identifier(node[key]) if node[key] in present else sql.SQL("null::text")

    def matches(pattern: str) -> sql.Composable:
        return sql.SQL("coalesce({} ~ {}, true)").format(column("ColumnName"), sql.Literal(pattern))

    def number(key: str) -> sql.Composable:
        return sql.SQL("case when {0} ~ {1} then {0}::numeric end").format(column(key), sql.Literal(_NUMBER))

    if not node:
        return sql.SQL("true")
    # The model writes one condition without its function, and one with the column under another key.
    if set(node) == {"AND"}:
        items = node["AND"] if isinstance(node["AND"], list) else [node["AND"]]
        node = {"CheckFunction": "AND", "Items": items}
    if "CheckCondition" in node:
        node = {**node, "ColumnName": node["CheckCondition"]}
    match node["CheckFunction"]:
        case "AND" | "OR" as joint:
            return sql.SQL("({})").format(
                sql.SQL(f" {joint} ").join(_compiled(item, present) for item in node["Items"])
            )
        case "IMPLIES":
            return sql.SQL("(({}) is not true or {})").format(
                _compiled(node["If"], present), _compiled(node["Then"], present)
            )
        case "CheckValue" | "CheckNotValue" as check:
            value = node["Value"]
            looked_at = number("ColumnName") if isinstance(value, (int, float)) else column("ColumnName")
            if value is None:
                return sql.SQL("({} is {} null)").format(looked_at, sql.SQL("" if check == "CheckValue" else "not"))
            operator = sql.SQL("=" if check == "CheckValue" else "is distinct from")
            return sql.SQL("({} {} {})").format(looked_at, operator, sql.Literal(value))
        case "CheckSameValue" | "CheckNotSameValue" as check:
            negation = sql.SQL("not" if check == "CheckSameValue" else "")
            return sql.SQL("({} is {} distinct from {})").format(column("ColumnAName"), negation, column("ColumnBName"))
        case "CheckGreaterOrEqualThanValue":
            return sql.SQL("coalesce({} >= {}, true)").format(number("ColumnName"), sql.Literal(node["Value"]))
        case "ColumnByColumnEqualsColumnValue":
            return sql.SQL("coalesce({} * {} = {}, true)").format(
                number("ColumnAName"), number("ColumnBName"), number("ResultColumnName")
            )
        case "TypeDecimal" | "FormatNumeric" | "CheckDecimalValue":
            return matches(_NUMBER)
        case "TypeDateTime" | "FormatDateTime":
            return matches(_MOMENT)
        case "FormatCurrency" | "CheckNationalCurrency":
            return matches(_CURRENCY)
        case "FormatUnit":
            return matches(_UNIT)
        case "TypeString":
            return sql.SQL("true")
        case "FormatString":
            return matches(r"\S")
        case "FormatKeyValue":
            return sql.SQL("coalesce(pg_temp.is_flat_object({}), true)").format(column("ColumnName"))
        case other:
            raise ValueError(f"the rules have a check that is not compiled: {other}")
