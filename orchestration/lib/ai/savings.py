"""From the marts of AI usage to recommendations: what is read, and how the settings are put."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import localcontext
from typing import Any, LiteralString

import pandas as pd
import psycopg

from ml.savings.ai import recommend
from ml.savings.conditions import parse_condition
from ml.savings.inputs import Inputs, KeyUse, window_of
from ml.savings.prices import PriceBook
from ml.savings.recommendation import Owner, Recommendation, Window
from ml.savings.settings import Rule, SavingsSettings
from ml.savings.traffic import Paid, traffics
from orchestration.lib.ai.candidate_prices import compared
from orchestration.lib.ai.prompt_logs import read_prompt_logs
from orchestration.lib.ai.rule_query import rule_days
from orchestration.lib.config import Config

_SPAN = "select min(charge_date), max(charge_date) from finops.ai_usage where is_repeated is not true"

# What a model costs, without the tools that are charged apart: another model would not save these. Rows that lack a price for something
# are left out, as they would look cheaper than they are.
_SUMS: LiteralString = """
    coalesce(service_tier, 'standard') as service_tier,
    operation,
    project_id,
    coalesce(api_key_id, principal) as api_key_id,
    min(team) as team,
    min(cost_center) as cost_center,
    min(project) as project,
    min(environment) as environment,
    case when count(request_count) = count(*) then sum(request_count) end as request_count,
    sum(failed_request_count) as failed_request_count,
    sum(uncached_input_tokens) as uncached_input_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_5m_tokens) as cache_write_5m_tokens,
    sum(cache_write_1h_tokens) as cache_write_1h_tokens,
    sum(input_audio_tokens) as input_audio_tokens,
    sum(cache_read_audio_tokens) as cache_read_audio_tokens,
    sum(output_tokens) as output_tokens,
    sum(output_audio_tokens) as output_audio_tokens,
    sum(image_count) as image_count,
    sum(audio_seconds) as audio_seconds,
    sum(character_count) as character_count,
    sum(model_cost) as computed_cost,
    sum(model_cost) filter (where status is not null) as failed_cost
"""
_ROWS: LiteralString = """
where charge_date between %s and %s and is_repeated is not true and price_status = 'priced' and model is not null
"""
_DAILY = f"""
select charge_date, provider, model, context_window, {_SUMS}
from finops.ai_usage {_ROWS} group by 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608
_HOURLY = f"""
select
    charge_date, provider, model, cast(extract(hour from usage_hour at time zone 'UTC') as integer) as hour,
    cast(null as text) as context_window, {_SUMS}
from finops.ai_usage_hourly {_ROWS} group by 1, 2, 3, 4, 5, 6, 7, 8, 9
"""  # noqa: S608
_PRICES = """
select provider, model, service_tier, context_window, price_class, unit_price, valid_from, valid_to
from config.ai_prices
where valid_from <= %s and valid_to > %s
"""
_KEYS = """
select distinct on (provider, project_id, api_key_id)
    provider, project_id, api_key_id, team, cost_center, project, environment, charge_date
from finops.ai_usage
where api_key_id is not null and is_repeated is not true
order by provider, project_id, api_key_id, charge_date desc, team, cost_center, project, environment
"""
# Of what is computed so much is charged, where the provider's price is another one for no known reason. A provider that charges more is
# not believed, and credits count as money: what is saved of them is spent later.
_PAID = """
select provider, least(1, greatest(0, (sum(computed_cost) + sum(unexplained_cost)) / sum(computed_cost)))
from finops.ai_cost_reconciliation
where charge_date between %s and %s and billing_currency = 'USD'
group by provider
having sum(computed_cost) > 0
"""


def ai_recommendations(
    connection: psycopg.Connection[Any], config: Config
) -> tuple[Window | None, tuple[Recommendation, ...]]:
    """The window that was looked at, and what is recommended. No window where no AI usage is known."""
    settings = settings_of(config)
    span = connection.execute(_SPAN).fetchone()
    if span is None or span[1] is None:
        return None, ()
    window = window_of(newest=span[1], oldest=span[0], lookback_days=settings.lookback_days)
    days = [window.first, window.last]
    paid: Paid = dict(connection.execute(_PAID, days).fetchall())
    with localcontext(prec=60):
        found = traffics(_frame(connection, _DAILY, days), _frame(connection, _HOURLY, days), window, paid)
        others = compared(found, config, _frame(connection, _PRICES, [window.last, window.first]), window)
        inputs = Inputs(
            window=window,
            traffics=found,
            prices=PriceBook(others.prices, paid),
            candidates=others.candidates,
            settings=settings,
            keys=tuple(
                KeyUse(provider, project_id, key, Owner(*owner), last)
                for provider, project_id, key, *owner, last in connection.execute(_KEYS).fetchall()
            ),
            rule_days={
                rule.name: rule_days(connection, parse_condition(rule.condition), window)
                for rule in settings.custom_rules
            },
            prompt_logs=read_prompt_logs(config),
        )
        return window, recommend(inputs)


def settings_of(config: Config) -> SavingsSettings:
    """The section ai_api_optimization as savings want it."""
    section = config.ai_api_optimization
    return SavingsSettings(
        lookback_days=section.lookback_days,
        minimum_monthly_saving=section.minimum_monthly_saving,
        idle_days=section.idle_days,
        night_hours=section.night_hours,
        assumed_prompt_reuse=section.assumed_prompt_reuse,
        custom_rules=tuple(
            Rule(rule.name, rule.condition, rule.potential_savings_percentage, rule.recommendation or "")
            for rule in section.rules
        ),
    )


def _frame(connection: psycopg.Connection[Any], query: LiteralString, values: Sequence[Any]) -> pd.DataFrame:
    """The answer as a frame of Python's own values: numbers stay Decimal."""
    with connection.cursor() as cursor:
        rows = cursor.execute(query, values).fetchall()
        names = [column.name for column in cursor.description or ()]
    return pd.DataFrame(rows, columns=names, dtype=object)
