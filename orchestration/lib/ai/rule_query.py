"""The query of a user's rule: on which days its condition holds for which key.

Of the condition's text nothing gets here. Its tree holds columns of a fixed list, operators of a fixed list, and values, which become
quoted identifiers, words of this module and parameters.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from ml.savings.conditions import Comparison, Condition, Junction, Operator
from ml.savings.recommendation import Window

_OPERATORS: dict[Operator, sql.SQL] = {
    ">": sql.SQL("{} > {}"),
    ">=": sql.SQL("{} >= {}"),
    "<": sql.SQL("{} < {}"),
    "<=": sql.SQL("{} <= {}"),
    "=": sql.SQL("{} = {}"),
    "<>": sql.SQL("{} <> {}"),
}

# One row per day and key with the columns that conditions may name. The owner of a key is the same on a day, or the first by name.
_KEY_DAYS = """
with sums as (
    select
        charge_date,
        provider,
        project_id,
        coalesce(api_key_id, principal) as api_key_id,
        min(team) as team,
        min(cost_center) as cost_center,
        min(project) as project,
        min(environment) as environment,
        sum(request_count) as requests_per_day,
        sum(failed_request_count) as failed_requests_per_day,
        sum(
            coalesce(uncached_input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
            + coalesce(cache_write_1h_tokens, 0) + coalesce(input_audio_tokens, 0) + coalesce(cache_read_audio_tokens, 0)
        ) as input_tokens_per_day,
        sum(coalesce(output_tokens, 0) + coalesce(output_audio_tokens, 0)) as output_tokens_per_day,
        sum(coalesce(cache_read_tokens, 0) + coalesce(cache_read_audio_tokens, 0)) as cached_tokens_per_day,
        sum(model_cost) as cost_per_day
    from finops.ai_usage
    where charge_date between %s and %s and is_repeated is not true
    group by 1, 2, 3, 4
),

key_days as (
    select
        *,
        input_tokens_per_day + output_tokens_per_day as tokens_per_day,
        cost_per_day / nullif(requests_per_day, 0) as cost_per_request,
        cost_per_day / nullif(input_tokens_per_day + output_tokens_per_day, 0) as cost_per_token,
        (input_tokens_per_day + output_tokens_per_day) / nullif(requests_per_day, 0) as tokens_per_request,
        cached_tokens_per_day / nullif(input_tokens_per_day, 0) as cache_read_share,
        failed_requests_per_day / nullif(requests_per_day, 0) as failed_request_share,
        output_tokens_per_day / nullif(input_tokens_per_day, 0) as output_input_ratio
    from sums
)

select charge_date, provider, project_id, api_key_id
from key_days
where {}
"""

KeyDay = tuple[date, str, str | None, str | None]


def rule_days(connection: psycopg.Connection[Any], condition: Condition, window: Window) -> frozenset[KeyDay]:
    """The days and keys of a window for which a condition holds. What is not known holds for no condition, nor for its contrary."""
    values: list[Any] = [window.first, window.last]
    where = _where(condition, values)
    with connection.cursor() as cursor:
        return frozenset(cursor.execute(sql.SQL(_KEY_DAYS).format(where), values).fetchall())


def _where(condition: Condition, values: list[Any]) -> sql.Composed:
    """A condition as SQL; its values are added to `values` in the order of their placeholders."""
    if isinstance(condition, Comparison):
        column = sql.Identifier("key_days", condition.column)
        if condition.operator == "in":
            values.append(list(condition.values))
            return sql.SQL("({} = any({}))").format(column, sql.Placeholder())
        values.append(condition.values[0])
        return sql.SQL("({})").format(_OPERATORS[condition.operator].format(column, sql.Placeholder()))
    if isinstance(condition, Junction):
        parts = [_where(part, values) for part in condition.parts]
        return sql.SQL("({})").format(sql.SQL(" and " if condition.word == "and" else " or ").join(parts))
    return sql.SQL("(not {})").format(_where(condition.part, values))
