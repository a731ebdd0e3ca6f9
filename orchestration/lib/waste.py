"""From the marts, the inventory and utilisation to recommendations on waste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from ml.savings.bill_hints import Charges, bill_hints
from ml.savings.holdings import Holdings
from ml.savings.recommendation import Recommendation, Window
from ml.savings.sizing import Exclusion
from ml.savings.waste_kinds import find_waste
from ml.savings.waste_settings import WasteSettings
from orchestration.lib.config import Config
from orchestration.lib.inventory.store import ensure_inventory, stored_lists
from orchestration.lib.savings_inputs import paid_costs, resource_window
from orchestration.lib.storage_price_file import storage_prices
from orchestration.lib.utilisation.hours import hours_of_week
from orchestration.lib.utilisation.tables import ensure_utilisation
from orchestration.lib.utilisation.uses import uses


@dataclass(frozen=True)
class Waste:
    """What is recommended, and which resources nothing can be said of, with the reason."""

    recommendations: tuple[Recommendation, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


def waste_recommendations(connection: psycopg.Connection[Any], config: Config) -> list[Recommendation]:
    """What is idle, left over, running at night for nobody, or in too dear a class of storage."""
    return list(waste(connection, config).recommendations)


def waste(connection: psycopg.Connection[Any], config: Config) -> Waste:
    """Recommendations on waste, and the reasons where there is none."""
    window = resource_window(connection, config.savings.lookback_days)
    if window is None:
        return Waste()
    ensure_utilisation(connection)
    ensure_inventory(connection)
    holdings = Holdings(
        window=window,
        paid=paid_costs(connection, window),
        lists=stored_lists(connection),
        settings=settings_of(config),
        uses=uses(connection, window),
        hours=hours_of_week(connection, window),
        prices=storage_prices(config),
    )
    recommendations, exclusions = find_waste(holdings)
    hints = bill_hints(_charges(connection, window, config), window, config.savings.hints.monthly_cost)
    return Waste((*recommendations, *hints), exclusions)


# What is on no resource, by the bill that it is on. A seller that is not the provider of the cloud is a marketplace's.
_CHARGES = """
with lines as (
    select
        *,
        case
            when charge_category = 'Tax' then 'tax'
            when service_name ilike '%%support%%' then 'support'
            when service_provider_name <> host_provider_name then 'marketplace'
        end as kind,
        lower(environment) = any(%(environments)s) as is_non_production
    from finops.cost_records
    where charge_date between %(first)s and %(last)s and allocated_method_id is null
),

bills as (
    select
        source_name, billing_currency,
        sum(effective_cost) as whole,
        coalesce(sum(effective_cost) filter (where is_non_production), 0) as non_production
    from lines
    group by 1, 2
)

select
    lines.kind,
    case when lines.kind = 'tax' then 'tax' else lines.service_name end as name,
    max(lines.host_provider_name) as provider,
    lines.source_name,
    lines.billing_currency,
    sum(lines.effective_cost) as cost,
    max(bills.whole) as whole,
    max(bills.non_production) as non_production
from lines
inner join bills on lines.source_name = bills.source_name and lines.billing_currency = bills.billing_currency
where lines.kind is not null
group by lines.kind, 2, lines.source_name, lines.billing_currency
order by 1, 2, 4, 5
"""


def _charges(connection: psycopg.Connection[Any], window: Window, config: Config) -> list[Charges]:
    environments = [name.lower() for name in config.savings.schedule.environments]
    values = {"first": window.first, "last": window.last, "environments": environments}
    return [
        Charges(kind, f"{name} on the bill of {source}", provider or source, currency, cost, whole, non_production)
        for kind, name, provider, source, currency, cost, whole, non_production in connection.execute(_CHARGES, values)
    ]


def settings_of(config: Config) -> WasteSettings:
    """The section `savings` as savings on waste want it."""
    section = config.savings
    return WasteSettings(
        **section.idle.model_dump(),
        schedule_environments=section.schedule.environments,
        schedule_cpu_percent=section.schedule.cpu_percent,
        network_monthly_cost=section.hints.monthly_cost,
        **section.storage.model_dump(exclude={"prices"}),
    )
